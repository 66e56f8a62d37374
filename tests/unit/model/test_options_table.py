"""One table of options: properties, command line and Python know the same names, defaults and errors."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from stem_device.errors import OptionError
from stem_device.model.options import (
    OPTIONS,
    CanaryOptions,
    ClientOptions,
    ElasticOptions,
    HttpOptions,
    LinkOptions,
    MetricsOptions,
    OpenTsdbOptions,
    OptionGroup,
    Options,
    OtlpOptions,
    PollingOptions,
    RecordingOptions,
    StackOptions,
    TelemetryOptions,
    VerdictOptions,
)
from stem_device.model.options.kinds import (
    Address,
    Choice,
    Count,
    FilePath,
    HostPort,
    Kind,
    LocalPort,
    Texts,
    Url,
)
from stem_device.model.options.option import option, specs_of


@dataclass(frozen=True, kw_only=True)
class Exporting(OptionGroup):
    """What a new part would bring along."""

    page_address: Address | None = option(None, HostPort(), "Where.")
    page_series: str = option("few", Choice(("few", "all")), "Which.")
    page_file: Path | None = option(None, FilePath(), "What.")
    page_url: str | None = option(None, Url(), "Whom to.")
    page_labels: tuple[str, ...] = option((), Texts("label"), "How.")


@dataclass(frozen=True, kw_only=True)
class More(Options, Exporting):
    """The options with that part."""


def test_the_options_are_their_groups() -> None:
    groups = (
        PollingOptions,
        RecordingOptions,
        VerdictOptions,
        HttpOptions,
        OpenTsdbOptions,
        ElasticOptions,
        OtlpOptions,
        ClientOptions,
        TelemetryOptions,
        MetricsOptions,
        CanaryOptions,
        LinkOptions,
        StackOptions,
    )
    assert [spec.field for spec in OPTIONS] == [spec.field for group in groups for spec in specs_of(group)]
    assert {spec.field for spec in OPTIONS} == {one.name for one in fields(Options)}
    assert isinstance(Options(), groups)


def test_a_group_can_be_made_alone_and_is_checked() -> None:
    assert RecordingOptions(keep_recordings=3).max_recording_bytes == 1_000_000_000
    with pytest.raises(OptionError, match="KeepRecordings"):
        RecordingOptions(keep_recordings=-1)


def test_the_lines_of_options_make_the_same_options() -> None:
    assert Options.from_lines(Options().lines()) == Options()
    assert Options.from_lines(dict.fromkeys(Options().lines())) == Options()
    others = Options(
        target_devices=("sys/*/*", "tango://h:1/a/b/c"),
        poll_period=0.123456789,
        monitor_performance=True,
        recording_directory=Path("/data"),
        max_recording_bytes=0,
        alarm_hold_time=1e-7,
        follow_publishers=False,
    )
    assert Options.from_lines(others.lines()) == others


def test_from_the_lines_of_a_database() -> None:
    options = Options.from_lines(
        {
            "TargetDevices": [" sys/*/* ", "", "tango://h:1/a/b/c"],
            "PollPeriod": ["0.5"],
            "MonitorPerformance": ["True"],
            "RecordOnStart": ["0"],
            "MaxRecordingBytes": ["4000000"],
            "QueriesPerPoll": ["3"],
        }
    )
    assert options == Options(
        target_devices=("sys/*/*", "tango://h:1/a/b/c"),
        poll_period=0.5,
        monitor_performance=True,
        record_on_start=False,
        max_recording_bytes=4_000_000,
        queries_per_poll=3,
    )


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("PollPeriod", ["abc"]),
        ("PollPeriod", [""]),
        ("PollPeriod", ["nan"]),
        ("PollPeriod", ["-1"]),
        ("PollPeriod", ["1", "2"]),
        ("MonitorPerformance", ["perhaps"]),
        ("RecordingDirectory", [""]),
        ("RecordOnStart", ["2"]),
        ("MaxRecordingBytes", ["5"]),
        ("MaxRecordingBytes", ["1e9"]),
        ("KeepRecordings", ["-1"]),
        ("TargetTimeout", ["0"]),
        ("ResolvePeriod", ["0"]),
        ("QueriesPerPoll", ["0"]),
        ("AlarmHoldTime", ["inf"]),
        ("OverdueAlarmPolls", ["1.5"]),
        ("PollPerod", ["1"]),
    ],
)
def test_a_bad_line_is_named_by_its_property(name: str, lines: list[str]) -> None:
    with pytest.raises(OptionError) as caught:
        Options.from_lines({name: lines})
    assert caught.value.option == name
    assert name in str(caught.value)


def test_documented() -> None:
    for spec in OPTIONS:
        assert spec.doc.endswith(".")
        assert spec.help.endswith(".")
        assert spec.kind.type_text


def test_options_that_are_not_set() -> None:
    lines: dict[str, list[str]] = {"PageAddress": [""], "PageFile": [], "PageUrl": [" "]}
    specs = {spec.name: spec for spec in specs_of(Exporting)}
    assert [specs[name].parse(texts) for name, texts in lines.items()] == [None, None, None]
    assert More(page_labels=("a",)).page_address is None
    assert specs["PageAddress"].lines(None) == ()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (HostPort(), "127.0.0.1:8000", Address("127.0.0.1", 8000)),
        (HostPort(), "[::1]:0", Address("::1", 0)),
        (HostPort(), "0.0.0.0:65535", Address("0.0.0.0", 65_535)),
        (HostPort(), "my-host.lab:80", Address("my-host.lab", 80)),
        (LocalPort(), "[::1]:0", Address("::1", 0)),
        (Choice(("few", "all")), "all", "all"),
        (FilePath(), "/etc/x", Path("/etc/x")),
        (Url(), "https://host:9200/path", "https://host:9200/path"),
        (Url(("opc",)), "opc://host", "opc://host"),
        (Count(5, or_zero=True), "0", 0),
    ],
)
def test_what_a_kind_reads_and_writes(kind: Kind, text: str, value: Any) -> None:
    assert kind.parse(text) == value
    kind.check(value)
    assert kind.text(value) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((HostPort(), text) for text in ("8000", ":8000", "host", "host:", "host:x", "h:70000", "::1:80")),
        *((LocalPort(), text) for text in ("", ":", "host", "host:", ":x", "70000", "::1:80", "h:1:2")),
        *((HostPort(), text) for text in ("http://h:1", "[]:1", "a b:1", "h:1:2", "h/x:1", "user@h:1")),
        (Choice(("few", "all")), "ALL"),
        (FilePath(), ""),
        (FilePath(), "a\0b"),
        *((Url(), text) for text in ("host:9200", "ftp://host", "http://", "http://h:99999", "http://h:0")),
        *((Url(), text) for text in ("http://h\x1b[2J/", "http://[::1", "http://h:x/")),
        (Count(5, or_zero=True), "4"),
    ],
)
def test_what_a_kind_refuses(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError, match=r"must|invalid"):
        kind.check(kind.parse(text))


@pytest.mark.parametrize("value", ["127.0.0.1:1", ("127.0.0.1", 1), Address("", 1), Address("h", -1)])
def test_an_address_in_python_is_an_address(value: Any) -> None:
    with pytest.raises(OptionError, match="PageAddress"):
        More(page_address=value)


def test_two_groups_with_one_name_are_a_mistake_of_ours() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Again(OptionGroup):
        poll_period: float = option(1.0, Count(), "Again.")

    @dataclass(frozen=True, kw_only=True)
    class Both(PollingOptions, Again):
        pass

    with pytest.raises(TypeError, match="poll_period"):
        Both()

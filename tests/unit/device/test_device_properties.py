"""Properties become Options, and a bad one is named."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from stem_device.device.properties import PROPERTIES, parse_properties
from stem_device.errors import OptionError
from stem_device.model.options import Options, property_name


def test_every_option_is_a_property() -> None:
    assert {spec.name for spec in PROPERTIES} == {property_name(field.name) for field in fields(Options)}


def test_the_defaults_of_the_table_are_those_of_the_options() -> None:
    assert parse_properties({spec.name: spec.default for spec in PROPERTIES}) == Options()
    assert parse_properties({spec.name: None for spec in PROPERTIES}) == Options()


def test_all_of_them() -> None:
    options = parse_properties(
        {
            "TargetDevices": [" sys/*/* ", "tango://h:1/a/b/c"],
            "PollPeriod": ["0.5"],
            "MonitorPerformance": ["True"],
            "RecordingDirectory": ["/data"],
            "RecordOnStart": ["0"],
            "MaxRecordingBytes": ["4000000"],
            "KeepRecordings": ["5"],
            "TargetTimeout": ["1"],
            "ResolvePeriod": ["30"],
            "QueriesPerPoll": ["3"],
            "AlarmHoldTime": ["60"],
            "OverdueAlarmPolls": ["4"],
        }
    )
    assert options == Options(
        target_devices=("sys/*/*", "tango://h:1/a/b/c"),
        poll_period=0.5,
        monitor_performance=True,
        recording_directory=Path("/data"),
        record_on_start=False,
        max_recording_bytes=4_000_000,
        keep_recordings=5,
        target_timeout=1.0,
        resolve_period=30.0,
        queries_per_poll=3,
        alarm_hold_time=60.0,
        overdue_alarm_polls=4,
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
def test_a_bad_one_is_named(name: str, lines: list[str]) -> None:
    with pytest.raises(OptionError) as caught:
        parse_properties({name: lines})
    assert caught.value.option == name
    assert name in str(caught.value)


def test_documented() -> None:
    for spec in PROPERTIES:
        assert spec.doc.endswith(".")
        assert spec.type_text


def test_a_blank_line_among_the_targets_is_no_target() -> None:
    assert parse_properties({"TargetDevices": ["a/b/c", " ", ""]}).target_devices == ("a/b/c",)

"""``stem mark`` up to what is sent."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("typer")

from typer.testing import CliRunner, Result

from stem_device.cli import mark_session
from stem_device.cli.app import app
from stem_device.client import MarkReply
from stem_device.errors import MarkError, MonitorUnreachableError

pytestmark = pytest.mark.extras


class Marker:
    """In place of RunMarker."""

    sent: list[tuple[Any, ...]]
    answer: MarkReply | Exception

    def __init__(self, device: str) -> None:
        self.device = device

    def begin(self, *words: str, **told: Any) -> MarkReply:
        return self._send("begin", *words, told)

    def mark(self, *words: str, **told: Any) -> MarkReply:
        return self._send("mark", *words, told)

    def end(self, *words: str, **told: Any) -> MarkReply:
        return self._send("end", *words, told)

    def _send(self, *call: Any) -> MarkReply:
        *words, told = call
        self.sent.append(
            (self.device, *words, {name: value for name, value in told.items() if value is not None})
        )
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def marker(monkeypatch: pytest.MonkeyPatch) -> type[Marker]:
    monkeypatch.setattr(mark_session, "RunMarker", Marker)
    Marker.sent, Marker.answer = [], MarkReply(recorded=True)
    return Marker


def run(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, ["mark", *arguments], env={"COLUMNS": "120", **(environment or {})})


def test_an_event_is_a_mark_and_begin_and_end_are_those_of_the_run(marker: type[Marker]) -> None:
    for event in ("begin", "flashed", "end"):
        assert run("run-7", event).exit_code == 0
    assert marker.sent == [
        ("sys/eventmon/1", "begin", "run-7", {}),
        ("sys/eventmon/1", "mark", "run-7", "flashed", {}),
        ("sys/eventmon/1", "end", "run-7", {}),
    ]


def test_all_options_arrive(marker: type[Marker]) -> None:
    texts = ("device_group", "queue", "configuration", "host", "worker", "requestor", "request_id", "error")
    options = [word for name in texts for word in (f"--{name.replace('_', '-')}", f"the {name}")]
    assert (
        run(
            "r", "m", "-d", "lab/mon/1", "--iteration", "3", "--time", "2026-11-22T04:15:30Z", *options
        ).exit_code
        == 0
    )
    told = {name: f"the {name}" for name in texts} | {"iteration": 3, "time": "2026-11-22T04:15:30Z"}
    assert marker.sent == [("lab/mon/1", "mark", "r", "m", told)]


def test_a_time_in_nanoseconds_is_a_number(marker: type[Marker]) -> None:
    assert run("r", "m", "--time", "1795320930250000000").exit_code == 0
    assert marker.sent[0][-1] == {"time": 1_795_320_930_250_000_000}


def test_a_time_by_the_clock_of_a_zone(marker: type[Marker]) -> None:
    assert run("r", "m", "--time", "2026-11-22T05:15 Europe/Berlin").exit_code == 0
    assert marker.sent[0][-1] == {"time": "2026-11-22T05:15:00+01:00"}


def test_the_device_may_come_from_the_environment(marker: type[Marker]) -> None:
    told = run("r", "m", environment={"STEM_EVENT_MONITOR": "lab/mon/3"})
    assert (told.stdout, told.stderr) == ("lab/mon/3 recorded m of r\n", "")
    marker.sent.clear()
    assert run("r", "m", environment={"STEM_EVENT_MONITOR": "lab/mon/2"}).exit_code == 0
    assert marker.sent[0][0] == "lab/mon/2"


def test_a_mark_that_is_not_recorded_is_told_and_fails_only_if_it_must_be(marker: type[Marker]) -> None:
    marker.answer = MarkReply(recorded=False, reason="nothing is being recorded")
    for options, code in (((), 0), (("--must-record",), 1)):
        result = run("r", "m", *options)
        assert result.exit_code == code
        assert result.stderr == "stem: the mark is not recorded: nothing is being recorded\n"
        assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MonitorUnreachableError("sys/eventmon/1", "it is down"), 1),
        (MarkError("$.run", "too long"), 2),
    ],
)
def test_failures(marker: type[Marker], error: Exception, code: int) -> None:
    marker.answer = error
    result = run("r", "m")
    assert result.exit_code == code
    assert result.stderr == f"stem: {error}\n"


@pytest.mark.parametrize(
    "arguments",
    [(), ("r",), ("r", "m", "x"), ("r", "m", "--iteration", "-1"), ("r", "m", "--iteration", "one")],
)
def test_wrong_usage(marker: type[Marker], arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert marker.sent == []


def test_help_teaches_and_the_shell_completes() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "Examples" in result.output
    assert "stem mark run-7 begin" in result.output
    completion = {"_STEM_COMPLETE": "complete_bash", "COMP_WORDS": "stem mark run-7 b", "COMP_CWORD": "3"}
    offered = CliRunner().invoke(app, [], env=completion, prog_name="stem")
    assert offered.output.split() == ["begin"]

"""The client's side of marks, with a device that the test controls."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any, cast

import pytest
import tango

from stem_device.client import MarkReply, RunMarker
from stem_device.device.failures import dev_failed, not_working
from stem_device.device.marks import parse_mark
from stem_device.errors import MarkError, MonitorUnreachableError
from stem_device.model.mark import MAX_ERROR_CHARACTERS, MarkKind

NS = 1_795_320_930_250_000_000
KINDS = {"BeginRun": MarkKind.BEGIN, "Mark": MarkKind.MARK, "EndRun": MarkKind.END}


def failed(reason: str, description: str) -> tango.DevFailed:
    error = tango.DevError()
    error.reason, error.desc, error.origin = reason, description, "test"
    return tango.DevFailed(error)


class Device:
    """Takes marks as the real one does; raises ``failure``."""

    def __init__(self) -> None:
        self.marks: list[tuple[str, dict[str, Any]]] = []
        self.answer: object = {"recorded": True, "reason": "", "received": "2026-11-22T04:15:30.261402Z"}
        self.failure: tango.DevFailed | None = None

    def dev_name(self) -> str:
        return "sys/eventmon/1"

    def command_inout(self, command: str, argument: str) -> str:
        if self.failure is not None:
            raise self.failure
        try:
            parse_mark(KINDS[command], argument)
        except MarkError as error:
            raise dev_failed(error, command) from error
        self.marks.append((command, json.loads(argument)))
        return json.dumps(self.answer)

    @property
    def commands(self) -> list[str]:
        return [command for command, _ in self.marks]


@pytest.fixture
def device() -> Device:
    return Device()


def marker_of(device: Device, *, never_fail: bool = False) -> RunMarker:
    return RunMarker(cast(Any, device), never_fail=never_fail, utc_ns=lambda: NS)


def test_what_is_told_is_sent_with_the_time_of_the_call(device: Device) -> None:
    marker = marker_of(device)
    assert marker.begin("r", device_group="mid", queue=cast(str, None)) == MarkReply(
        recorded=True, received="2026-11-22T04:15:30.261402Z"
    )
    marker.mark("r", "gr\u00f6\u00dfe", iteration=2, time="2026-11-22T04:15:30Z")
    marker.end("r", error="no")
    assert device.marks == [
        ("BeginRun", {"run": "r", "time": NS, "device_group": "mid"}),
        (
            "Mark",
            {"run": "r", "name": "gr\u00f6\u00dfe", "time": "2026-11-22T04:15:30Z", "iteration": 2},
        ),
        ("EndRun", {"run": "r", "time": NS, "error": "no"}),
    ]


def test_a_run_begins_and_ends_with_its_block(device: Device) -> None:
    with marker_of(device).run("r", device_group="mid", iteration=4) as run:
        run.mark("flashed")
        run.mark("tested", iteration=9)
    assert run.id == "r"
    assert device.marks == [
        ("BeginRun", {"run": "r", "time": NS, "device_group": "mid", "iteration": 4}),
        ("Mark", {"run": "r", "name": "flashed", "time": NS, "iteration": 4}),
        ("Mark", {"run": "r", "name": "tested", "time": NS, "iteration": 9}),
        ("EndRun", {"run": "r", "time": NS, "iteration": 4}),
    ]


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (ValueError("no motor"), "ValueError: no motor"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (ValueError("\ud800"), "ValueError: ?"),
        (ValueError("x" * 10_000), ("ValueError: " + "x" * 10_000)[:MAX_ERROR_CHARACTERS]),
    ],
)
def test_what_leaves_the_block_is_the_error_of_the_run(
    device: Device, raised: BaseException, error: str
) -> None:
    with pytest.raises(type(raised)), marker_of(device).run("r"):
        raise raised
    assert device.marks[-1] == ("EndRun", {"run": "r", "time": NS, "error": error})


def test_a_monitor_that_goes_away_does_not_hide_what_left_the_block(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        device.failure = failed("API_DeviceNotExported", "it is down")
        raise ValueError("no motor")

    with pytest.raises(ValueError, match="no motor"), marker_of(device).run("r"):
        fail()
    assert "it is down" in caplog.text


def test_a_monitor_that_does_not_take_the_mark_raises(device: Device) -> None:
    marker = marker_of(device)
    for failure in (
        failed("API_CantConnectToDevice", "it is down"),
        not_working("it is down", "Mark"),
    ):
        device.failure = failure
        with pytest.raises(MonitorUnreachableError, match="sys/eventmon/1 did not take the mark: it is down"):
            marker.mark("r", "m")
    assert marker.lost == 0


@pytest.mark.parametrize("answer", [[1], {"received": "now"}, {"recorded": 1}])
def test_another_device_is_not_taken_for_a_monitor(device: Device, answer: object) -> None:
    device.answer = answer
    with pytest.raises(MonitorUnreachableError, match="EventMonitor"):
        marker_of(device).mark("r", "m")
    device.failure = failed("API_CommandNotFound", "Command Mark not found")
    with pytest.raises(MonitorUnreachableError, match="no EventMonitor"):
        marker_of(device).mark("r", "m")


def test_a_test_that_must_go_on_goes_on_and_what_is_lost_is_counted(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.failure = failed("API_CantConnectToDevice", "it is down")
    marker = marker_of(device, never_fail=True)
    with caplog.at_level(logging.WARNING), marker.run("r") as run:
        reply = run.mark("flashed")
        device.failure = None
    assert not reply.recorded
    assert "it is down" in reply.reason
    assert marker.lost == 2
    assert len(caplog.records) == 2
    assert device.commands == ["EndRun"]


@pytest.mark.parametrize("never_fail", [False, True])
def test_a_mark_that_cannot_be_used_is_an_error_of_the_caller(device: Device, never_fail: bool) -> None:
    marker = marker_of(device, never_fail=never_fail)
    with pytest.raises(MarkError, match="length >= 1") as caught:
        marker.begin("")
    assert caught.value.key == "$.run"
    assert marker.lost == 0


def test_marks_that_are_not_recorded_are_counted(device: Device) -> None:
    device.answer = {"recorded": False, "reason": "nothing is being recorded", "received": "x", "new key": 1}
    marker = marker_of(device)
    assert marker.mark("r", "m") == MarkReply(
        recorded=False, reason="nothing is being recorded", received="x"
    )
    assert (marker.unrecorded, marker.lost) == (1, 0)


def test_threads_count_together(device: Device) -> None:
    device.failure = failed("API_CantConnectToDevice", "it is down")
    marker = marker_of(device, never_fail=True)

    def mark_often() -> None:
        for _ in range(200):
            marker.mark("r", "m")

    threads = [threading.Thread(target=mark_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert marker.lost == 800

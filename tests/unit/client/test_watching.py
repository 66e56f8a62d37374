"""What a watched process does in the background, with a monitor and an event system of the test's own."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import tango

from stem_device.client import watching
from stem_device.client.watching import LONGEST_PAUSE_SECONDS, OwnEvents, Watch
from stem_device.demo.processes import wait_until
from stem_device.errors import WatchError
from stem_device.model.client_report import MAX_REPORT_CHARACTERS, MAX_TEXTS
from stem_device.polling.clients.reading import parse_report

OFF = '{"version":1,"server":null,"client":{"event_callbacks":{},"perf":null}}'
NOTHING = '{"version":1,"server":null,"client":null}'


SAMPLES = ['{"process_micros":1}'] * 256


def with_samples(number: int) -> str:
    return '{"version":1,"server":null,"client":{"perf":[' + ",".join(SAMPLES[:number]) + "]}}"


class Events:
    """Says what it is told to say."""

    def __init__(self) -> None:
        self.text = OFF
        self.switched: list[bool] = []
        self.queries = 0

    def query(self) -> str:
        self.queries += 1
        return self.text

    def sample(self, on: bool) -> None:
        self.switched.append(on)


class Monitor:
    """Takes reports as the real one does; raises ``failure``."""

    def __init__(self) -> None:
        self.reports: list[Any] = []
        self.wanted: dict[str, Any] = {"period_seconds": 1.0, "sampling": False, "queries": 8}
        self.failure: BaseException | None = None
        self.connections = 0
        self.hold: threading.Event | None = None

    def connect(self, _: str) -> Monitor:
        self.connections += 1
        return self

    def command_inout(self, command: str, argument: str) -> str:
        assert command == "ReportClient"
        assert argument.isascii()
        if self.hold is not None:
            self.hold.wait(20)
        if self.failure is not None:
            raise self.failure
        self.reports.append(parse_report(argument))
        return json.dumps({"server": "client/synoptic/pc3", **self.wanted})


class Time:
    now = 100.0

    def __call__(self) -> float:
        self.now += 0.25
        return self.now


def failed(reason: str, description: str) -> tango.DevFailed:
    error = tango.DevError()
    error.reason, error.desc, error.origin = reason, description, "test"
    return tango.DevFailed(error)


@pytest.fixture
def monitor() -> Monitor:
    return Monitor()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def watched(monitor: Monitor, events: Events) -> Watch:
    return Watch("sys/eventmon/1", "synoptic", events, connect=monitor.connect, monotonic=Time())


def test_each_turn_is_one_report(watched: Watch, monitor: Monitor) -> None:
    watched.turn()
    watched.turn()
    one, two = monitor.reports
    assert (one.name, one.number, one.answered, one.since_answer_seconds) == ("synoptic", 1, 0, 0.0)
    assert (two.number, two.answered, two.texts) == (2, 1, [OFF])
    # A quarter of a second for each look at the clock: asked, answered, sent; then that of the answer.
    assert (two.query_seconds, two.age_seconds, two.since_answer_seconds) == (0.25, 0.5, 0.25)
    assert (one.pid, one.started) == (two.pid, two.started)
    assert (watched.server, watched.problem, watched.reports, watched.lost) == (
        "client/synoptic/pc3",
        "",
        2,
        0,
    )
    assert watched.pause_seconds == 1.0


def test_a_monitor_that_is_away_is_tried_again_less_and_less_often(
    watched: Watch, monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    monitor.failure = failed("API_CantConnectToDevice", "nobody there")
    pauses = []
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            watched.turn()
            pauses.append(watched.pause_seconds)
    assert pauses == [2.0, 4.0, 8.0, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]
    assert (watched.problem, watched.lost, watched.reports) == ("nobody there", 5, 0)
    assert [record.getMessage() for record in caplog.records] == [
        "sys/eventmon/1 does not take what is reported to it: nobody there"
    ]
    monitor.failure = None
    watched.turn()
    assert (watched.problem, watched.lost, watched.pause_seconds) == ("", 5, 1.0)
    assert monitor.connections == 6
    assert (monitor.reports[0].number, monitor.reports[0].answered) == (6, 0)


def test_what_is_no_monitor_is_said(watched: Watch, monitor: Monitor) -> None:
    monitor.failure = failed("API_CommandNotFound", "Command ReportClient not found")
    watched.turn()
    assert watched.problem == "it is no EventMonitor, or one of an older version"


def test_sampling_follows_the_monitor_and_ends_with_it(
    watched: Watch, monitor: Monitor, events: Events
) -> None:
    watched.turn()
    assert events.switched == []
    monitor.wanted["sampling"] = True
    watched.turn()
    assert events.switched == [True]
    events.text = with_samples(3)
    watched.turn()
    assert events.switched == [True]
    assert [report.sampling_ours for report in monitor.reports] == [False, False, True]
    events.text = OFF  # it subscribed to its first event only now
    watched.turn()
    assert events.switched == [True, True]
    monitor.wanted["sampling"] = False
    watched.turn()
    watched.turn()
    assert events.switched == [True, True, False]


def test_sampling_that_somebody_else_wants_is_left_alone(
    watched: Watch, monitor: Monitor, events: Events
) -> None:
    events.text = with_samples(3)
    monitor.wanted["sampling"] = True
    watched.turn()
    monitor.wanted["sampling"] = False
    watched.turn()
    watched.say_farewell()
    assert events.switched == []


def test_a_process_without_subscriptions_is_switched_once(
    watched: Watch, monitor: Monitor, events: Events
) -> None:
    events.text = NOTHING
    monitor.wanted["sampling"] = True
    watched.turn()
    watched.turn()
    assert events.switched == [True]


def test_buffers_that_fill_are_emptied_more_often(watched: Watch, monitor: Monitor, events: Events) -> None:
    monitor.wanted["sampling"] = True
    events.text = with_samples(256)
    asked = []
    for _ in range(5):
        before = len(monitor.reports)
        while len(monitor.reports) == before:
            watched.turn()
        asked.append(len(monitor.reports[-1].texts))
    assert asked == [1, 2, 4, 8, 8]
    assert watched.pause_seconds == 1.0 / 8
    events.text = with_samples(1)
    while watched.pause_seconds < 1.0:
        watched.turn()
    assert len(monitor.reports[-1].texts) == 2


def test_what_waits_for_a_monitor_is_bounded(watched: Watch, monitor: Monitor, events: Events) -> None:
    monitor.failure = failed("API_DeviceTimedOut", "hangs")
    for _ in range(2 * MAX_TEXTS):
        watched.turn()
    events.text = "x" * (MAX_REPORT_CHARACTERS // 2 - 1000)
    watched.turn()
    monitor.failure = None
    events.text = OFF
    watched.turn()
    assert 0 < len(monitor.reports[0].texts) < MAX_TEXTS
    assert monitor.reports[0].texts[-1] == OFF


def test_the_farewell_has_the_last_counters(watched: Watch, monitor: Monitor, events: Events) -> None:
    watched.say_farewell()
    assert monitor.reports == []  # a monitor that never heard of it need not hear of its end
    monitor.wanted["sampling"] = True
    watched.turn()
    events.text = with_samples(2)
    watched.say_farewell()
    assert events.switched == [True, False]
    assert (monitor.reports[-1].ended, monitor.reports[-1].texts) == (True, [with_samples(2)])


@pytest.fixture
def running(watched: Watch) -> Iterator[Watch]:
    yield watched.start()
    watched.close()


def test_whatever_fails_in_the_background_stays_there(
    running: Watch, monitor: Monitor, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    wait_until(lambda: running.reports, "a report")
    caplog.set_level(logging.WARNING)
    events.query = None  # type: ignore[assignment, method-assign]
    wait_until(lambda: running.problem, "a problem")
    assert running.problem == "TypeError: 'NoneType' object is not callable"
    del events.query
    wait_until(lambda: not running.problem, "it to go on")
    running.close()
    assert monitor.reports[-1].ended


def test_close_waits_for_no_monitor_that_hangs(running: Watch, monitor: Monitor) -> None:
    wait_until(lambda: running.reports, "a report")
    monitor.hold = threading.Event()
    asked = running._events.queries  # type: ignore[attr-defined]
    wait_until(lambda: running._events.queries > asked, "the next one to hang")  # type: ignore[attr-defined]
    running.close()
    assert running._thread.is_alive()
    monitor.hold.set()
    wait_until(lambda: not running._thread.is_alive(), "the thread to end")


def test_an_older_pytango_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tango.ApiUtil, "query_event_system", raising=False)
    with pytest.raises(WatchError, match=r"PyTango .* does not tell .* 10\.3 and later do; upgrade PyTango"):
        OwnEvents()


def test_a_device_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_is_device_server", lambda: True)
    with pytest.raises(WatchError, match="add it to TargetDevices"):
        OwnEvents()

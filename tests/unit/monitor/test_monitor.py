"""The engine's own duties, with a poller that the test controls."""

import math
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from stem_device.accounting import Ledger
from stem_device.errors import MonitorNotRunningError, OptionError, RecordingError
from stem_device.model.clock import SystemClock
from stem_device.model.mark import Mark, MarkKind
from stem_device.model.options import Options
from stem_device.model.poll import Poll, PollPhases
from stem_device.monitor import Monitor
from stem_device.recording import RecordingStatus
from tests.waiting import wait_until

LIMIT = 20.0


class FakePoller:
    """Answers at once; raises what is put into ``failures``."""

    def __init__(self):
        self.number = 0
        self.sampling = []
        self.targets = None
        self.poll_period = None
        self.closed = False
        self.failures = []
        self.spared = []

    def poll(self, overruns_total=0, *, spare=True):
        if self.failures:
            raise self.failures.pop(0)
        self.number += 1
        self.spared.append(spare)
        return Poll(self.number, time.time_ns(), time.monotonic_ns(), 0.0, 0.0, overruns_total, ())

    def set_sampling(self, on):
        self.sampling.append(on)

    def add_source(self, source):
        """Nobody asks it."""

    def set_targets(self, targets):
        self.targets = targets

    def close(self):
        self.closed = True


class FakeRecordings:
    """A recording in memory that can be told to fail."""

    def __init__(self):
        self.status = RecordingStatus()
        self.written = []
        self.fails: bool | str = False

    def start(self, label, context):
        if self.fails:
            raise RecordingError("x.h5", "create", "no space left")
        self.context = context
        self.status = RecordingStatus(active=True, path=Path(f"{label}.h5"))
        return self.status.path

    def write(self, snapshot):
        if self.fails:
            self.status = RecordingStatus(error="no space left")
            return False
        self.written.append(snapshot.poll)
        return True

    def mark(self, mark):
        if self.fails == "badly":
            raise ZeroDivisionError("a bug")
        if self.fails:
            self.status = RecordingStatus(error="no space left")
        elif self.status.active:
            self.written.append(mark)
        return self.status.active

    def stop(self):
        self.status = RecordingStatus(path=self.status.path)


@pytest.fixture
def parts():
    return FakePoller(), FakeRecordings()


@pytest.fixture
def monitor(parts):
    made = _monitor(parts)
    yield made
    made.stop()


def _monitor(parts, **options):
    poller, recordings = parts
    return Monitor(
        Options(**({"poll_period": 3600.0} | options)),
        poller=poller,
        recordings=recordings,
        thread_context=nullcontext,
    )


def test_polls_at_once_and_again_when_asked(monitor, parts):
    monitor.start()
    wait_until(lambda: monitor.snapshot is not None)
    first = monitor.snapshot.poll
    assert monitor.poll_now().poll > first
    assert monitor.poll_now().poll > first + 1
    assert parts[0].spared.count(False) == 2, "whoever polls now asks everybody"


def test_starting_and_stopping_twice_is_no_error(monitor, parts):
    monitor.start()
    monitor.start()
    assert sum(thread.name == "stem-poll" for thread in threading.enumerate()) == 1
    monitor.stop()
    monitor.stop()
    assert parts[0].closed


def test_poll_now_of_a_monitor_that_does_not_run_is_an_error(monitor):
    with pytest.raises(MonitorNotRunningError, match="start it first"):
        monitor.poll_now()


def test_poll_now_of_a_monitor_that_is_stopped_meanwhile_says_so(monitor, parts):
    monitor.start()
    wait_until(lambda: monitor.snapshot is not None)
    monitor.stop()
    with pytest.raises(MonitorNotRunningError, match="was stopped"):
        monitor.poll_now()


@pytest.mark.parametrize("failure", [RuntimeError("boom"), SystemExit(1), MemoryError()])
def test_a_failing_poll_thread_goes_on_and_is_counted(monitor, parts, failure):
    parts[0].failures.append(failure)
    monitor.start()
    wait_until(lambda: monitor.snapshot is not None)
    assert monitor.health.thread_restarts == 1
    assert type(failure).__name__ in monitor.health.last_error


class JumpingClock(SystemClock):
    """Goes on by a thousand seconds whenever it is told to."""

    ahead_ns = 0

    def monotonic_ns(self):
        return super().monotonic_ns() + self.ahead_ns

    def jump(self, *_):
        self.ahead_ns += 1000 * 10**9


PHASES = ("resolve", "ask", "parse", "account", "record", "publish")
LASTS = {"ask", "parse", "account"}
"""Those that the duration of a poll covers: it begins when servers are asked, and ends with the Snapshot."""


@pytest.mark.parametrize("phase", PHASES)
def test_what_takes_long_is_told_as_a_phase(parts, phase, monkeypatch):
    """What follows the Snapshot is in the next one."""
    clock = JumpingClock()
    poller, recordings = parts
    polled, written = poller.poll, recordings.write
    if phase == "record":
        recordings.write = lambda snapshot: [clock.jump(), written(snapshot)][1]
    monitor = Monitor(
        Options(poll_period=3600.0),
        clock=clock,
        poller=poller,
        recordings=recordings,
        thread_context=nullcontext,
    )
    if phase == "publish":
        monitor.at_each_poll(clock.jump)
    if phase == "account":
        account = Ledger.account
        monkeypatch.setattr(Ledger, "account", lambda *given: [clock.jump(), account(*given)][1])
    phases = dict.fromkeys(("resolve_seconds", "ask_seconds", "parse_seconds"), 0.001)
    if phase in ("resolve", "ask", "parse"):
        phases[f"{phase}_seconds"] = 1000.0
    own = {"duration_seconds": 1000.0 if phase in ("ask", "parse") else 0.002, "phases": PollPhases(**phases)}
    poller.poll = lambda **more: structs.replace(polled(**more), **own)
    seen: list[Any] = []
    monitor.at_each_poll(seen.append)
    try:
        monitor.start_recording("phases")
        monitor.start()
        wait_until(lambda: seen)
        monitor.poll_now()
    finally:
        monitor.stop()
    told = {name: getattr(seen[-1].phases, f"{name}_seconds") for name in PHASES}
    assert {name for name, seconds in told.items() if not 0 <= seconds < 900} == {phase}
    assert 1000 <= told[phase] < 1900
    if phase in LASTS:
        assert 1000 <= seen[-1].duration_seconds < 1900
    else:
        assert 0.002 <= seen[-1].duration_seconds < 900
    assert math.isnan(seen[0].phases.publish_seconds)
    durations = {
        label: value
        for label, kind, value in zip(
            seen[-1].telemetry.label, seen[-1].telemetry.kind, seen[-1].telemetry.value, strict=True
        )
        if kind == "duration"
    }
    assert durations[f"poll.{phase}"] == told[phase]


def test_a_failing_step_of_the_poll_hinders_nobody(monitor):
    seen: list[Any] = []

    def fails(_):
        raise ValueError("a step")

    monitor.at_each_poll(fails)
    monitor.at_each_poll(seen.append)
    monitor.start()
    wait_until(lambda: seen)
    assert monitor.health.consumer_errors == 1
    assert monitor.health.thread_restarts == 0


def test_a_recording_samples_and_ends_sampling(monitor, parts):
    poller, recordings = parts
    monitor.start()
    monitor.start_recording("one")
    assert poller.sampling[-1]
    assert monitor.start_recording("two") == Path("one.h5"), "there is one already"
    number = monitor.poll_now().poll
    assert number in recordings.written
    monitor.stop_recording()
    monitor.stop_recording()
    assert not poller.sampling[-1]


def test_sampling_that_was_asked_for_outlives_a_recording(monitor, parts):
    poller, _ = parts
    monitor.start()
    monitor.start_performance_monitoring()
    monitor.start_recording("one")
    monitor.stop_recording()
    assert poller.sampling[-1]
    monitor.stop_performance_monitoring()
    assert not poller.sampling[-1]


def test_a_recording_that_fails_ends_its_sampling_and_can_begin_again(monitor, parts):
    poller, recordings = parts
    monitor.start()
    monitor.start_recording("one")
    recordings.fails = True
    monitor.poll_now()
    assert monitor.recording.error == "no space left"
    assert not poller.sampling[-1]
    assert monitor.poll_now().poll, "monitoring goes on"
    with pytest.raises(RecordingError, match="no space left"):
        monitor.start_recording("two")
    recordings.fails = False
    monitor.start_recording("three")
    assert monitor.recording.active


def test_recording_on_start_that_cannot_begin_does_not_hinder_monitoring(parts):
    parts[1].fails = True
    monitor = _monitor(parts, record_on_start=True)
    try:
        monitor.start()
        wait_until(lambda: monitor.snapshot is not None)
    finally:
        monitor.stop()


MARK = Mark(
    kind=MarkKind.BEGIN, run="r", name="begin", emitted_utc_ns=5, received_utc_ns=0, received_monotonic_ns=0
)


def test_a_mark_is_recorded_with_the_time_of_its_reception(monitor, parts):
    monitor.start_recording("one")
    before = time.time_ns()
    outcome = monitor.mark(MARK)
    assert outcome.recorded
    assert parts[1].written == [outcome.mark]
    assert before <= outcome.mark.received_utc_ns <= time.time_ns()
    assert monitor.unrecorded_marks == 0


def test_a_mark_while_nothing_is_recorded_says_what_to_do(monitor):
    assert "StartRecording" in monitor.mark(MARK).reason
    assert monitor.unrecorded_marks == 1


def test_a_mark_that_fails_ends_the_recording_and_its_sampling(monitor, parts):
    monitor.start_recording("one")
    assert parts[0].sampling[-1]
    parts[1].fails = True
    assert monitor.mark(MARK).reason == "no space left"
    assert not parts[0].sampling[-1]


def test_a_mark_that_meets_a_bug_is_answered_and_so_is_the_next_one(monitor, parts):
    monitor.start_recording("one")
    parts[1].fails = "badly"
    assert "a bug" in monitor.mark(MARK).reason
    assert "a bug" in monitor.health.last_error
    parts[1].fails = False
    assert monitor.mark(MARK).recorded
    assert monitor.unrecorded_marks == 1


def test_a_monitor_that_was_stopped_takes_no_mark(monitor):
    monitor.stop()
    with pytest.raises(MonitorNotRunningError, match="stopped"):
        monitor.mark(MARK)


def test_targets_are_compared_without_regard_to_case(monitor, parts):
    monitor.add_target("sys/tg_test/1")
    monitor.add_target("SYS/tg_test/1")
    assert monitor.targets == parts[0].targets == ("sys/tg_test/1",)
    monitor.remove_target("sys/other/1")
    monitor.remove_target("Sys/TG_test/1")
    assert monitor.targets == parts[0].targets == ()
    with pytest.raises(OptionError, match="TargetDevices"):
        monitor.add_target(" ")


def test_the_poll_period_is_validated(monitor, parts):
    monitor.poll_period = 7.0
    assert monitor.poll_period == parts[0].poll_period == 7.0
    with pytest.raises(OptionError, match="PollPeriod"):
        monitor.poll_period = -1.0
    assert monitor.poll_period == 7.0


def test_reset_counters_shows_at_once(monitor):
    monitor.start()
    wait_until(lambda: monitor.snapshot is not None)
    before = monitor.snapshot
    monitor.reset_counters()
    wait_until(lambda: monitor.snapshot.poll > before.poll)
    assert monitor.snapshot.monitoring_since_utc_ns > before.monitoring_since_utc_ns


def test_a_recording_says_who_made_it(monitor, parts):
    monitor.add_target("sys/tg_test/1")
    monitor.start_recording("one")
    context = parts[1].context
    assert (context.label, context.targets) == ("one", ("sys/tg_test/1",))
    assert context.properties["TargetDevices"] == "sys/tg_test/1"
    assert context.properties["PollPeriod"] == "3600"
    assert {"python", "pytango", "numpy"} <= context.versions.keys()

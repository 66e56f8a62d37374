"""Consumers and recordings that hang, are slow or raise cost no poll, and what they lose is counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from stem_device.errors import OptionError, RecordingError
from stem_device.model.options import Options
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import Poll
from stem_device.model.snapshot import Snapshot
from stem_device.monitor import Monitor
from stem_device.outlets import MAX_WAITING, Outlet
from stem_device.recording import RecordingContext, RecordingStatus
from tests.waiting import wait_until

LIMIT = 20.0
PERIOD = 0.1
POLLS = 30
HOLD = Options().alarm_hold_time


class Clock:
    """Stands still until the test moves it."""

    now = 10**12

    def utc_ns(self) -> int:
        return self.now

    def monotonic_ns(self) -> int:
        return self.now


class FakePoller:
    """Answers at once."""

    number = 0
    clock = Clock()

    def poll(self, overruns_total: int = 0, *, spare: bool = True) -> Poll:  # noqa: ARG002
        self.number += 1
        now = self.clock.now
        return Poll(self.number, now, now, 0.0, 0.0, overruns_total, ())

    def set_sampling(self, on: bool) -> None:
        self.sampling = on

    def add_source(self, source: object) -> None:
        """Nobody asks it."""

    def close(self) -> None:
        self.closed = True


class Disk:
    """A recording on a disk that answers only while it is ``free``."""

    def __init__(self) -> None:
        self.status = RecordingStatus()
        self.free, self.asked = threading.Event(), threading.Event()
        self.free.set()
        self.written: list[int] = []
        self.closed = 0

    def start(self, label: str, _: RecordingContext) -> Path:
        self.status = RecordingStatus(active=True, path=Path(f"{label}.h5"))
        return Path(f"{label}.h5")

    def write(self, snapshot: Snapshot) -> bool:
        self.asked.set()
        assert self.free.wait(LIMIT)
        self.written.append(snapshot.poll)
        return True

    def stop(self) -> None:
        assert self.free.wait(LIMIT)
        self.closed += 1
        self.status = RecordingStatus(path=self.status.path, error=self.status.error)

    def give_up(self, reason: str) -> None:
        self.status = RecordingStatus(path=self.status.path, error=reason)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.free.set()


class Polled:
    """A monitor with a period of 0.1 s that polls when its clock is moved, and never else."""

    def __init__(self, disk: Disk) -> None:
        self.clock, self.poller = Clock(), FakePoller()
        self.poller.clock = self.clock
        parts: dict[str, Any] = {"clock": self.clock, "poller": self.poller, "recordings": disk}
        self.monitor = Monitor(Options(poll_period=PERIOD), thread_context=nullcontext, **parts)
        self.schedule = self.monitor._schedule
        self.schedule.wake = lambda: None  # type: ignore[method-assign]

    def poll(self, polls: int) -> None:
        """Poll so many times, each as soon as its time has come."""
        for _ in range(polls):
            number = self.poller.number + 1
            self.clock.now += round(PERIOD * 1e9)
            with self.schedule._changed:  # it looks at the clock
                self.schedule._changed.notify_all()
            wait_until(lambda number=number: self.last().poll == number)  # type: ignore[misc]

    def last(self) -> Snapshot:
        wait_until(lambda: self.monitor.snapshot)
        assert self.monitor.snapshot is not None
        return self.monitor.snapshot

    def health(self, name: str) -> OutletHealth:
        (found,) = (one for one in self.monitor.outlets if one.name == name)
        return found


@pytest.fixture
def polled(disk: Disk) -> Iterator[Polled]:
    made = Polled(disk)
    made.monitor.start()
    made.last()
    yield made
    disk.free.set()
    made.monitor.stop()


class Consumer:
    """Hangs, is slow (three periods an item), or raises."""

    def __init__(self, kind: str, clock: Clock) -> None:
        self.kind = kind
        self.clock = clock
        self.free = threading.Event()
        self.taken: list[int] = []

    def __call__(self, snapshot: Snapshot) -> None:
        self.taken.append(snapshot.poll)
        if self.kind == "raises":
            raise ValueError("boom")
        end = self.clock.now + 3 * round(PERIOD * 1e9)
        while not self.free.is_set() and (self.kind == "hangs" or self.clock.now < end):
            self.free.wait(0.001)


@pytest.mark.parametrize("kind", ["hangs", "slow", "raises"])
def test_a_consumer_costs_no_poll(polled: Polled, kind: str) -> None:
    consumer = Consumer(kind, polled.clock)
    good: list[int] = []
    polled.monitor.add_consumer(consumer, kind)
    polled.monitor.add_consumer(lambda snapshot: good.append(snapshot.poll))
    first = polled.last().poll
    try:
        polled.poll(POLLS)
        assert polled.last().poll == first + POLLS
        assert polled.last().overruns_total == 0
        wait_until(lambda: good[-POLLS:] == list(range(first + 1, first + POLLS + 1)))
        assert len(consumer.taken) == 1 if kind == "hangs" else consumer.taken
    finally:
        consumer.free.set()
    wait_until(lambda: not polled.health(kind).waiting)
    assert polled.health(kind).dropped == 0, "30 are room enough for 30"
    assert polled.health(kind).failed == (len(consumer.taken) if kind == "raises" else 0)
    assert polled.last().poll == first + POLLS


def test_what_a_consumer_has_no_room_for_is_counted_in_the_snapshot(polled: Polled) -> None:
    consumer = Consumer("hangs", polled.clock)
    polled.monitor.add_consumer(consumer, "panel", max_waiting=2)
    first = polled.last().poll
    polled.poll(1)
    wait_until(lambda: consumer.taken)
    try:
        polled.poll(5)
        assert consumer.taken[0] in {first, first + 1}
        told = {one.name: one for one in polled.last().outlets}["panel"]
        assert (told.waiting, told.dropped) == (3, 2), "before this poll, which is dropped too"
        assert polled.health("panel").dropped == 3
    finally:
        consumer.free.set()


def test_a_consumer_is_closed_with_the_monitor_after_all_it_waits_for(polled: Polled) -> None:
    class File:
        taken: list[int] = []  # noqa: RUF012
        closed = 0

        def take(self, snapshot: Snapshot) -> None:
            self.taken.append(snapshot.poll)

        def close(self) -> None:
            self.closed += 1

    file = File()
    outlet = polled.monitor.add_consumer(file, "file")
    polled.poll(3)
    polled.monitor.stop()
    assert file.closed == 1
    assert file.taken[-3:] == list(range(polled.last().poll - 2, polled.last().poll + 1))
    assert outlet.ended


def test_consumers_work_in_the_context_of_the_poll_thread(disk: Disk) -> None:
    inside = threading.local()

    @contextmanager
    def context() -> Iterator[None]:
        inside.here = True
        yield

    seen: list[bool] = []
    parts: dict[str, Any] = {"poller": FakePoller(), "recordings": disk}
    monitor = Monitor(Options(poll_period=3600.0), thread_context=context, **parts)
    monitor.add_consumer(lambda _: seen.append(inside.here))
    monitor.start()
    try:
        wait_until(lambda: seen)
    finally:
        monitor.stop()


@pytest.mark.parametrize("name", ["marks", "recording", "panel"])
def test_every_outlet_has_a_name_of_its_own(polled: Polled, name: str) -> None:
    polled.monitor.add_outlet(Outlet("panel", print))
    with pytest.raises(OptionError, match="already"):
        polled.monitor.add_consumer(print, name)


def test_a_disk_that_hangs_costs_no_poll_and_gets_those_that_wait(polled: Polled, disk: Disk) -> None:
    polled.monitor.start_recording("one")
    polled.poll(1)
    wait_until(lambda: not polled.health("recording").waiting)
    before = len(disk.written)
    disk.free.clear()
    disk.asked.clear()
    polled.poll(1)
    assert disk.asked.wait(LIMIT)
    polled.poll(MAX_WAITING + 4)
    assert polled.last().overruns_total == 0
    assert len(disk.written) == before
    health = polled.health("recording")
    assert (health.waiting, health.dropped) == (MAX_WAITING + 1, 4)
    disk.free.set()
    wait_until(lambda: not polled.health("recording").waiting)
    polled.monitor.stop_recording()
    assert disk.closed == 1
    first = disk.written[before]
    assert disk.written[before : before + MAX_WAITING + 1] == list(range(first, first + MAX_WAITING + 1))


def test_a_recording_that_lacks_polls_is_an_error_for_a_while(polled: Polled, disk: Disk) -> None:
    polled.monitor.start_recording("one")
    polled.poll(1)
    assert polled.monitor.recording.error == ""
    disk.free.clear()
    polled.poll(1 + MAX_WAITING)
    assert polled.monitor.recording.error == "", "what waits is not lost"
    polled.poll(1)
    assert "1 poll is not in the recording, since the disk did not keep up" in polled.monitor.recording.error
    polled.poll(3)
    status = polled.monitor.recording
    assert status.active, "it goes on"
    assert status.error.startswith("4 polls are not in the recording")
    disk.free.set()
    wait_until(lambda: not polled.health("recording").waiting)
    for _ in range(2):
        assert polled.monitor.recording.error == status.error
        polled.clock.now += round(HOLD / 2 * 1e9)
        polled.poll(1)
    wait_until(lambda: polled.monitor.recording.error == "")
    disk.free.clear()
    polled.poll(MAX_WAITING + 2)
    assert "not in the recording" in polled.monitor.recording.error, "and again"
    disk.free.set()
    polled.monitor.stop_recording()
    polled.monitor.start_recording("two")
    assert polled.monitor.recording.error == "", "a new recording lacks nothing"


def test_a_recording_on_a_disk_that_hangs_is_given_up_and_told(
    polled: Polled, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stem_device.monitor.monitor.STOP_SECONDS", 0.05)
    monkeypatch.setattr("stem_device.monitor.monitor.MAX_DISK_SECONDS", 0.05)
    polled.monitor.start_recording("one")
    disk.free.clear()
    polled.poll(3)
    polled.monitor.stop_recording()
    assert not polled.monitor.recording.active
    assert "did not answer in time" in polled.monitor.recording.error
    assert "(2 that waited are dropped)" in polled.monitor.recording.error
    assert polled.health("recording").dropped == 2
    with pytest.raises(RecordingError, match="does not answer"):
        polled.monitor.start_recording("two")
    disk.free.set()
    wait_until(lambda: disk.closed)
    assert polled.monitor.start_recording("two") == Path("two.h5")
    assert polled.health("recording").dropped == 0, "a new recording counts anew"


@pytest.mark.parametrize(("period", "patience"), [(0.1, 0.025), (2.0, 0.5), (3600.0, 1.0)])
def test_a_disk_that_hangs_takes_a_part_of_one_period(polled: Polled, period: float, patience: float) -> None:
    polled.monitor.poll_period = period
    assert polled.monitor.disk_patience_seconds == pytest.approx(patience)
    assert patience < period / 2, "the rest is for the poll itself"

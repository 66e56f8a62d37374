"""Marks wait for the disk, but not for one that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from stem_device.errors import MonitorNotRunningError
from stem_device.model.mark import Mark, MarkKind
from stem_device.monitor.marks import MAX_LATEST, LatestMarks, MarkOutcome, MarkWriter

LIMIT = 20.0


class CountingClock:
    """Every look at it is a nanosecond later."""

    def __init__(self) -> None:
        self._utc, self._monotonic = count(1_000), count(1)

    def utc_ns(self) -> int:
        return next(self._utc)

    def monotonic_ns(self) -> int:
        return next(self._monotonic)


class SlowDisk:
    """Takes a mark only while it is ``free``."""

    def __init__(self) -> None:
        self.taken: list[Mark] = []
        self.free, self.asked = threading.Event(), threading.Event()
        self.free.set()
        self.reason = ""

    def record(self, mark: Mark) -> str:
        self.asked.set()
        assert self.free.wait(LIMIT)
        self.taken.append(mark)
        return self.reason


@pytest.fixture
def disk() -> SlowDisk:
    return SlowDisk()


@pytest.fixture
def writer(disk: SlowDisk) -> Iterator[MarkWriter]:
    writer = writer_to(disk, LIMIT)
    yield writer
    disk.free.set()
    writer.close(LIMIT)


def writer_to(disk: SlowDisk, limit_seconds: float, max_waiting: int = 1000) -> MarkWriter:
    return MarkWriter(
        disk.record, clock=CountingClock(), limit_seconds=limit_seconds, max_waiting=max_waiting
    )


def mark(run: str, emitted_utc_ns: int = 0) -> Mark:
    return Mark(
        kind=MarkKind.MARK,
        run=run,
        name="m",
        emitted_utc_ns=emitted_utc_ns,
        received_utc_ns=0,
        received_monotonic_ns=0,
    )


def test_a_mark_is_stamped_when_it_is_received(writer: MarkWriter, disk: SlowDisk) -> None:
    first, second = writer.take(mark("a")), writer.take(mark("b", emitted_utc_ns=7))
    assert disk.taken == [first.mark, second.mark]
    assert first.recorded
    assert (first.mark.emitted_utc_ns, first.mark.received_utc_ns) == (1_000, 1_000)
    assert (second.mark.emitted_utc_ns, second.mark.received_utc_ns) == (7, 1_001)
    assert second.mark.received_monotonic_ns > first.mark.received_monotonic_ns
    assert writer.unrecorded_total == 0


def test_why_a_mark_was_not_recorded_is_told_and_counted(writer: MarkWriter, disk: SlowDisk) -> None:
    disk.reason = "nothing is being recorded"
    outcome = writer.take(mark("a"))
    assert not outcome.recorded
    assert outcome.reason == "nothing is being recorded"
    assert writer.unrecorded_total == 1


def test_marks_of_many_clients_are_written_in_the_order_of_reception(
    writer: MarkWriter, disk: SlowDisk
) -> None:
    outcomes: list[MarkOutcome] = []

    def client(name: str) -> None:
        outcomes.extend(writer.take(mark(f"{name} {number}")) for number in range(200))

    clients = [threading.Thread(target=client, args=(str(number),)) for number in range(4)]
    for one in clients:
        one.start()
    for one in clients:
        one.join(LIMIT)
    assert len(disk.taken) == len(outcomes) == 800
    stamps = [one.received_monotonic_ns for one in disk.taken]
    assert stamps == sorted(stamps)
    for name in "0123":
        own = [one.run for one in disk.taken if one.run.startswith(name)]
        assert own == [f"{name} {number}" for number in range(200)]
    assert all(outcome.recorded for outcome in outcomes)


def test_a_disk_that_hangs_is_not_waited_for_twice_and_gets_the_marks_when_it_goes_on(disk: SlowDisk) -> None:
    writer = writer_to(disk, 0.05)
    disk.free.clear()
    first = writer.take(mark("a"))
    assert not first.recorded
    assert "0.05 s" in first.reason
    writer._limit_seconds = LIMIT  # waiting for this one would take so long
    second = writer.take(mark("b"))
    assert not second.recorded
    assert disk.taken == []
    disk.free.set()
    third = writer.take(mark("c"))
    writer.close(LIMIT)
    assert [one.run for one in disk.taken] == ["a", "b", "c"]
    assert third.mark == disk.taken[2]
    assert writer.unrecorded_total == 0


def test_a_disk_that_has_gone_on_is_waited_for_again(disk: SlowDisk) -> None:
    writer = writer_to(disk, 0.05)
    disk.free.clear()
    writer.take(mark("a"))
    writer._limit_seconds = LIMIT
    disk.free.set()
    end = time.monotonic() + LIMIT
    while not writer.take(mark("b")).recorded:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert writer.take(mark("c")).recorded
    writer.close(LIMIT)


def test_only_so_many_marks_wait_and_the_others_are_counted(disk: SlowDisk) -> None:
    writer = writer_to(disk, 0.01, max_waiting=3)
    disk.free.clear()
    writer.take(mark("on its way"))
    assert disk.asked.wait(LIMIT)
    waiting = [writer.take(mark(str(number))) for number in range(3)]
    lost = writer.take(mark("lost"))
    assert [outcome.recorded for outcome in (*waiting, lost)] == [False] * 4
    assert "3 marks wait" in lost.reason
    assert writer.unrecorded_total == 1
    disk.free.set()
    writer.close(LIMIT)
    assert [one.run for one in disk.taken] == ["on its way", "0", "1", "2"]


def test_closing_writes_what_waits_and_takes_no_more(disk: SlowDisk) -> None:
    writer = writer_to(disk, 0.01)
    disk.free.clear()
    for number in range(5):
        writer.take(mark(str(number)))
    disk.free.set()
    writer.close(LIMIT)
    writer.close(LIMIT)
    assert [one.run for one in disk.taken] == list("01234")
    with pytest.raises(MonitorNotRunningError, match="not recorded"):
        writer.take(mark("late"))


def test_closing_does_not_wait_for_a_disk_that_hangs(
    disk: SlowDisk, caplog: pytest.LogCaptureFixture
) -> None:
    writer = writer_to(disk, 0.01, max_waiting=2)
    disk.free.clear()
    writer.take(mark("on its way"))
    assert disk.asked.wait(LIMIT)
    for number in range(2):
        writer.take(mark(str(number)))
    assert not writer.close(0.01)
    assert "outlet marks did not end within 0.01 s; 2 of its items are lost" in caplog.text
    assert writer.unrecorded_total == 2
    disk.free.set()


def test_closing_what_was_never_used_starts_nothing(disk: SlowDisk) -> None:
    before = set(threading.enumerate())
    writer_to(disk, LIMIT).close(LIMIT)
    assert set(threading.enumerate()) <= before  # those of other tests may end meanwhile


def test_the_latest_marks_are_those_of_each_run_and_name() -> None:
    latest = LatestMarks()

    def add(run: str, at: int) -> None:
        times: dict[str, Any] = {"emitted_utc_ns": at, "received_utc_ns": at, "received_monotonic_ns": at}
        latest.add(Mark(kind=MarkKind.BEGIN, run=run, name="begin", **times))

    for number in range(MAX_LATEST + 3):
        add(f"run {number}", number)
    add("run 5", 99)
    told = [(mark.run, mark.emitted_utc_ns) for mark in latest.marks]
    assert len(told) == MAX_LATEST
    assert told[0] == ("run 3", 3)
    assert told[-1] == ("run 5", 99)
    assert ("run 5", 5) not in told

"""Marks on their way to the disk: a client waits for it, but not for one that hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from msgspec import Struct, structs

from stem_device.errors import MonitorNotRunningError
from stem_device.model.clock import Clock
from stem_device.model.mark import Mark
from stem_device.outlets import Outlet

LIMIT_SECONDS = 1.0
"""How long ``MarkWriter.take`` waits for the disk."""
MAX_WAITING = 1000
"""Marks that wait for the disk; those beyond are lost, and counted."""

MAX_LATEST = 20
"""Marks that are told with every poll; a tool that asks once a poll misses none of as many."""

NOT_RECORDING = "nothing is being recorded; StartRecording begins"


class MarkOutcome(Struct, frozen=True):
    """What became of a mark, which has its times now. ``reason`` says why it is not recorded (yet), if so."""

    mark: Mark
    reason: str = ""

    @property
    def recorded(self) -> bool:
        """Whether it is durable."""
        return not self.reason


class LatestMarks:
    """The latest mark of each run and name, at most 20 of them. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: dict[tuple[str, str], Mark] = {}

    def add(self, mark: Mark) -> None:
        """It becomes the last; the oldest one goes where there are too many."""
        with self._lock:
            marks = {key: one for key, one in self._marks.items() if key != (mark.run, mark.name)}
            marks[mark.run, mark.name] = mark
            if len(marks) > MAX_LATEST:
                del marks[next(iter(marks))]
            self._marks = marks

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The oldest first."""
        return tuple(self._marks.values())


class _Waiting(NamedTuple):
    mark: Mark
    written: Future[str]


class MarkWriter:
    """Has marks written by an outlet of their own, in the order of reception.

    ``record`` writes one mark, durably, and returns why it could not; it must not raise. Any thread may
    call the methods. A disk that does not answer within ``limit_seconds`` is not waited for again until it
    has answered.
    """

    def __init__(
        self,
        record: Callable[[Mark], str],
        *,
        clock: Clock,
        limit_seconds: float = LIMIT_SECONDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._record = record
        self._clock = clock
        self._limit_seconds = limit_seconds
        self._max_waiting = max_waiting
        self.outlet: Outlet[_Waiting] = Outlet("marks", self._write, max_waiting=max_waiting)
        self._lock = threading.Lock()
        self._closed = False
        self._hangs = False
        self._unrecorded_total = 0

    @property
    def unrecorded_total(self) -> int:
        """Marks that were not recorded, for whatever reason; those that still wait do not count."""
        return self._unrecorded_total + self.outlet.health.dropped

    def take(self, mark: Mark) -> MarkOutcome:
        """Stamp the time of reception on the mark (and of its emission, if that is 0) and have it written.

        Raises MonitorNotRunningError after ``close``.
        """
        written: Future[str] = Future()
        with self._lock:
            if self._closed:
                raise MonitorNotRunningError("the monitor was stopped; the mark is not recorded")
            mark = self._stamped(mark)
            if not self.outlet.offer(_Waiting(mark, written)):
                return MarkOutcome(mark, f"{self._max_waiting} marks wait for the disk; this one is lost")
        return self._outcome(mark, written)

    def close(self, limit_seconds: float) -> bool:
        """Whether what waits was written, which is waited for no longer than that. See ``Outlet.close``."""
        with self._lock:
            self._closed = True
        return self.outlet.close(limit_seconds)

    def _outcome(self, mark: Mark, written: Future[str]) -> MarkOutcome:
        try:
            return MarkOutcome(mark, written.result(0.0 if self._hangs else self._limit_seconds))
        except TimeoutError:
            with self._lock:
                self._hangs = not written.done()
        limit = f"{self._limit_seconds:g} s"
        return MarkOutcome(mark, f"the disk has not taken it within {limit}; it is recorded when it does")

    def _stamped(self, mark: Mark) -> Mark:
        now = self._clock.utc_ns()
        return structs.replace(
            mark,
            emitted_utc_ns=mark.emitted_utc_ns or now,
            received_utc_ns=now,
            received_monotonic_ns=self._clock.monotonic_ns(),
        )

    def _write(self, waiting: _Waiting) -> None:
        reason = self._record(waiting.mark)
        with self._lock:
            self._unrecorded_total += bool(reason)
            self._hangs = False
            waiting.written.set_result(reason)

"""Marks on their way to the disk: a client waits for it, but not for one that hangs."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from msgspec import Struct, structs

from stem_device.errors import MonitorNotRunningError
from stem_device.model.clock import Clock
from stem_device.model.mark import Mark

LIMIT_SECONDS = 1.0
"""How long ``MarkWriter.take`` waits for the disk."""
MAX_WAITING = 1000
"""Marks that wait for the disk; those beyond are lost, and counted."""

NOT_RECORDING = "nothing is being recorded; StartRecording begins"

_log = logging.getLogger(__name__)


class MarkOutcome(Struct, frozen=True):
    """What became of a mark, which has its times now. ``reason`` says why it is not recorded (yet), if so."""

    mark: Mark
    reason: str = ""

    @property
    def recorded(self) -> bool:
        """Whether it is durable."""
        return not self.reason


class MarkWriter:
    """Has marks written by a thread of its own, in the order of reception.

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
        self._waiting: queue.Queue[tuple[Mark, Future[str]] | None] = queue.Queue(max_waiting)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._hangs = False
        self._unrecorded_total = 0

    @property
    def unrecorded_total(self) -> int:
        """Marks that were not recorded, for whatever reason; those that still wait do not count."""
        return self._unrecorded_total

    def take(self, mark: Mark) -> MarkOutcome:
        """Stamp the time of reception on the mark (and of its emission, if that is 0) and have it written.

        Raises MonitorNotRunningError after ``close``.
        """
        written: Future[str] = Future()
        with self._lock:
            if self._closed:
                raise MonitorNotRunningError("the monitor was stopped; the mark is not recorded")
            mark = self._stamped(mark)
            try:
                self._waiting.put_nowait((mark, written))
            except queue.Full:
                self._unrecorded_total += 1
                return MarkOutcome(mark, f"{self._waiting.qsize()} marks wait for the disk; this one is lost")
            self._run_thread()
        return self._outcome(mark, written)

    def close(self, limit_seconds: float) -> None:
        """Let what waits be written, but wait no longer than that. Closing twice is no error."""
        with self._lock:
            closed, self._closed = self._closed, True
            thread = self._thread
        if closed or thread is None:
            return
        try:
            self._waiting.put(None, timeout=limit_seconds)
        except queue.Full:
            _log.error("%d marks are lost: the disk does not answer", self._waiting.qsize())
            return
        thread.join(limit_seconds)

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

    def _run_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="stem-marks", daemon=True)
            self._thread.start()

    def _write(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            mark, written = waiting
            reason = self._record(mark)
            with self._lock:
                self._unrecorded_total += bool(reason)
                self._hangs = False
                written.set_result(reason)

"""What has arrived of one stream, and what should have by now. Arithmetic only; times are monotonic ns."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from msgspec import Struct


class Arrived(Struct, frozen=True):
    """What is known at one moment. ``lost`` and ``in_flight`` are None without a period.

    ``complete``: events have come, and all that were due by now; False too without a period.
    """

    received: int
    errors: int
    last_error: str
    latency_seconds: float
    age_seconds: float
    lost: int | None
    in_flight: int | None
    complete: bool


class Arrivals:
    """Counts events of a subscription. ``note`` is called by the callback, the rest from any thread.

    With a ``period`` one event is due after the other: one that has not come ``limit_seconds`` after it was
    due is lost, and stays so; younger ones are in flight.
    """

    def __init__(self, monotonic_ns: Callable[[], int], *, limit_seconds: float) -> None:
        self._monotonic_ns = monotonic_ns
        self._limit_ns = round(limit_seconds * 1e9)
        self._lock = threading.Lock()
        self._period_ns = 0
        self._received = self._errors = self._lost = 0
        self._last_error = ""
        self._latency = math.nan
        self._last_ns: int | None = None
        self._waited_ns = 0

    def begin(self, period_seconds: float) -> None:
        """It is subscribed now; ``period_seconds`` is 0 where nothing says when events are due."""
        with self._lock:
            self._period_ns = round(period_seconds * 1e9)
            self._waited_ns = self._monotonic_ns()

    def note(self, latency_seconds: float) -> None:
        """An event has arrived."""
        with self._lock:
            now = self._monotonic_ns()
            self._lost += self._missing(now)
            self._received += 1
            self._latency = latency_seconds
            self._last_ns = self._waited_ns = now
            self._last_error = ""

    def note_error(self, reason: str) -> None:
        """The callback got an error in place of an event: of the reading, or since its publisher is gone."""
        with self._lock:
            self._errors += 1
            self._last_error = reason

    def now(self) -> Arrived:
        """What is known now."""
        with self._lock:
            now = self._monotonic_ns()
            timed = self._period_ns > 0
            missing = self._missing(now)
            due = self._due(now, 0)
            return Arrived(
                received=self._received,
                errors=self._errors,
                last_error=self._last_error,
                latency_seconds=self._latency,
                age_seconds=math.nan if self._last_ns is None else (now - self._last_ns) / 1e9,
                lost=self._lost + missing if timed else None,
                in_flight=due - missing if timed else None,
                complete=timed and self._received > 0 and not (due or self._last_error),
            )

    def _missing(self, now: int) -> int:
        """Those that were due ``limit_seconds`` ago, since the last one."""
        return self._due(now, self._limit_ns)

    def _due(self, now: int, before_ns: int) -> int:
        """How many periods have passed since the last one. Half a period is what a poller may be late."""
        if not self._period_ns:
            return 0
        return max(0, (now - before_ns - self._waited_ns - self._period_ns // 2) // self._period_ns)

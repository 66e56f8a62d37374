"""The two clocks: monotonic for periods, UTC for stamps."""

from __future__ import annotations

import time
from typing import Protocol

MAX_UTC_NS = 9_214_646_400_000_000_000
"""The beginning of 2262. Moments are kept in 64 bits, which end in April; and there must be room to add."""


class Clock(Protocol):
    """Injected wherever time is read, so that tests control it."""

    def utc_ns(self) -> int:
        """Nanoseconds since the epoch, UTC. May jump when the clock is set."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary moment. Never jumps."""


class BoundedClock:
    """Another clock, whose time of day is never beyond what 64 bits can tell: it stands still then.

    A machine that takes itself to be in the year 2300 goes on polling and counting, with stamps of 2262.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def utc_ns(self) -> int:
        return min(max(self._clock.utc_ns(), 0), MAX_UTC_NS)

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()


class SystemClock:
    """The clocks of this machine."""

    def utc_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

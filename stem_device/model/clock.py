"""The two clocks: monotonic for periods, UTC for stamps."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Injected wherever time is read, so that tests control it."""

    def utc_ns(self) -> int:
        """Nanoseconds since the epoch, UTC. May jump when the clock is set."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary moment. Never jumps."""


class SystemClock:
    """The clocks of this machine."""

    def utc_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

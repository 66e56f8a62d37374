"""How much may come: reading a report holds the interpreter, which polls need."""

from __future__ import annotations

from stem_device.model.clock import Clock


class Allowance:
    """So many units a second, and ``most`` at once. Not for several threads at once."""

    def __init__(self, clock: Clock, *, per_second: float, most: float) -> None:
        self._clock = clock
        self._per_second = per_second
        self._most = self._left = most
        self._then_ns = clock.monotonic_ns()

    def take(self, units: float) -> bool:
        """Whether so many are left; then they are taken."""
        now = self._clock.monotonic_ns()
        self._left = min(self._most, self._left + (now - self._then_ns) / 1e9 * self._per_second)
        self._then_ns = now
        if units > self._left:
            return False
        self._left -= units
        return True

"""When to poll: absolute deadlines on the monotonic clock, so that nothing drifts."""

from __future__ import annotations

import threading
from collections.abc import Callable

from stem_device.model.clock import Clock

_NS = 1_000_000_000

WaitFor = Callable[[threading.Condition, float], object]


class Schedule:
    """Poll times at ``start + n * period``. The first is when ``wait`` is first called.

    A time that has passed while the previous poll was still under way is skipped and counted in
    ``overruns_total``; later times stay where they are. A change of the period begins a new series at the
    last poll. ``sleep`` is how to wait on a condition for some seconds; tests replace it.
    """

    def __init__(
        self,
        period_seconds: float,
        clock: Clock,
        *,
        sleep: WaitFor = threading.Condition.wait,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._changed = threading.Condition()
        self._period_ns = _nanoseconds(period_seconds)
        self._next_ns: int | None = None
        self._last_ns = 0
        self._overruns_total = 0
        self._wanted_now = False
        self._stopped = False

    @property
    def period_seconds(self) -> float:
        return self._period_ns / _NS

    @period_seconds.setter
    def period_seconds(self, seconds: float) -> None:
        with self._changed:
            self._period_ns = _nanoseconds(seconds)
            if self._next_ns is not None:
                self._next_ns = self._last_ns + self._period_ns
            self._changed.notify_all()

    @property
    def overruns_total(self) -> int:
        """Poll times that were skipped because the time had passed."""
        return self._overruns_total

    def wake(self) -> None:
        """Let ``wait`` return at once, one time (Poll now); the regular times stay as they are."""
        with self._changed:
            self._wanted_now = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Let ``wait`` return False, now and ever after."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def wait(self) -> bool:
        """Wait for the next poll time; True when it is time to poll, False when stopped."""
        with self._changed:
            while not self._stopped:
                now = self._clock.monotonic_ns()
                due = now if self._next_ns is None else self._next_ns
                if now >= due:
                    self._advance(due, now)
                    self._wanted_now = False
                    return True
                if self._wanted_now:
                    self._wanted_now = False
                    return True
                self._sleep(self._changed, (due - now) / _NS)
            return False

    def _advance(self, due: int, now: int) -> None:
        """Take the latest time that has passed; those before it were missed."""
        skipped = (now - due) // self._period_ns
        self._overruns_total += skipped
        self._last_ns = due + skipped * self._period_ns
        self._next_ns = self._last_ns + self._period_ns


def _nanoseconds(seconds: float) -> int:
    return max(1, round(seconds * _NS))

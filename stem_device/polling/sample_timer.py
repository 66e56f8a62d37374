"""Queries between two polls, at absolute times, for servers whose sample buffers fill up."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterable

from stem_device.model.clock import Clock

Plan = Iterable[tuple[int, Callable[[], None]]]


class Timer:
    """Calls functions at given times of the monotonic clock, on one thread of its own.

    Functions must be quick and must not raise: they hand jobs on. ``replace`` puts a new plan in place of
    what is left of the old one. The thread exists only once there has been a plan.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._order = itertools.count()
        self._plan: list[tuple[int, int, Callable[[], None]]] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    def replace(self, plan: Plan) -> None:
        """Forget what is left and do this instead."""
        with self._changed:
            self._plan = [(due, next(self._order), function) for due, function in plan]
            heapq.heapify(self._plan)
            if self._plan and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="stem-between", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._plan = []
            self._changed.notify()

    def _run(self) -> None:
        while (function := self._next()) is not None:
            function()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                now = self._clock.monotonic_ns()
                if self._plan and self._plan[0][0] <= now:
                    return heapq.heappop(self._plan)[2]
                self._changed.wait((self._plan[0][0] - now) / 1e9 if self._plan else None)
            return None

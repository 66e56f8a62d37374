"""Points on their way: bounded, the oldest go first, and each one is accounted for.

``add`` is three steps of C each of which is atomic under the interpreter lock, so that no call ever waits
for another thread of this module.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Sequence

from stem_device.telemetry.metrics.points import Labels

Point = tuple[tuple[str, Labels], int, float]
"""Series (name, labels), time in ns since 1970 UTC, value."""

_MOST = 2**62


class PointBuffer:
    """Any thread may add; one at a time takes."""

    def __init__(self, most: int) -> None:
        self._points: deque[Point] = deque(maxlen=most)
        # Counts by being asked for its next: one step of C, where ``+= 1`` is several.
        self._tickets = iter(range(_MOST))
        self.taken = 0

    def add(self, point: Point) -> None:
        """Add a point; where there is no room, the oldest one goes."""
        next(self._tickets)
        self._points.append(point)

    def __len__(self) -> int:
        return len(self._points)

    @property
    def added(self) -> int:
        return _MOST - operator.length_hint(self._tickets)

    @property
    def dropped(self) -> int:
        """Points that had to make room."""
        return max(0, self.added - self.taken - len(self._points))

    def take(self, most: int) -> list[Point]:
        """The oldest points."""
        points: list[Point] = []
        try:
            while len(points) < most:
                points.append(self._points.popleft())
        except IndexError:
            pass
        self.taken += len(points)
        return points

    def put_back(self, points: Sequence[Point]) -> None:
        """Points that were taken last, back in their place; where there is no room, the oldest of them go."""
        room = (self._points.maxlen or 0) - len(self._points)
        kept = points[max(0, len(points) - room) :] if room > 0 else ()
        self._points.extendleft(reversed(kept))
        self.taken -= len(points)

    def clear(self) -> int:
        """Drop all that waits; how many those were. They count as taken."""
        count = len(self.take(len(self._points)))
        self._points.clear()
        return count

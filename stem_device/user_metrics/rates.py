"""How many points a second one sender may send."""

from __future__ import annotations

from collections import OrderedDict

BURST_SECONDS = 2.0
"""So much of the rate may come at once: a sender that was cut off for a moment sends what waited."""
MAX_SENDERS = 10_000


class Rates:
    """A bucket of tokens for each sender; not thread-safe. ``rate`` 0 is no limit."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def allowed(self, sender: object, points: int, now: float) -> int:
        """How many of these points may come now, at ``now`` seconds of a monotonic clock; they count."""
        if not self._rate:
            return points
        most = self._rate * BURST_SECONDS
        left, since = self._left.pop(sender, (most, now))
        left = min(most, left + (now - since) * self._rate)
        taken = min(points, int(left))
        self._left[sender] = (left - taken, now)
        if len(self._left) > MAX_SENDERS:
            self._left.popitem(last=False)
        return taken

"""Read the counters of one subscription so that they can be compared with those of the previous poll.

The counters of one reply are sometimes of two moments (measured, see ``docs/reference/accounting.md``), and
cppTango keeps them in 32 bits.
"""

from __future__ import annotations

from stem_device.accounting.rules import is_torn, mend, unwrap
from stem_device.model.reply import EventCallback


class CounterReader:
    """Keeps ``raw`` counters as they came; ``counters`` are of one moment, and do not wrap.

    ``reached`` is the latest ``server_counter``, also where the others have to wait for the next reply.
    """

    __slots__ = ("counters", "raw", "reached", "torn")

    def __init__(self, first: EventCallback) -> None:
        self.raw = self.counters = first
        self.reached = first.server_counter
        self.torn = False

    def take(self, now: EventCallback) -> None:
        """Take counters that need no care."""
        self.raw = self.counters = now
        self.reached = now.server_counter

    def read(self, now: EventCallback, *, one_life: bool) -> EventCallback:
        """Take the counters of this poll; ``one_life``: nothing tells of another life of the publisher.

        Returns them mended. Once only: what still looks torn in the next poll is something else.
        """
        current = unwrap(self.counters, now) if one_life else now
        self.torn = one_life and not self.torn and is_torn(self.counters, current)
        self.reached = current.server_counter
        self.counters = mend(self.counters, current) if self.torn else current
        self.raw = now
        return self.counters

    def wait(self, last: EventCallback) -> None:
        """Compare the counters of the next poll with ``last`` instead: these cannot be judged yet."""
        self.counters = last

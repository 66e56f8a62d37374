"""What is counted of one topic, from the numbers of its events."""

from __future__ import annotations

from msgspec import Struct

WRAP = 2**32
"""cppTango keeps its counters in 32 bits."""

MAX_RATE = 10_000_000
"""Events in a second that nobody pushes: a counter that jumps further is of another life. A push takes some
microseconds, so that half of it is near to what threads of one process could do together; with twice as
much, a publisher that was restarted with its counter far ahead would pass for one that lost millions."""


class TopicCounts(Struct, frozen=True, gc=False):
    """Totals of one topic. Sizes in bytes, all frames together.

    ``counter`` is that of the last event, ``first`` that of the first of its ``series``: 0 where events carry
    no number. ``series`` is one more whenever the counter fell.
    """

    topic: str
    series: int
    first: int
    counter: int
    heard: int
    size: int
    duplicates: int
    lost_here: int
    lost_on_the_way: int

    @property
    def pushed(self) -> int | None:
        """In this series, from the first event heard on; None where events carry no number."""
        return self.counter - self.first + 1 if self.counter else None


class TopicCounter:
    """Counts the events of one topic as they come."""

    __slots__ = (
        "counter",
        "duplicates",
        "first",
        "heard",
        "lost_here",
        "lost_on_the_way",
        "moment_ns",
        "series",
        "size",
        "topic",
    )

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.series = 1
        self.first = self.counter = 0
        self.heard = self.size = self.duplicates = 0
        self.lost_here = self.lost_on_the_way = 0
        self.moment_ns = 0

    def take(self, number: int, size: int, now_ns: int, *, behind: bool) -> int:
        """Count one event; how many numbers are missing before it, -1 for one that came before already.

        ``behind``: the tap may have lost what is missing. ``counter`` does not wrap: it goes on beyond 32
        bits.
        """
        step = (number - self.counter) & (WRAP - 1)
        if step == 1 and self.counter:
            self.counter += 1
            missing = 0
        else:
            missing = self._jump(number, step, now_ns, behind=behind)
            if missing < 0:
                return missing
        self.heard += 1
        self.size += size
        self.moment_ns = now_ns
        return missing

    def _jump(self, number: int, step: int, now_ns: int, *, behind: bool) -> int:
        if not number or not self.counter:
            self.series += 1 if self.counter else 0
            self.first = self.counter = number
            return 0
        if not step:
            self.duplicates += 1
            return -1
        possible = (now_ns - self.moment_ns) // 1_000_000_000 * MAX_RATE + MAX_RATE
        if step > min(possible, WRAP // 2):
            self.series += 1
            self.first = self.counter = number
            return 0
        self.counter += step
        if behind:
            self.lost_here += step - 1
        else:
            self.lost_on_the_way += step - 1
        return step - 1

    def counts(self) -> TopicCounts:
        return TopicCounts(
            self.topic,
            self.series,
            self.first,
            self.counter,
            self.heard,
            self.size,
            self.duplicates,
            self.lost_here,
            self.lost_on_the_way,
        )

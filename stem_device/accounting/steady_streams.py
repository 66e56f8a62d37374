"""All streams of one server at once, while they simply go on: one comparison a poll.

As :mod:`.steady` does it for subscriptions, but the accounts are always up to date: subscriptions of all
servers compare themselves with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import lt, sub

from stem_device.accounting.moment import Moment
from stem_device.accounting.stream import StreamAccount, go_on_together
from stem_device.model.rows import Standing, SteadyStreamRows
from stem_device.model.snapshot import StreamRecord


class SteadyStreams:
    """``rows`` are those of the last poll, and ``published_delta`` is what was pushed in all of them."""

    def __init__(self, streams: Mapping[str, StreamAccount]) -> None:
        """All of them are steady."""
        self._names = list(streams)
        self._accounts = tuple(streams.values())
        records = tuple([one.record for one in self._accounts])
        otherwise = [one.published_total - one.pushed for one in records]
        self._standing = Standing(records, len(records), otherwise)
        self._pushed = [one.pushed for one in records]
        self.rows: Sequence[StreamRecord] = records
        self.published_delta = sum([one.delta for one in self._accounts])

    @classmethod
    def of(cls, streams: Mapping[str, StreamAccount]) -> SteadyStreams | None:
        """After a poll: None if there is one that may not simply go on, whatever the next reply shows."""
        return cls(streams) if streams and all(one.is_steady for one in streams.values()) else None

    def go_on(self, counters: Mapping[str, int], moment: Moment) -> bool:
        """Take a poll at which all simply went on. False if they did not: then nothing was taken."""
        if not moment.mark or list(counters) != self._names:
            return False
        pushed = [counter - 1 for counter in counters.values()]
        if any(map(lt, pushed, self._pushed)):
            return False
        deltas = list(map(sub, pushed, self._pushed))
        if not go_on_together(self._accounts, pushed, deltas):
            return False
        published = sum(deltas)
        if published or self.published_delta:  # else not even the rows change
            self.rows = SteadyStreamRows(self._standing, pushed, deltas)
        self._pushed, self.published_delta = pushed, published
        return True

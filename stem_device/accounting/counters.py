"""Read the counters of one subscription so that they can be compared with those of the previous poll.

What ``QueryEventSystem`` tells is sometimes of two lives of the publisher, or of two moments; both were
measured, see ``docs/reference/accounting.md``.
"""

from __future__ import annotations

from msgspec import structs

from stem_device.accounting.rules import is_torn, mend, went_on
from stem_device.accounting.stream import StreamAccount
from stem_device.model.reply import EventCallback


class CounterReader:
    """Keeps ``raw`` counters as they came; ``counters`` are of one moment and the publisher's present life.

    ``resumed``: the publisher restarted, and no event of its new life has been received yet.
    """

    __slots__ = ("_endpoint", "_old_life", "_torn", "counters", "raw")

    def __init__(self, first: EventCallback, endpoint: str) -> None:
        self.raw = self.counters = first
        self._endpoint = endpoint
        self._old_life: tuple[int, int] | None = None
        self._torn = False

    @property
    def resumed(self) -> bool:
        return self._old_life is not None

    def read_plain(self, now: EventCallback, endpoint: str, stream: StreamAccount | None) -> int:
        """Take the counters if events were pushed and received since the last poll, and that is all.

        Returns how many; 0 if it was not so, and then nothing was taken: see ``read``.
        """
        if (
            endpoint != self._endpoint
            or self._torn
            or self._old_life is not None
            or (stream is not None and stream.began_again)
            or not went_on(self.counters, now)
        ):
            return 0
        arrived = now.event_count - self.counters.event_count
        if arrived:
            self.raw = self.counters = now
        return arrived

    def read(self, now: EventCallback, endpoint: str, stream: StreamAccount | None) -> bool:
        """Take the counters of this poll; True if the publisher's endpoint has changed."""
        changed = endpoint != self._endpoint
        if changed:
            self._old_life = self._old_life_of(now, stream)
        current = self._without_old_counter(now) if self._old_life else now
        same_life = not changed and not (stream is not None and stream.began_again)
        # Once only: what still looks torn in the next poll is a new series.
        self._torn = same_life and not self._torn and is_torn(self.counters, current)
        self.counters = mend(self.counters, current) if self._torn else current
        self.raw, self._endpoint = now, endpoint
        return changed

    def _old_life_of(self, now: EventCallback, stream: StreamAccount | None) -> tuple[int, int] | None:
        """The counters of the publisher's former life, if it is those that are told at its new endpoint."""
        values = (now.server_counter, now.event_count)
        unchanged = values == (self.raw.server_counter, self.raw.event_count)
        ahead = stream is not None and now.server_counter > stream.pushed
        return values if unchanged or ahead else None

    def _without_old_counter(self, now: EventCallback) -> EventCallback:
        """Take the counter of a publisher's former life as 0.

        When a restarted publisher is connected again, its old counter stays until the first event.
        Until then the subscription has the whole new life before it.
        """
        if self._old_life == (now.server_counter, now.event_count):
            return structs.replace(now, server_counter=0)
        self._old_life = None
        return now

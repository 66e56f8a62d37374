"""The account of one subscription: one topic in one subscribing server (rules 1 to 4 and 6)."""

from __future__ import annotations

import re

from msgspec import structs

from stem_device.accounting.counters import CounterReader
from stem_device.accounting.rules import NOTHING, Advance, advance, begin, discarded_count
from stem_device.accounting.stream import StreamAccount
from stem_device.model.reply import EventCallback
from stem_device.model.snapshot import SubscriptionRecord

_IDL_LEVEL = re.compile(r"\.idl\d+_(?=[^.]*$)")


def stream_of(topic: str) -> str:
    """The publisher's name of a topic: ``dev/attr.idl5_change`` is the stream ``dev/attr.change``.

    Lower case, as Tango names are compared without regard to case.
    """
    return _IDL_LEVEL.sub(".", topic).lower()


class SubscriptionAccount:
    """Follows the counters of one subscription over polls."""

    __slots__ = (
        "_at_least",
        "_base",
        "_discarded",
        "_gaps",
        "_gaps_before",
        "_missed",
        "_overdue",
        "_reader",
        "_received",
        "_resets",
        "_resumed",
        "advanced",
        "record",
        "stream_name",
        "topic",
    )

    record: SubscriptionRecord

    def __init__(
        self, topic: str, now: EventCallback, endpoint: str, stream: StreamAccount | None, *, baseline: bool
    ) -> None:
        """``baseline``: first poll of the server, what it counted until now is left out (rule 1)."""
        self.topic = topic
        self.stream_name = stream_of(topic)
        self._received = self._missed = self._gaps = self._discarded = self._resets = 0
        self._gaps_before = now.missed_event_count if baseline else 0
        self._at_least = False
        self.advanced = NOTHING
        self._reader = CounterReader(now, endpoint)
        self._base: int | None = None
        self._overdue: int | None = None
        self._begin_series(stream)
        if not baseline:
            self._add(structs.replace(begin(now), new_series=False))
        self._write()

    def update(
        self, now: EventCallback, endpoint: str, stream: StreamAccount | None, *, late: bool = False
    ) -> None:
        """Take the counters of this poll; ``late``: the server was asked in the one before."""
        arrived = self._reader.read_plain(now, endpoint, stream)
        if arrived:
            self.advanced = Advance(arrived, 0, 0, 0)
            self._received += arrived
            if self._base is None:
                self._base = _pushed(stream)
            self._overdue = self._overdue_now(stream, late=late)
            self._write()
        else:
            self._update_with_care(now, endpoint, stream, late=late)

    def _update_with_care(
        self, now: EventCallback, endpoint: str, stream: StreamAccount | None, *, late: bool
    ) -> None:
        last, before, overdue = self._reader.counters, self._reader.raw, self._overdue
        changed = self._reader.read(now, endpoint, stream)
        counters = self._reader.counters
        if stream is not None and stream.began_again:
            self._base = 0
        elif self._base is None:
            self._base = _pushed(stream)
        if counters == last and not changed:
            advanced = NOTHING
        else:
            advanced = advance(
                last, counters, base=self._base, resumed=self._resumed, endpoint_changed=changed
            )
        if advanced.new_series:
            self._begin_series(stream)
        self._overdue = self._overdue_now(stream, late=late)
        if advanced is NOTHING and self.advanced is NOTHING and overdue == self._overdue and now == before:
            return
        self._add(advanced)
        self._write()

    def renew(self, now: EventCallback, endpoint: str, stream: StreamAccount | None) -> None:
        """Take the counters of a subscription that had vanished and is there again."""
        self._reader = CounterReader(now, endpoint)
        self._begin_series(stream)
        self._add(begin(now))
        self._write()

    def hold(self) -> None:
        """The server did not answer in this poll: nothing is counted (rule 7)."""
        if self.advanced is not NOTHING:
            self.advanced = NOTHING
            self._write()

    def reset_totals(self) -> None:
        self._received = self._missed = self._gaps = self._discarded = self._resets = 0
        self._gaps_before = self._reader.raw.missed_event_count
        self._at_least = False
        self._write()

    def _begin_series(self, stream: StreamAccount | None) -> None:
        self._resumed = self._reader.resumed
        fresh = self._reader.counters.server_counter == 0 and not self._resumed
        self._base = _pushed(stream) if fresh else 0
        self._overdue = self._overdue_now(stream, late=False)

    def _overdue_now(self, stream: StreamAccount | None, *, late: bool) -> int | None:
        """Rule 6: a whole poll period has passed since these events were pushed."""
        if stream is None or self._base is None:
            return None
        # Conditions instead of max(): this is done for every subscription in every poll.
        arrived = self._reader.counters.server_counter
        begun = arrived if arrived > self._base else self._base
        before = stream.pushed_before(late=late)
        return before - begun if before > begun else 0

    def _add(self, advanced: Advance) -> None:
        self.advanced = advanced
        self._received += advanced.received
        self._missed += advanced.missed
        self._gaps += advanced.gaps
        self._discarded += advanced.discarded
        self._resets += advanced.new_series
        self._at_least = self._at_least or advanced.missed_at_least

    def _write(self) -> None:
        now = self._reader.raw
        advanced = self.advanced
        # In the order of the record's fields: by name it takes eight times as long, and this is done for
        # every subscription in every poll.
        self.record = SubscriptionRecord(
            self.topic,
            self.stream_name,
            now.channel_name,
            now.callback_count,
            now.server_counter,
            now.event_count,
            now.missed_event_count,
            discarded_count(now),
            now.last_resubscribed,
            self._received,
            advanced.received,
            self._missed,
            advanced.missed,
            self._at_least,
            self._gaps,
            advanced.gaps,
            self._gaps_before,
            self._discarded,
            self._resets,
            self._overdue,
        )


def _pushed(stream: StreamAccount | None) -> int | None:
    return stream.pushed if stream is not None else None

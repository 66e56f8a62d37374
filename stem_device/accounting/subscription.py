"""The account of one subscription: one topic in one subscribing server (rules 1 to 4 and 6)."""

from __future__ import annotations

import re

from msgspec import structs

from stem_device.accounting.rules import NOTHING, Advance, advance, begin, discarded_count, is_torn, mend
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
        "_endpoint",
        "_gaps",
        "_gaps_before",
        "_last",
        "_missed",
        "_old_life",
        "_overdue",
        "_raw",
        "_received",
        "_resets",
        "_resumed",
        "_torn",
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
        self._raw = self._last = now
        self._old_life: tuple[int, int] | None = None
        self._torn = False
        self._endpoint = endpoint
        self._base: int | None = None
        self._overdue: int | None = None
        self._start(now, endpoint, stream)
        if not baseline:
            self._add(structs.replace(begin(now), new_series=False))
        self._write()

    def update(
        self, now: EventCallback, endpoint: str, stream: StreamAccount | None, *, late: bool = False
    ) -> None:
        """Take the counters of this poll; ``late``: the server was asked in the one before."""
        if self._is_plain_progress(now, endpoint, stream):
            self._progress(now, stream, late=late)
            return
        self._raw, before = now, self._raw
        now = self._without_old_counter(now, before, endpoint, stream)
        now = self._as_of_one_moment(now, endpoint, stream)
        last, overdue = self._last, self._overdue
        if stream is not None and stream.began_again:
            self._base = 0
        elif self._base is None:
            self._base = _pushed(stream)
        if now == last and endpoint == self._endpoint:
            advanced = NOTHING
        else:
            changed = endpoint != self._endpoint
            advanced = advance(last, now, base=self._base, resumed=self._resumed, endpoint_changed=changed)
        if advanced.new_series:
            self._start(now, endpoint, stream)
        self._last, self._endpoint = now, endpoint
        self._overdue = self._overdue_now(stream, late=late)
        if (
            advanced is NOTHING
            and self.advanced is NOTHING
            and overdue == self._overdue
            and self._raw == before
        ):
            return
        self._add(advanced)
        self._write()

    def _is_plain_progress(self, now: EventCallback, endpoint: str, stream: StreamAccount | None) -> bool:
        """Whether all that was pushed was received, and nothing else happened: by far most updates."""
        last = self._last
        received = now.event_count - last.event_count
        return (
            received > 0
            and now.server_counter - last.server_counter == received
            and last.server_counter > 0
            and now.missed_event_count == last.missed_event_count
            and now.discarded_event_count == last.discarded_event_count
            and now.last_resubscribed == last.last_resubscribed
            and now.callback_count == last.callback_count
            and endpoint == self._endpoint
            and self._old_life is None
            and self._base is not None
            and not (stream is not None and stream.began_again)
        )

    def _progress(self, now: EventCallback, stream: StreamAccount | None, *, late: bool) -> None:
        """What :meth:`update` comes to in that case, at a fraction of its cost."""
        received = now.event_count - self._last.event_count
        self._raw = self._last = now
        self._torn = False
        self._received += received
        self.advanced = Advance(received, 0, 0, 0)
        self._overdue = self._overdue_now(stream, late=late)
        self.record = structs.replace(
            self.record,
            server_counter=now.server_counter,
            event_count=now.event_count,
            received_total=self._received,
            received_delta=received,
            missed_delta=0,
            gaps_delta=0,
            overdue=self._overdue,
        )

    def renew(self, now: EventCallback, endpoint: str, stream: StreamAccount | None) -> None:
        """Take the counters of a subscription that had vanished and is there again."""
        self._raw = now
        self._old_life = None
        self._torn = False
        self._start(now, endpoint, stream)
        self._add(begin(now))
        self._write()

    def hold(self) -> None:
        """The server did not answer in this poll: nothing is counted (rule 7)."""
        if self.advanced is not NOTHING:
            self.advanced = NOTHING
            self._write()

    def reset_totals(self) -> None:
        self._received = self._missed = self._gaps = self._discarded = self._resets = 0
        self._gaps_before = self._last.missed_event_count
        self._at_least = False
        self._write()

    def _start(self, now: EventCallback, endpoint: str, stream: StreamAccount | None) -> None:
        self._last = now
        self._endpoint = endpoint
        self._resumed = self._old_life is not None
        self._base = _pushed(stream) if now.server_counter == 0 and not self._resumed else 0
        self._overdue = self._overdue_now(stream, late=False)

    def _without_old_counter(
        self, now: EventCallback, before: EventCallback, endpoint: str, stream: StreamAccount | None
    ) -> EventCallback:
        """Take the counter of a publisher's former life as 0.

        Measured: when a restarted publisher is connected again, its old counter stays until the first event.
        Until then the subscription has the whole new life before it.
        """
        values = (now.server_counter, now.event_count)
        if endpoint != self._endpoint:
            unchanged = values == (before.server_counter, before.event_count)
            ahead = stream is not None and now.server_counter > stream.pushed
            self._old_life = values if unchanged or ahead else None
        if self._old_life != values:
            self._old_life = None
            return now
        return structs.replace(now, server_counter=0)

    def _as_of_one_moment(
        self, now: EventCallback, endpoint: str, stream: StreamAccount | None
    ) -> EventCallback:
        """Mend a torn reply. Once only: what still looks torn in the next poll is a new series (rule 4)."""
        same_life = endpoint == self._endpoint and not (stream is not None and stream.began_again)
        self._torn = same_life and not self._torn and is_torn(self._last, now)
        return mend(self._last, now) if self._torn else now

    def _overdue_now(self, stream: StreamAccount | None, *, late: bool) -> int | None:
        """Rule 6: a whole poll period has passed since these events were pushed."""
        if stream is None or self._base is None:
            return None
        # Conditions instead of max(): this is done for every subscription in every poll.
        arrived = self._last.server_counter
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
        now = self._raw
        self.record = SubscriptionRecord(
            topic=self.topic,
            stream=self.stream_name,
            publisher=now.channel_name,
            callback_count=now.callback_count,
            server_counter=now.server_counter,
            event_count=now.event_count,
            missed_event_count=now.missed_event_count,
            discarded_event_count=discarded_count(now),
            last_resubscribed=now.last_resubscribed,
            received_total=self._received,
            received_delta=self.advanced.received,
            missed_total=self._missed,
            missed_delta=self.advanced.missed,
            missed_at_least=self._at_least,
            gaps_total=self._gaps,
            gaps_delta=self.advanced.gaps,
            gaps_before=self._gaps_before,
            discarded_total=self._discarded,
            resets_total=self._resets,
            overdue=self._overdue,
        )


def _pushed(stream: StreamAccount | None) -> int | None:
    return stream.pushed if stream is not None else None

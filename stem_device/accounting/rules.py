"""The accounting rules for the counters of one subscription at two polls, as arithmetic.

``c``, ``e``, ``m`` and ``d`` are ``server_counter``, ``event_count``, ``missed_event_count`` and
``discarded_event_count``. The rules are explained in ``docs/reference/accounting.md``.
"""

from __future__ import annotations

from msgspec import Struct, structs

from stem_device.accounting.stream import WRAP
from stem_device.model.reply import EventCallback


class Change(Struct, frozen=True, gc=False):
    """Differences of the counters at two polls: ``c``, ``e``, ``m``, ``d``."""

    counter: int
    received: int
    gaps: int
    discarded: int

    @property
    def lost(self) -> int:
        """Events that ``c`` passed and that were not received. Means nothing across lives."""
        return self.counter - self.received


def difference(last: EventCallback, now: EventCallback) -> Change:
    """The counters now, less those of the last poll."""
    return Change(
        counter=now.server_counter - last.server_counter,
        received=now.event_count - last.event_count,
        gaps=now.missed_event_count - last.missed_event_count,
        discarded=discarded_count(now) - discarded_count(last),
    )


def went_on(last: EventCallback, now: EventCallback) -> bool:
    """All that was pushed was received, and nothing else happened: by far most updates, hence asked first."""
    return (
        now.server_counter - last.server_counter == now.event_count - last.event_count >= 0
        and last.server_counter > 0
        and now.missed_event_count == last.missed_event_count
        and now.discarded_event_count == last.discarded_event_count
        and now.last_resubscribed == last.last_resubscribed
    )


def is_torn(last: EventCallback, now: EventCallback) -> bool:
    """Whether the counters of one reply are of different moments, if they are of one life.

    cppTango reads ``server_counter`` first and the others after it, while events go on to arrive (measured:
    up to 90 between the first and the second). The sign is more events, or more gaps, than the publisher's
    counter has room for.
    """
    change = difference(last, now)
    return (
        (change.lost < 0 or 0 < change.gaps > change.lost)
        and change.counter >= 0
        and not began_again(last, now)
    )


def mend(last: EventCallback, now: EventCallback) -> EventCallback:
    """The counters of a torn reply as they were when its first one was read; the rest comes next time.

    Where a gap was noticed, nobody knows on which side of that moment: then all of it comes next time.
    """
    if now.missed_event_count > last.missed_event_count:
        return last
    pushed = now.server_counter - last.server_counter
    return structs.replace(now, event_count=min(now.event_count, last.event_count + pushed))


def unwrap(last: EventCallback, now: EventCallback) -> EventCallback:
    """Let ``c`` go on beyond 32 bits where it has come full circle since the last poll."""
    fallen = last.server_counter - now.server_counter
    if fallen <= WRAP // 2:
        return now
    return structs.replace(now, server_counter=now.server_counter + (fallen + WRAP // 2) // WRAP * WRAP)


def began_again(last: EventCallback, now: EventCallback) -> bool:
    """Whether the subscription was made anew: only that sets these counters back."""
    return (
        now.event_count < last.event_count
        or now.missed_event_count < last.missed_event_count
        or discarded_count(now) < discarded_count(last)
        or (last.last_resubscribed is not None and now.last_resubscribed is None)
    )


def jumped(last: EventCallback, now: EventCallback) -> bool:
    """Whether ``c`` passed events with no gap noticed: so the subscription was made anew in between.

    A renewed subscription can only have received what was pushed since. If it has more, it was not
    renewed, but the reply before was torn.
    """
    change = difference(last, now)
    return last.server_counter > 0 and change.lost > 0 == change.gaps and now.event_count <= change.counter


def discarded_count(callback: EventCallback) -> int:
    """Events thrown away by cppTango; 0 where the dialect does not tell."""
    return callback.discarded_event_count or 0


def lost_before(lost: int, last: int, now: int, boundary: int) -> tuple[int, int]:
    """Of ``lost`` events between two counters, how many at least, and at most, were up to ``boundary``.

    Event number ``now`` itself was received, since it is the last one that was.
    """
    at_most = min(lost, max(0, boundary - last))
    at_least = max(0, lost - max(0, now - 1 - boundary))
    return min(at_least, at_most), at_most

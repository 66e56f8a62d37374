"""The accounting rules for one subscription between two polls, as arithmetic on cppTango's counters.

The rules are explained in ``docs/reference/accounting.md``; the numbers in the comments are theirs.
"""

from __future__ import annotations

from msgspec import Struct

from stem_device.model.reply import EventCallback


class Advance(Struct, frozen=True, gc=False):
    """What happened to one subscription between two polls.

    ``missed_at_least`` says that ``missed`` is a lower bound;
    ``new_series`` that the counters before and after do not belong to the same life.
    """

    received: int
    gaps: int
    missed: int
    discarded: int
    missed_at_least: bool = False
    new_series: bool = False


NOTHING = Advance(received=0, gaps=0, missed=0, discarded=0)


def advance(last: EventCallback, now: EventCallback, *, base: int | None, endpoint_changed: bool) -> Advance:
    """Compare the counters of one subscription at two polls.

    ``base`` is what the publisher had pushed when the subscription was first seen without
    any event (``server_counter`` 0); None if that is not known.
    """
    if _began_again(last, now):
        return begin(now)
    received = now.event_count - last.event_count
    pushed = now.server_counter - last.server_counter
    if endpoint_changed or received > pushed:
        return _publisher_began_again(last, now, received)
    gaps = now.missed_event_count - last.missed_event_count
    discarded = discarded_count(now) - discarded_count(last)
    if gaps > 0 and last.server_counter == 0:  # rule 3, second half: a fresh subscription has its own base
        known = base is not None
        missed = now.server_counter - base - received if base is not None else gaps
        return Advance(
            received, gaps, max(missed, gaps), discarded, missed_at_least=not known or missed < gaps
        )
    if gaps > 0:  # rule 2
        return Advance(received, gaps, pushed - received, discarded)
    if pushed > received and last.server_counter > 0:  # rule 3
        return begin(now)
    return Advance(received, 0, 0, discarded)


def begin(now: EventCallback) -> Advance:
    """Count a subscription whose counters began at 0 since the previous poll.

    What the publisher had pushed at that moment is not known, hence only a lower bound:
    a gap is one event at least.
    """
    gaps = now.missed_event_count
    return Advance(
        received=now.event_count,
        gaps=gaps,
        missed=gaps,
        discarded=discarded_count(now),
        missed_at_least=gaps > 0,
        new_series=True,
    )


def discarded_count(callback: EventCallback) -> int:
    """Events thrown away by cppTango; 0 where the dialect does not tell."""
    return callback.discarded_event_count or 0


def _began_again(last: EventCallback, now: EventCallback) -> bool:
    """Rule 4, the subscriber's side: counters which only a new subscription sets back."""
    return (
        now.event_count < last.event_count
        or now.missed_event_count < last.missed_event_count
        or discarded_count(now) < discarded_count(last)
        or (last.last_resubscribed is not None and now.last_resubscribed is None)
    )


def _publisher_began_again(last: EventCallback, now: EventCallback, received: int) -> Advance:
    """Rule 4, the publisher's side: its counter began at 1 again, the subscription's own go on."""
    gaps = now.missed_event_count - last.missed_event_count
    missed = max(gaps, now.server_counter - received) if gaps else 0
    discarded = discarded_count(now) - discarded_count(last)
    return Advance(received, gaps, missed, discarded, missed_at_least=gaps > 0, new_series=True)

"""The accounting rules for one subscription between two polls, as arithmetic on cppTango's counters.

The rules are explained in ``docs/reference/accounting.md``; the numbers in the comments are theirs.
"""

from __future__ import annotations

from msgspec import Struct, structs

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


def advance(
    last: EventCallback,
    now: EventCallback,
    *,
    base: int | None = None,
    resumed: bool = False,
    endpoint_changed: bool = False,
) -> Advance:
    """Compare the counters of one subscription at two polls.

    ``base`` is what the publisher had pushed when the subscription was first seen without
    any event (``server_counter`` 0); None if that is not known. ``resumed`` says that it is no fresh
    subscription but one that is connected to a restarted publisher.
    """
    if not endpoint_changed and went_on(last, now):
        return Advance(now.event_count - last.event_count, 0, 0, 0)
    if _began_again(last, now):
        return begin(now)
    if endpoint_changed or now.server_counter < last.server_counter:
        return _publisher_began_again(last, now)
    return _in_one_series(last, now, base, resumed)


def _in_one_series(last: EventCallback, now: EventCallback, base: int | None, resumed: bool) -> Advance:
    """Rules 2 and 3: the publisher's counter went on."""
    change = _difference(last, now)
    pushed = now.server_counter - last.server_counter
    if change.received > pushed:  # rule 4, or a duplicate was delivered (the third of its kind is, measured)
        return structs.replace(change, missed=change.gaps, missed_at_least=change.gaps > 0, new_series=True)
    if last.server_counter == 0:
        return _first_events(change, pushed, base, resumed)
    if pushed > change.received and not change.gaps and not now.missed_event_count:  # rule 3
        # A renewed subscription can only have received what was pushed since. If it has more, it was not
        # renewed, but the reply before was torn.
        return begin(now) if now.event_count <= pushed else change
    return structs.replace(change, missed=pushed - change.received)  # rule 2


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
    """Whether the counters of one reply are of different moments.

    cppTango reads ``server_counter`` first and the others after it, while events go on to arrive (measured:
    up to 90 between the first and the second). The sign is more events, or more gaps, than the publisher's
    counter has room for.
    """
    pushed = now.server_counter - last.server_counter
    missing = pushed - (now.event_count - last.event_count)
    gaps = now.missed_event_count - last.missed_event_count
    return (missing < 0 or 0 < gaps > missing) and pushed >= 0 and not _began_again(last, now)


def mend(last: EventCallback, now: EventCallback) -> EventCallback:
    """The counters of a torn reply as they were when its first one was read; the rest comes next time."""
    pushed = now.server_counter - last.server_counter
    return structs.replace(
        now,
        event_count=min(now.event_count, last.event_count + pushed),
        missed_event_count=last.missed_event_count,
    )


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


def _difference(last: EventCallback, now: EventCallback) -> Advance:
    return Advance(
        received=now.event_count - last.event_count,
        gaps=now.missed_event_count - last.missed_event_count,
        missed=0,
        discarded=discarded_count(now) - discarded_count(last),
    )


def _first_events(change: Advance, counter: int, base: int | None, resumed: bool) -> Advance:
    """Rule 3, the second half: the first events of a subscription count from its base."""
    if not change.gaps and not resumed:
        return change
    exact = counter - base - change.received if base is not None else 0
    missed = max(exact, change.gaps)
    return structs.replace(change, missed=missed, missed_at_least=base is None or missed > exact)


def _publisher_began_again(last: EventCallback, now: EventCallback) -> Advance:
    """Rule 4, the publisher's side: its counter began at 1 again, the subscription's own go on.

    Where the counter falls, cppTango never notices a gap (measured), but the numbers tell: of the
    ``server_counter`` events of the new life no more have arrived than were received since the previous poll.
    Where only the endpoint has changed, the counter may be that of either life, and only a gap is certain.
    """
    change = _difference(last, now)
    fell = now.server_counter < last.server_counter
    if not fell and not change.gaps:
        return structs.replace(change, new_series=True)
    pushed = now.server_counter if fell else now.server_counter - last.server_counter
    missed = max(change.gaps, pushed - change.received)
    return structs.replace(change, missed=missed, missed_at_least=missed > 0, new_series=True)

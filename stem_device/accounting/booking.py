"""How changes of a subscription's counters go into its books."""

from __future__ import annotations

from stem_device.accounting.books import Books
from stem_device.accounting.rules import Change, lost_before
from stem_device.accounting.sight import Step


def go_on(step: Step, books: Books, *, before: int) -> None:
    """Rules of one life: what a gap passed over was lost, exactly."""
    change = step.change
    receive(change, books)
    if change.lost < 0:  # twice in a row: not torn, but events were delivered twice (measured)
        books.begin_series()
        if change.gaps:
            books.miss(change.gaps, at_least=True)
    elif change.gaps or step.gap_before:
        miss(change.lost, step.last.server_counter, step.now.server_counter, before, books)


def begin_to_go_on(step: Step, books: Books, told: int | None) -> None:
    """The same of what is the first to arrive since monitoring began: a gap before it may be older than that.

    ``told``: the publisher had pushed so much by this poll, None where that is not known. What is beyond it
    was pushed since.
    """
    change = step.change
    receive(change, books)
    lost = change.lost if change.lost > 0 else change.gaps
    if not lost:
        return
    perhaps = (
        lost
        if told is None
        else lost_before(lost, step.last.server_counter, step.now.server_counter, told)[1]
    )
    if change.lost < 0:
        books.begin_series()
    books.miss(lost - perhaps)
    books.leave_unaccounted(perhaps)


def receive(change: Change, books: Books) -> None:
    """Book what has arrived since the last poll, and the gaps and duplicates that were noticed."""
    books.receive(change.received, gaps=change.gaps, discarded=change.discarded)


def miss(lost: int, last: int, now: int, before: int, books: Books, *, at_least: bool = False) -> None:
    """Book a loss between two counters; what had been pushed before monitoring is no loss of its time."""
    if lost <= 0:
        return
    certain, possible = lost_before(lost, last, now, before)
    books.miss_before(certain)
    books.miss(lost - possible, at_least=at_least)
    books.leave_unaccounted(possible - certain)


def miss_between(certain: int, possible: int, books: Books) -> None:
    """Book a loss of which the number of gaps is certain, and how many events they were is not."""
    if certain > 0:
        books.miss(certain)
        books.leave_unaccounted(possible - certain)

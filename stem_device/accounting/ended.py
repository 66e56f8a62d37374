"""Subscriptions that are no more: their losses stay, so that the rows of a server add up to its totals."""

from __future__ import annotations

from stem_device.accounting.books import Books
from stem_device.accounting.moment import Moment
from stem_device.accounting.subscription import SubscriptionAccount
from stem_device.model.snapshot import Link, SubscriptionRecord

LOSSY_SHOWN = 256
"""Ended subscriptions with losses that keep a row of their own, in each server. Each costs a row in every
poll of a recording, for as long as the monitor runs; half as many would not be enough for a panel of 200
attributes that was closed with all of them lossy."""

ACCOUNTS_KEPT = 10_000
"""Ended subscriptions of a server that go on with their totals if they come back. As many as the largest
servers have at once: with half, one that is restarted would begin the totals of the other half anew."""

OTHERS = "(others)"
"""Topic of the row for the ended subscriptions without a row of their own."""


class EndedSubscriptions:
    """The ended ones of one server: those with losses, and the sums of the others."""

    def __init__(self) -> None:
        self._shown: dict[str, SubscriptionAccount] = {}
        self._hidden: dict[str, SubscriptionAccount] = {}
        self._others = Books()
        self._records: tuple[SubscriptionRecord, ...] | None = ()

    def __contains__(self, topic: str) -> bool:
        return topic in self._shown or topic in self._hidden

    def add(self, account: SubscriptionAccount) -> None:
        books = account.books
        self._records = None
        if (books.missed or books.unaccounted or books.missed_before) and len(self._shown) < LOSSY_SHOWN:
            self._shown[account.topic] = account
            return
        self._hidden[account.topic] = account
        self._others.add(books)
        if len(self._hidden) > ACCOUNTS_KEPT:
            del self._hidden[next(iter(self._hidden))]  # its sums stay

    def take(self, topic: str) -> SubscriptionAccount | None:
        """The account of a subscription that is there again."""
        account = self._shown.pop(topic, None)
        if account is None:
            account = self._hidden.pop(topic, None)
            if account is not None:
                self._others.add(account.books, sign=-1)
        if account is not None:
            self._records = None
        return account

    def reset_totals(self) -> None:
        """What ended is forgotten, but for going on with totals of 0."""
        for account in (*self._shown.values(), *self._hidden.values()):
            account.reset_totals()
            self._hidden[account.topic] = account
        self._shown.clear()
        self._others = Books()
        self._records = None

    def clear_deltas(self, moment: Moment) -> None:
        """Let what ended in the poll before add nothing to this one."""
        if any(account.books.moved or account.books.received_delta for account in self._shown.values()):
            for account in self._shown.values():
                account.hold(moment)
            self._records = None

    def records(self) -> tuple[SubscriptionRecord, ...]:
        """A row for each that lost something, and one for the others if there is anything to add."""
        if self._records is None:
            shown = [account.record for account in self._shown.values()]
            if not self._others.is_empty:
                shown.append(_record_of_others(self._others))
            self._records = tuple(shown)
        return self._records


def _record_of_others(books: Books) -> SubscriptionRecord:
    return SubscriptionRecord(
        topic=OTHERS,
        stream=OTHERS,
        publisher="",
        callback_count=0,
        server_counter=0,
        event_count=0,
        missed_event_count=0,
        discarded_event_count=0,
        last_resubscribed=None,
        received_total=books.received,
        received_delta=0,
        missed_total=books.missed,
        missed_delta=0,
        missed_at_least=books.at_least,
        gaps_total=books.gaps,
        gaps_delta=0,
        gaps_before=0,
        discarded_total=books.discarded,
        resets_total=books.resets,
        overdue=0,
        unaccounted_total=books.unaccounted,
        missed_before=books.missed_before,
        unobserved_total=books.unobserved,
        blind_seconds=books.blind_ns / 1e9,
        link=Link.UNKNOWN,
        ended=True,
    )

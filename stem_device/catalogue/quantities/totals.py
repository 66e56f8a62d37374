"""Sums over all servers, also those that are gone, and the verdict."""

from __future__ import annotations

from functools import partial

from stem_device.analysis.verdict import Level
from stem_device.catalogue.quantities.making import Reading, quantity
from stem_device.catalogue.quantity import Kind, Quantity
from stem_device.catalogue.scope import MAX_SUBSCRIPTIONS, Details, Scope, Told, losing

_counter = partial(quantity, Kind.COUNTER, Scope.MONITOR)
_gauge = partial(quantity, Kind.GAUGE, Scope.MONITOR)


def _count(field: str) -> Reading:
    return lambda told: getattr(told.snapshot.counts, field)


def _not_shown(told: Told) -> int:
    if told.details is Details.ALL:
        return 0
    return max(0, len(losing(told.snapshot)) - MAX_SUBSCRIPTIONS)


TOTALS: tuple[Quantity, ...] = (
    quantity(
        Kind.STATE_SET,
        Scope.MONITOR,
        "verdict",
        "level",
        "What the last AlarmHoldTime amounts to: clear, unknown (not all is covered), waiting (for overdue "
        "events, or a server that is dead), or lost (events are missed or unaccounted).",
        lambda told: told.snapshot.verdict or None,
        attribute="verdict",
        json="verdict",
        states=tuple(level.word for level in Level),
    ),
    _counter(
        "events_published",
        "events",
        "Events that the monitored servers pushed.",
        _count("published"),
        attribute="totalPublishedEvents",
        json="totals.published",
    ),
    _counter(
        "events_received",
        "events",
        "Events that the subscriptions of the monitored servers received; one published event is received "
        "once by each subscribing process.",
        _count("received"),
        attribute="totalReceivedEvents",
        json="totals.received",
    ),
    _counter(
        "events_missed",
        "events",
        "Events that were pushed and certainly never reached a subscription.",
        _count("missed"),
        attribute="totalMissedEvents",
        json="totals.missed",
    ),
    _gauge(
        "events_unaccounted",
        "events",
        "Events that were overdue when the life of a publisher or subscription ended, so that it can never "
        "be known whether they arrived. Falls where they arrive after all.",
        _count("unaccounted"),
        attribute="totalUnaccountedEvents",
        json="totals.unaccounted",
    ),
    _gauge(
        "events_lost_recently",
        "events",
        "Events that were missed or unaccounted within the last AlarmHoldTime; falls back to 0.",
        lambda told: told.monitor and told.monitor.lost_recently,
        attribute="recentMissedEvents",
    ),
    _gauge(
        "events_overdue",
        "events",
        "Events that were pushed before the previous poll and are not received by now, as far as that is "
        "known; no value where no subscription tells.",
        lambda told: told.snapshot.counts.known_overdue,
        attribute="overdueEvents",
        json="totals.overdue",
    ),
    _gauge(
        "subscriptions_overdue_unknown",
        "subscriptions",
        "Subscriptions whose overdue events are not known, so that sums do not contain them: their "
        "publishers are not asked, or do not tell.",
        _count("overdue_unknown"),
        attribute="unknownOverdueSubscriptions",
        json="totals.overdueUnknown",
    ),
    _counter(
        "events_missed_before",
        "events",
        "Events that were pushed before monitoring began and found to be lost since; in no other total.",
        _count("missed_before"),
        json="totals.missedBefore",
    ),
    _counter(
        "events_unobserved",
        "events",
        "Events that were pushed where nothing can tell whether they arrived, as far as their number is "
        "known.",
        _count("unobserved"),
        json="totals.unobserved",
    ),
    _counter(
        "blind_seconds",
        "s",
        "Time in which what was pushed to a subscription was not counted, around the beginnings and ends of "
        "its publisher's lives; the sum over all subscriptions.",
        _count("blind_seconds"),
        json="totals.blindSeconds",
    ),
    _counter(
        "gaps",
        "gaps",
        "How many times cppTango noticed that events are missing.",
        _count("gaps"),
        attribute="totalGaps",
        json="totals.gaps",
    ),
    _counter(
        "events_discarded",
        "events",
        "Events that cppTango received and threw away as duplicates.",
        _count("discarded"),
        attribute="totalDiscardedEvents",
        json="totals.discarded",
    ),
    _counter(
        "series_resets",
        "resets",
        "How many times a counter began a new series: a publisher or subscriber was restarted, or a stream "
        "was renewed.",
        _count("resets"),
        attribute="counterResets",
        json="totals.resets",
    ),
    _counter(
        "books_unbalanced",
        "polls",
        "How many times the counters of a publisher and a subscription contradicted each other; the log has "
        "both replies.",
        _count("books_unbalanced"),
        attribute="booksUnbalanced",
        json="totals.booksUnbalanced",
    ),
    _gauge(
        "streams_unseen_subscribers",
        "streams",
        "Streams with subscribers that are not monitored (clients that are no servers, say), whose losses "
        "are not seen; in the first 600 s of monitoring also those that may have them.",
        _count("unseen_streams"),
        attribute="streamsWithUnseenSubscribers",
        json="totals.unseenStreams",
    ),
    _gauge(
        "events_published_per_second",
        "events/s",
        "Events pushed per second by all monitored servers, since the previous poll.",
        lambda told: told.snapshot.published_rate,
        attribute="publishedRate",
        json="publishedRate",
    ),
    _gauge(
        "events_received_per_second",
        "events/s",
        "Events received per second by all subscriptions of the monitored servers, since the previous poll.",
        lambda told: told.snapshot.received_rate,
        attribute="receivedRate",
        json="receivedRate",
    ),
    quantity(
        Kind.GAUGE,
        Scope.CAUSE,
        "findings",
        "subscriptions",
        "Subscriptions that lost events lately (lost) or wait for them (waiting), by cause, and notes on "
        "servers (note).",
        lambda number: number,
    ),
    _gauge(
        "subscriptions_not_shown",
        "subscriptions",
        "Subscriptions that lose events or wait for them and have no series of their own, beyond the 1000 "
        "worst.",
        _not_shown,
    ),
)

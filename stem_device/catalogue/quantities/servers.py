"""Servers: their states, and the sums of each as a publisher and as a subscriber."""

from __future__ import annotations

from functools import partial
from typing import Any

from stem_device.analysis.live import known_subscriptions
from stem_device.catalogue.quantities.making import Reading, flag, quantity
from stem_device.catalogue.quantity import Kind, Quantity
from stem_device.catalogue.scope import Scope, ServerRow, Told, what_stays
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts, ServerRecord

_gauge = partial(quantity, Kind.GAUGE, Scope.MONITOR)
_of_server = partial(quantity, Kind.GAUGE, Scope.SERVER)
_published = partial(quantity, Kind.COUNTER, Scope.PUBLISHER)
_of_publisher = partial(quantity, Kind.GAUGE, Scope.PUBLISHER)
_counted = partial(quantity, Kind.COUNTER, Scope.SUBSCRIBER)
_of_subscriber = partial(quantity, Kind.GAUGE, Scope.SUBSCRIBER)


def _own(told: Told) -> list[ServerRecord]:
    return [server for server in told.snapshot.servers if not server.followed]


def _answering(told: Told) -> list[ServerRecord]:
    return [server for server in _own(told) if server.state is ServerState.MONITORED]


def _count(field: str) -> Reading:
    return lambda row: getattr(_counts(row), field)


def _counts(row: ServerRow) -> Counts:
    return row.record.counts


def _lag(row: Any) -> float | None:
    rows = what_stays(row.record.subscriptions)
    known = [one.lag_seconds for one in rows if not one.ended]
    lags = [lag for lag in known if lag is not None]
    return max(lags) if lags else None


SERVERS: tuple[Quantity, ...] = (
    quantity(
        Kind.GAUGE,
        Scope.STATE,
        "servers",
        "servers",
        "Servers that the targets stand for, by state.",
        lambda number: number,
    ),
    _gauge(
        "servers_followed",
        "servers",
        "Servers that are no targets and are asked because monitored subscriptions depend on them, in any "
        "state. They are in no other count; of what they publish, sums have what monitored subscriptions "
        "depend on.",
        lambda told: sum(bool(server.followed) for server in told.snapshot.servers),
        attribute="followedServers",
    ),
    _gauge(
        "streams",
        "streams",
        "Streams (attribute and event type) that the monitored servers publish.",
        lambda told: sum(len(server.streams) for server in _own(told)),
        attribute="streamCount",
    ),
    _gauge(
        "subscriptions",
        "subscriptions",
        "Subscriptions of the monitored servers.",
        lambda told: sum(map(known_subscriptions, _own(told))),
        attribute="subscriptionCount",
    ),
    _gauge(
        "subscriptions_disconnected",
        "subscriptions",
        "Subscriptions of the monitored servers that are not connected and are being retried by cppTango.",
        lambda told: sum(len(server.not_connected) for server in _answering(told)),
        attribute="disconnectedSubscriptions",
    ),
    quantity(
        Kind.STATE_SET,
        Scope.SERVER,
        "server_state",
        "state",
        "State of the server.",
        lambda row: str(row.record.state),
        attribute="serverStates",
        json="state",
        states=tuple(map(str, ServerState)),
    ),
    quantity(
        Kind.INFO,
        Scope.SERVER_ABOUT,
        "server",
        "text",
        "Tango version of the server, and the code of why it does not answer; empty where there is none.",
        lambda _: 1,
    ),
    _of_server(
        "server_listeners",
        "subscriptions",
        "Monitored subscriptions that depend on the server as their publisher.",
        lambda row: row.listeners,
    ),
    _of_server(
        "server_followed",
        "boolean",
        "1 for a server that is no target and is asked because monitored subscriptions depend on it, else 0.",
        lambda row: flag(row.record.followed),
        json="followed",
    ),
    _of_server(
        "server_age_seconds",
        "s",
        "How old the values of the server are: 0 if it answered the latest poll; no value if it never did.",
        lambda row: row.record.age_seconds,
        attribute="serverAges",
        json="ageSeconds",
    ),
    _of_server(
        "server_round_trip_seconds",
        "s",
        "How long the server took for its latest answer; no value where it was not asked or did not answer.",
        lambda row: row.record.round_trip_seconds if row.record.answered else None,
        json="roundTripSeconds",
    ),
    quantity(
        Kind.COUNTER,
        Scope.SERVER,
        "server_lives",
        "processes",
        "Processes of the server that were seen: one more with every restart.",
        lambda row: row.record.identity.life or None,
        json="identity.life",
    ),
    _published(
        "publisher_events_published",
        "events",
        "Events that the publisher pushed; of a followed one, those that monitored subscriptions depend on.",
        _count("published"),
        attribute="serverPublishedEvents",
        json="totals.published",
    ),
    _of_publisher(
        "publisher_streams",
        "streams",
        "Streams that the server publishes.",
        lambda row: len(row.record.streams),
        attribute="serverStreams",
    ),
    _of_publisher(
        "publisher_streams_unseen_subscribers",
        "streams",
        "Streams of the publisher with subscribers that are not monitored, or, in the first 600 s of "
        "monitoring, that may have them.",
        _count("unseen_streams"),
        json="totals.unseenStreams",
    ),
    _counted(
        "subscriber_events_received",
        "events",
        "Events that the subscriptions of the server received.",
        _count("received"),
        attribute="serverReceivedEvents",
        json="totals.received",
    ),
    _counted(
        "subscriber_events_missed",
        "events",
        "Events that were pushed and certainly never reached a subscription of the server.",
        _count("missed"),
        attribute="serverMissedEvents",
        json="totals.missed",
    ),
    _of_subscriber(
        "subscriber_events_unaccounted",
        "events",
        "Events of the subscriptions of the server that were overdue when a life ended, so that it can never "
        "be known whether they arrived. Falls where they arrive after all.",
        _count("unaccounted"),
        attribute="serverUnaccountedEvents",
        json="totals.unaccounted",
    ),
    _of_subscriber(
        "subscriber_events_overdue",
        "events",
        "Events that were pushed before the previous poll and that subscriptions of the server have not "
        "received by now, as far as that is known; no value where no subscription tells.",
        lambda row: row.record.known_overdue,
        attribute="serverOverdueEvents",
        json="totals.overdue",
    ),
    _of_subscriber(
        "subscriber_subscriptions_overdue_unknown",
        "subscriptions",
        "Subscriptions of the server whose overdue events are not known.",
        _count("overdue_unknown"),
        json="totals.overdueUnknown",
    ),
    _of_subscriber(
        "subscriber_lag_seconds",
        "s",
        "The longest lag of the subscriptions of the server: how long ago the publisher had pushed what the "
        "subscription received last and something newer. No value where none is known.",
        _lag,
    ),
    _counted(
        "subscriber_gaps",
        "gaps",
        "How many times cppTango noticed that events are missing in subscriptions of the server.",
        _count("gaps"),
        attribute="serverGaps",
        json="totals.gaps",
    ),
    _counted(
        "subscriber_events_discarded",
        "events",
        "Events that the server received and threw away as duplicates.",
        _count("discarded"),
        attribute="serverDiscardedEvents",
        json="totals.discarded",
    ),
    _counted(
        "subscriber_blind_seconds",
        "s",
        "Time in which what was pushed to a subscription of the server was not counted; the sum over all.",
        _count("blind_seconds"),
        json="totals.blindSeconds",
    ),
    _of_subscriber(
        "subscriber_subscriptions",
        "subscriptions",
        "Subscriptions that the server has.",
        lambda row: known_subscriptions(row.record),
        attribute="serverSubscriptions",
    ),
    _of_subscriber(
        "subscriber_subscriptions_disconnected",
        "subscriptions",
        "Subscriptions of the server that are being retried; no value while it does not answer.",
        lambda row: len(row.record.not_connected) if row.record.state is ServerState.MONITORED else None,
    ),
)

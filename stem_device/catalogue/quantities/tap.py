"""What the tap heard of each publisher, and what it lost itself, in one life of the publisher."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stem_device.catalogue.quantities.making import Reading, flag, quantity
from stem_device.catalogue.quantity import Kind, Quantity, Value
from stem_device.catalogue.scope import Scope
from stem_device.model.poll import TapFigures

_counter = partial(quantity, Kind.COUNTER, Scope.SERVER)
_gauge = partial(quantity, Kind.GAUGE, Scope.SERVER)


def _heard(value: Callable[[TapFigures], Value | None]) -> Reading:
    """No value of a server that is not tapped."""
    return lambda row: None if row.record.tap is None else value(row.record.tap)


TAP: tuple[Quantity, ...] = (
    _gauge(
        "tap_connected",
        "boolean",
        "1 while the tap is connected to the event port of the publisher, else 0.",
        _heard(lambda tap: flag(tap.connected)),
        json="tap.connected",
    ),
    _gauge(
        "tap_topics",
        "topics",
        "Topics that the tap has heard of.",
        _heard(lambda tap: tap.topics),
        json="tap.topics",
    ),
    _counter(
        "tap_events_pushed",
        "events",
        "Events that the publisher pushed since the first that was heard of each topic; no value where they "
        "carry no number.",
        _heard(lambda tap: tap.pushed),
        json="tap.pushed",
    ),
    _counter(
        "tap_events_heard",
        "events",
        "Events that the tap got, without those that came twice.",
        _heard(lambda tap: tap.heard),
        json="tap.heard",
    ),
    _counter(
        "tap_size_bytes",
        "bytes",
        "Size of the events that the tap got.",
        _heard(lambda tap: tap.size),
        json="tap.bytes",
    ),
    _counter(
        "tap_events_lost_here",
        "events",
        "Events that the tap lost because it was behind; no loss of a subscriber.",
        _heard(lambda tap: tap.lost_here),
        json="tap.lostHere",
    ),
    _counter(
        "tap_events_lost_on_the_way",
        "events",
        "Events that did not reach the tap though it kept up; no loss of a subscriber.",
        _heard(lambda tap: tap.lost_on_the_way),
        json="tap.lostOnTheWay",
    ),
    _counter(
        "tap_events_duplicate",
        "events",
        "Events with the number of the one before, as the first after a subscription.",
        _heard(lambda tap: tap.duplicates),
        json="tap.duplicates",
    ),
    _gauge(
        "tap_event_rate",
        "events/s",
        "Events that the tap got a second, since the poll before.",
        _heard(lambda tap: tap.events_per_second),
        json="tap.eventsPerSecond",
    ),
    _gauge(
        "tap_byte_rate",
        "bytes/s",
        "Bytes of events that the tap got a second, since the poll before.",
        _heard(lambda tap: tap.bytes_per_second),
        json="tap.bytesPerSecond",
    ),
    _gauge(
        "tap_heartbeat_age_seconds",
        "s",
        "How long ago the tap heard the last heartbeat of the publisher.",
        _heard(lambda tap: tap.heartbeat_age_seconds),
        json="tap.heartbeatAgeSeconds",
    ),
)

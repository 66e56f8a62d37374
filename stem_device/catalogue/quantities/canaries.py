"""What really reaches this host: events at the monitor's own subscriptions, heartbeats of publishers."""

from __future__ import annotations

from functools import partial

from stem_device.catalogue.quantities.making import quantity
from stem_device.catalogue.quantity import Kind, Quantity
from stem_device.catalogue.scope import Scope

_counter = partial(quantity, Kind.COUNTER, Scope.CANARY)
_gauge = partial(quantity, Kind.GAUGE, Scope.CANARY)

CANARIES: tuple[Quantity, ...] = (
    _counter(
        "canary_events_received", "events", "Events that arrived at a canary.", lambda canary: canary.received
    ),
    _gauge(
        "canary_events_produced",
        "events",
        "Events that were due, or pushed, since the canary was subscribed.",
        lambda canary: canary.produced,
    ),
    _counter(
        "canary_events_lost",
        "events",
        "Events that did not arrive at a canary within CanaryLimit, or were missed.",
        lambda canary: canary.lost,
    ),
    _gauge(
        "canary_events_in_flight",
        "events",
        "Events that are due at a canary and not lost yet.",
        lambda canary: canary.in_flight,
    ),
    _gauge(
        "canary_round_trip_seconds",
        "s",
        "How long the last ping of the device took.",
        lambda canary: canary.round_trip_seconds,
    ),
    _gauge(
        "canary_latency_seconds",
        "s",
        "From the time stamp of the last event to its arrival at the canary, by two machines' clocks.",
        lambda canary: canary.latency_seconds,
    ),
    _gauge(
        "canary_age_seconds",
        "s",
        "How long ago the last event arrived at the canary.",
        lambda canary: canary.age_seconds,
    ),
    quantity(
        Kind.GAUGE,
        Scope.LINK,
        "publisher_heartbeat_age_seconds",
        "s",
        "How long ago the last heartbeat of the publisher was heard on this host.",
        lambda link: link.age_seconds,
    ),
)

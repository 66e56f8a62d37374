"""Streams and subscriptions one by one: those that lose or wait, or all."""

from __future__ import annotations

from functools import partial

from stem_device.catalogue.quantities.making import flag, quantity
from stem_device.catalogue.quantity import Kind, Quantity
from stem_device.catalogue.scope import Scope

_counter = partial(quantity, Kind.COUNTER, Scope.SUBSCRIPTION)
_gauge = partial(quantity, Kind.GAUGE, Scope.SUBSCRIPTION)

SUBSCRIPTIONS: tuple[Quantity, ...] = (
    quantity(
        Kind.COUNTER,
        Scope.STREAM,
        "stream_events_published",
        "events",
        "Events of the stream that were pushed.",
        lambda row: row.published_total,
        json="published",
    ),
    _counter(
        "subscription_events_received",
        "events",
        "Events that the subscription received.",
        lambda row: row.received_total,
        json="received",
    ),
    _counter(
        "subscription_events_missed",
        "events",
        "Events that were pushed and certainly never reached the subscription.",
        lambda row: row.missed_total,
        json="missed",
    ),
    _gauge(
        "subscription_missed_at_least",
        "boolean",
        "1 if unobserved events may have been lost besides the missed ones, else 0.",
        lambda row: flag(row.missed_at_least),
        json="missedAtLeast",
    ),
    _gauge(
        "subscription_events_unaccounted",
        "events",
        "Events of the subscription that were overdue when a life ended, so that it can never be known "
        "whether they arrived. Falls where they arrive after all.",
        lambda row: row.unaccounted_total,
        json="unaccounted",
    ),
    _gauge(
        "subscription_events_overdue",
        "events",
        "Events that were pushed before the previous poll and are not received by now; no value where that "
        "is not known.",
        lambda row: row.overdue,
        json="overdue",
    ),
    _gauge(
        "subscription_lag_seconds",
        "s",
        "How long ago the publisher had pushed what the subscription received last and something newer; 0 if "
        "nothing newer was pushed, no value where that is not known.",
        lambda row: row.lag_seconds,
        json="lagSeconds",
    ),
    _counter(
        "subscription_gaps",
        "gaps",
        "How many times cppTango noticed that events are missing in the subscription.",
        lambda row: row.gaps_total,
        json="gaps",
    ),
    _counter(
        "subscription_events_discarded",
        "events",
        "Events that the subscription received and threw away as duplicates.",
        lambda row: row.discarded_total,
        json="discarded",
    ),
    _gauge(
        "subscription_ended",
        "boolean",
        "1 for a subscription that is no more and is told for its losses, else 0.",
        lambda row: flag(row.ended),
        json="ended",
    ),
    quantity(
        Kind.INFO,
        Scope.FINDING,
        "subscription_cause",
        "text",
        "Why the subscription lost events lately or waits for them, whether that is only likely, and how it "
        "keeps up: ok, slow, stalled, stopped or recovering.",
        lambda _: 1,
    ),
)

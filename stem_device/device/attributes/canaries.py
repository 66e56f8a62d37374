"""Canaries: what the monitor's own subscriptions receive."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stem_device.device.attributes.spec import AttributeSpec, spectrum
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, tango_text
from stem_device.model.canary import CanaryFigures

MAX_CANARIES = 64
_ORDER = "One value a canary, in the order of canaryNames."


def _of_each(
    name: str,
    label: str,
    unit: str,
    doc: str,
    value: Callable[[CanaryFigures], Any],
    *,
    dtype: str = "DevString",
    form: str = "%d",
) -> AttributeSpec:
    return spectrum(
        name,
        label,
        unit,
        doc,
        lambda view: [value(one) for one in view.canaries[:MAX_CANARIES]],
        max_length=MAX_CANARIES,
        dtype=dtype,
        form=form,
    )


def _count(value: int | None) -> int:
    return -1 if value is None else value


def _seconds(value: float) -> float:
    # The same object each time: a list with another NaN in it would be told as a change.
    return math.nan if math.isnan(value) else value


CANARIES: tuple[AttributeSpec, ...] = (
    _of_each(
        "canaryNames",
        "Canaries",
        "text",
        f"Attributes that the monitor itself is subscribed to (CanaryAttributes); the first {MAX_CANARIES}.",
        lambda one: tango_text(one.attribute),
    ),
    _of_each(
        "canaryEvents",
        "Events of canaries",
        "text",
        f"periodic or change; empty where it is not subscribed yet. {_ORDER}",
        lambda one: one.event,
    ),
    _of_each(
        "canaryProblems",
        "Problems of canaries",
        "text",
        f"Why it does not work; empty where events arrive. {_ORDER}",
        lambda one: tango_text(one.problem, MAX_SENTENCE_CHARACTERS),
    ),
    _of_each(
        "canaryProducedEvents",
        "Canaries: produced",
        "events",
        f"Events that were due, or pushed, since it was subscribed; -1 where that is not known. {_ORDER}",
        lambda one: _count(one.produced),
        dtype="DevLong64",
    ),
    _of_each(
        "canaryReceivedEvents",
        "Canaries: received",
        "events",
        f"Events that arrived. {_ORDER}",
        lambda one: one.received,
        dtype="DevLong64",
    ),
    _of_each(
        "canaryLostEvents",
        "Canaries: lost",
        "events",
        f"Events that did not arrive within CanaryLimit, or were missed; -1 where not known. {_ORDER}",
        lambda one: _count(one.lost),
        dtype="DevLong64",
    ),
    _of_each(
        "canaryInFlightEvents",
        "Canaries: in flight",
        "events",
        f"Events that are due and not lost yet; -1 where that is not known. {_ORDER}",
        lambda one: _count(one.in_flight),
        dtype="DevLong64",
    ),
    _of_each(
        "canaryRoundTrips",
        "Canaries: round trip",
        "s",
        f"How long a ping of the device took; NaN where it failed. {_ORDER}",
        lambda one: _seconds(one.round_trip_seconds),
        dtype="DevDouble",
        form="%.6f",
    ),
    _of_each(
        "canaryLatencies",
        "Canaries: latency",
        "s",
        "From the time stamp of the last event to its arrival: a difference of two machines' clocks. NaN "
        f"before the first. {_ORDER}",
        lambda one: _seconds(one.latency_seconds),
        dtype="DevDouble",
        form="%.6f",
    ),
    _of_each(
        "canaryAges",
        "Canaries: age",
        "s",
        f"How long ago the last event arrived; NaN before the first. {_ORDER}",
        lambda one: _seconds(one.age_seconds),
        dtype="DevDouble",
        form="%.3f",
    ),
    spectrum(
        "silentPublishers",
        "Publishers that are not heard",
        "text",
        "Publishers of monitored subscriptions of which two heartbeats in a row did not reach this host "
        f"(ListenToHeartbeats); the first {MAX_CANARIES}.",
        lambda view: [tango_text(name) for name in view.silent_publishers[:MAX_CANARIES]],
        max_length=MAX_CANARIES,
        dtype="DevString",
    ),
)

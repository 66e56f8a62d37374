"""How long events took, from the samples of servers on which sampling is on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from stem_device.catalogue.quantities.making import Reading, quantity
from stem_device.catalogue.quantity import Kind, Quantity, Spread
from stem_device.catalogue.scope import Scope, ServerRow
from stem_device.model.sample_timings import LATENCY, PROCESSING, PUSH, SampleTiming, counted

_gauge = partial(quantity, Kind.GAUGE, Scope.MONITOR)

PUSH_BOUNDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.05, 0.1, 1.0)
"""A push takes 10 to 100 us; one that waits for a full queue or a slow network takes more."""
PROCESSING_BOUNDS = (1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0)
"""Callbacks: from those that only count to those that block."""
LATENCY_BOUNDS = (0.0, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0)
"""From loopback to a queue that is a minute behind; at most 0 are those with clocks that differ."""


def _spread(timing: SampleTiming, bounds: tuple[float, ...]) -> Callable[[ServerRow], Spread | None]:
    """Values of one server in seconds; None without samples."""

    def value(row: ServerRow) -> Spread | None:
        samples = getattr(row.told.snapshot, timing.table)
        kept, micros = counted(timing, partial(getattr, samples))
        own = micros[samples.server[kept] == row.number]
        return Spread.of(own / 1e6, bounds) if len(own) else None

    return value


def _timing(field: str) -> Reading:
    return lambda told: getattr(told.snapshot.timings, field)


def _histogram(scope: Scope, name: str, meaning: str, value: Reading, bounds: tuple[float, ...]) -> Quantity:
    return quantity(Kind.HISTOGRAM, scope, name, "s", meaning, value, bounds=bounds)


def _quantile(name: str, meaning: str, field: str, attribute: str) -> Any:
    parts = field.split("_")
    json = parts[0] + "".join(part.capitalize() for part in parts[1:])
    return _gauge(name, "s", meaning, _timing(field), attribute=attribute, json=f"timings.{json}")


TIMINGS: tuple[Quantity, ...] = (
    _histogram(
        Scope.SUBSCRIBER,
        "latency_seconds",
        "From the event's time stamp to the first callback, by subscriber. The difference of two machines' "
        "clocks: it may be biased or negative, and has _sum and _count only while none is negative "
        "(the bucket +Inf is the count).",
        _spread(LATENCY, LATENCY_BOUNDS),
        LATENCY_BOUNDS,
    ),
    _histogram(
        Scope.SUBSCRIBER,
        "processing_seconds",
        "Time that a subscriber spent in all callbacks of one event.",
        _spread(PROCESSING, PROCESSING_BOUNDS),
        PROCESSING_BOUNDS,
    ),
    _histogram(
        Scope.PUBLISHER,
        "push_seconds",
        "Time that a publisher spent to push one event.",
        _spread(PUSH, PUSH_BOUNDS),
        PUSH_BOUNDS,
    ),
    _quantile(
        "latency_median_seconds",
        "From the event's time stamp to the first callback, median over the samples of the latest poll. The "
        "difference of two machines' clocks: it may be biased or negative. No value without samples.",
        "latency_median_seconds",
        "latencyMedian",
    ),
    _quantile(
        "latency_p99_seconds",
        "From the event's time stamp to the first callback, 99 % quantile over the samples of the latest "
        "poll.",
        "latency_p99_seconds",
        "latencyP99",
    ),
    _quantile(
        "processing_p99_seconds",
        "Time that a subscriber spent in all callbacks of one event, 99 % quantile over the samples of the "
        "latest poll. No value without samples.",
        "processing_p99_seconds",
        "processingTimeP99",
    ),
    _quantile(
        "push_p99_seconds",
        "Time that a publisher spent to push one event, 99 % quantile over the samples of the latest poll. "
        "No value without samples.",
        "push_p99_seconds",
        "pushTimeP99",
    ),
    _gauge(
        "sample_coverage_ratio",
        "ratio",
        "Share of the events that have a timing sample, 0 to 1; no value while nothing is sampled.",
        lambda told: told.snapshot.sample_coverage,
        attribute="sampleCoverage",
        json="sampleCoverage",
    ),
    _gauge(
        "servers_sampled",
        "servers",
        "Monitored servers on which sampling is on, whoever switched it on.",
        lambda told: sum(
            server.sampling
            for server in told.snapshot.servers
            if not server.followed and server.state == "monitored"
        ),
        attribute="sampledServers",
    ),
    _gauge(
        "servers_drained",
        "servers",
        "Servers whose samples seem to be read by somebody else as well; Status names them.",
        lambda told: sum(server.drained_by_others for server in told.snapshot.servers if not server.followed),
        attribute="drainedServers",
    ),
)

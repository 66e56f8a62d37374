"""Each server: what it published, received and missed, over time, and whether it answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.analysis.worst import rows_worst_first
from stem_device.report.page.bins import Floats, Integers, TimeBins
from stem_device.report.page.grouping import group_rows
from stem_device.report.page.report_data import Codes, ReportData, Samples, ServerRows
from stem_device.report.page.timings import slices

MONITORED = "monitored"


@dataclass(frozen=True, slots=True)
class ServerSummaries:
    """One entry a server: the one that missed most first, then those that did not answer, then the busiest.

    ``unanswered`` counts polls out of ``polls``; ``reason`` (a code) is the last one, -1 if it always
    answered. Timings are quantiles in microseconds, NaN without samples.
    """

    server: Codes
    polls: Integers
    unanswered: Integers
    reason: Codes
    published: Integers
    received: Integers
    missed: Integers
    samples: Integers
    sampled_events: Integers
    drained: Integers
    latency_median_micros: Floats
    latency_p99_micros: Floats
    processing_p99_micros: Floats
    push_p99_micros: Floats

    def __len__(self) -> int:
        return len(self.server)


@dataclass(frozen=True, slots=True)
class ServerGrid:
    """Counts by server (entries of the summaries, from the first) and step, each of shape (servers, n)."""

    bins: TimeBins
    missed: Integers
    received: Integers
    published: Integers
    unanswered: Integers


def server_summaries(evidence: ReportData) -> ServerSummaries:
    """All servers of the recording."""
    rows = evidence.servers
    groups = group_rows(rows.server)
    codes = rows.server[groups.first]
    silent = silent_rows(evidence)
    streams, subscriptions = evidence.streams, evidence.subscriptions
    unanswered = groups.sums(silent.astype(np.int64))
    published = _sums(codes, streams.server, streams.published_delta)
    received = _sums(codes, subscriptions.server, subscriptions.received_delta)
    missed = _sums(codes, subscriptions.server, subscriptions.missed_delta)
    each = group_rows(subscriptions.server, subscriptions.topic)
    overdue = np.maximum(subscriptions.overdue[each.last], 0)
    order = rows_worst_first(
        _sums(codes, subscriptions.server, subscriptions.lost_delta),
        _sums(codes, subscriptions.server[each.last], overdue),
        _sums(codes, subscriptions.server, subscriptions.gaps_delta),
        unanswered,
        published + received,
    )
    return ServerSummaries(
        server=codes[order],
        polls=groups.counts()[order],
        unanswered=unanswered[order],
        reason=_reasons(rows, silent, codes[order]),
        published=published[order],
        received=received[order],
        missed=missed[order],
        samples=groups.sums(rows.samples)[order],
        sampled_events=groups.sums(rows.sampled_events)[order],
        drained=groups.sums(rows.drained.astype(np.int64))[order],
        latency_median_micros=_quantile(codes[order], evidence.latency, 0.5),
        latency_p99_micros=_quantile(codes[order], evidence.latency, 0.99),
        processing_p99_micros=_quantile(codes[order], evidence.processing, 0.99),
        push_p99_micros=_quantile(codes[order], evidence.push, 0.99),
    )


def server_grid(evidence: ReportData, summaries: ServerSummaries, bins: TimeBins, limit: int) -> ServerGrid:
    """The first ``limit`` servers over time."""
    shown = min(len(summaries), limit)
    codes = summaries.server[:shown]
    subscriptions, streams, rows = evidence.subscriptions, evidence.streams, evidence.servers
    of_subscription = places(codes, subscriptions.server)
    silent = silent_rows(evidence).astype(np.int64)
    return ServerGrid(
        bins=bins,
        missed=bins.grid(of_subscription, subscriptions.time_utc_ns, subscriptions.missed_delta, shown),
        received=bins.grid(of_subscription, subscriptions.time_utc_ns, subscriptions.received_delta, shown),
        published=bins.grid(
            places(codes, streams.server), streams.time_utc_ns, streams.published_delta, shown
        ),
        unanswered=bins.grid(places(codes, rows.server), rows.time_utc_ns, silent, shown),
    )


def silent_rows(evidence: ReportData) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows of servers that were not monitored in that poll."""
    states = np.unique(evidence.servers.state)
    monitored = [int(code) for code in states if evidence.name(int(code)) == MONITORED]
    silent: np.ndarray[tuple[int], np.dtype[np.bool_]] = ~np.isin(evidence.servers.state, monitored)
    return silent


def places(wanted: Codes, codes: Codes) -> Integers:
    """Where each code is in ``wanted``; -1 if it is not there."""
    if len(wanted) == 0:
        return np.full(len(codes), -1, dtype=np.int64)
    order = np.argsort(wanted)
    found = np.clip(np.searchsorted(wanted, codes, sorter=order), 0, len(wanted) - 1)
    place = order[found]
    return np.where(wanted[place] == codes, place, -1).astype(np.int64)


def _sums(wanted: Codes, codes: Codes, values: Integers) -> Integers:
    place = places(wanted, codes)
    known = place >= 0
    sums = np.bincount(place[known], weights=values[known], minlength=len(wanted))
    return np.rint(sums).astype(np.int64)


def _reasons(rows: ServerRows, silent: np.ndarray[tuple[int], np.dtype[np.bool_]], wanted: Codes) -> Codes:
    reasons = np.full(len(wanted), -1, dtype=np.int32)
    place = places(wanted, rows.server[silent])
    known = place >= 0
    reasons[place[known]] = rows.reason[silent][known]  # of equal indices the last one stays
    return reasons


def _quantile(wanted: Codes, samples: Samples, quantile: float) -> Floats:
    known = ~np.isnan(samples.micros)
    place = places(wanted, samples.server[known])
    found = np.full(len(wanted), np.nan)
    for entry, values in slices(place, samples.micros[known]):
        if entry >= 0:
            found[entry] = np.quantile(values, quantile)
    return found

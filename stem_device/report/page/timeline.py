"""Published, received, missed and overdue over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report.page.bins import Flags, Integers, TimeBins
from stem_device.report.page.report_data import ReportData, SubscriptionRows


@dataclass(frozen=True, slots=True)
class Timeline:
    """Counts of each step; ``overdue``: the largest sum of a poll; ``covered``: a poll counted.

    ``overdue_known`` is false where it is known of no subscription.
    """

    bins: TimeBins
    published: Integers
    received: Integers
    missed: Integers
    unaccounted: Integers
    overdue: Integers
    overdue_known: Flags
    covered: Flags


def timeline(evidence: ReportData, bins: TimeBins) -> Timeline:
    """The sums of all streams and subscriptions."""
    streams, rows, polls = evidence.streams, evidence.subscriptions, evidence.polls
    return Timeline(
        bins=bins,
        published=bins.sums(streams.time_utc_ns, streams.published_delta),
        received=bins.sums(rows.time_utc_ns, rows.received_delta),
        missed=bins.sums(rows.time_utc_ns, rows.missed_delta),
        unaccounted=bins.sums(rows.time_utc_ns, np.maximum(rows.unaccounted_delta, 0)),
        overdue=_overdue(rows, bins),
        overdue_known=bins.sums(rows.time_utc_ns, (rows.overdue >= 0).astype(np.int64)) > 0,
        covered=bins.sums(polls.time_utc_ns, polls.counted.astype(np.int64)) > 0,
    )


def _overdue(rows: SubscriptionRows, bins: TimeBins) -> Integers:
    """The largest sum of a poll in each step; monitors that run side by side are added up."""
    total = np.zeros(len(bins), dtype=np.int64)
    for source in np.unique(rows.source):
        own = rows.source == source
        times, poll = np.unique(rows.time_utc_ns[own], return_inverse=True)
        sums = np.bincount(poll, weights=np.maximum(rows.overdue[own], 0)).astype(np.int64)
        total += _largest(bins, times, sums)
    return total


def _largest(bins: TimeBins, times: Integers, values: Integers) -> Integers:
    steps = bins.of(times)
    inside = (steps >= 0) & (steps < len(bins))
    largest = np.zeros(len(bins), dtype=np.int64)
    np.maximum.at(largest, steps[inside], values[inside])
    return largest

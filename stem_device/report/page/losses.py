"""What each subscription received and missed, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.analysis.worst import rows_worst_first
from stem_device.report.page.bins import Flags, Floats, Integers, TimeBins
from stem_device.report.page.grouping import Groups, group_rows
from stem_device.report.page.report_data import Codes, ReportData, SubscriptionRows

INTERVALS = 2000
"""Intervals of losses that are drawn: a browser draws more of them too slowly to turn the page."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """One entry a subscription, the worst first (lost, then overdue, then the busiest).

    ``overdue`` is that of the last poll, -1 where it is not known. What it lost was lost after
    ``lost_after_utc_ns`` and noticed by ``noticed_utc_ns``, 0 if there is none. ``cause`` is a code, empty
    for none.
    """

    server: Codes
    topic: Codes
    stream: Codes
    publisher: Codes
    received: Integers
    missed: Integers
    unaccounted: Integers
    gaps: Integers
    overdue: Integers
    at_least: Flags
    lost_after_utc_ns: Integers
    noticed_utc_ns: Integers
    cause: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.server)

    @property
    def lossy(self) -> int:
        """How many subscriptions lost something; they are the first ones."""
        return int(np.count_nonzero(self.lost))

    @property
    def lost(self) -> Integers:
        """Missed and unaccounted."""
        lost: Integers = self.missed + self.unaccounted
        return lost

    @property
    def missed_share(self) -> Floats:
        """Of the events that were meant for each subscription, 0 where there were none."""
        meant = self.missed + self.received
        share: Floats = np.divide(self.missed, meant, out=np.zeros(len(self)), where=meant > 0)
        return share


@dataclass(frozen=True, slots=True)
class LossGrid:
    """Lost events by subscription (entries of the Ledger) and step of their notice; ``others``: the rest.

    The intervals are those of the losses of the shown ones, the largest first, at most INTERVALS: ``entry``
    lost ``number`` events after ``since_utc_ns``, as was noticed at ``until_utc_ns``.
    """

    bins: TimeBins
    lost: Integers
    others: Integers
    entry: Integers
    number: Integers
    since_utc_ns: Integers
    until_utc_ns: Integers


def ledger(evidence: ReportData) -> Ledger:
    """All subscriptions of the recording."""
    rows = evidence.subscriptions
    groups = group_rows(rows.server, rows.topic)
    received, missed = groups.sums(rows.received_delta), groups.sums(rows.missed_delta)
    unaccounted = np.maximum(groups.sums(rows.unaccounted_delta), 0)
    first, last = _loss_times(rows, groups)
    overdue, gaps = rows.overdue[groups.last], groups.sums(rows.gaps_delta)
    order = rows_worst_first(missed + unaccounted, overdue, gaps, received)
    newest = groups.last[order]
    return Ledger(
        server=rows.server[newest],
        topic=rows.topic[newest],
        stream=rows.stream[newest],
        publisher=rows.publisher[newest],
        received=received[order],
        missed=missed[order],
        unaccounted=unaccounted[order],
        gaps=gaps[order],
        overdue=overdue[order],
        at_least=(rows.at_least[newest] & (missed[order] > 0)),
        lost_after_utc_ns=first[order],
        noticed_utc_ns=last[order],
        cause=_causes(evidence, rows.server[newest], rows.topic[newest]),
    )


def loss_grid(evidence: ReportData, entries: Ledger, bins: TimeBins, limit: int) -> LossGrid:
    """When the worst ``limit`` subscriptions lost events."""
    rows = evidence.subscriptions
    lost = rows.lost_delta
    lossy = np.flatnonzero(lost)
    shown = min(entries.lossy, limit)
    places = {(int(entries.server[i]), int(entries.topic[i])): i for i in range(shown)}
    keys = zip(rows.server[lossy].tolist(), rows.topic[lossy].tolist(), strict=True)
    place = np.fromiter((places.get(key, shown) for key in keys), dtype=np.int64, count=len(lossy))
    grid = bins.grid(place, rows.time_utc_ns[lossy], lost[lossy], shown + 1)
    named = np.flatnonzero(place < shown)
    largest = named[np.argsort(-lost[lossy[named]], kind="stable")[:INTERVALS]]
    row = lossy[largest]
    return LossGrid(
        bins,
        grid[:shown],
        grid[shown],
        place[largest],
        lost[row],
        rows.since_utc_ns[row],
        rows.time_utc_ns[row],
    )


def _causes(evidence: ReportData, servers: Codes, topics: Codes) -> tuple[str, ...]:
    """Of each subscription, as the sentences under the headline have it."""
    told = {(one.server, one.topic): str(one.cause) for one in reversed(evidence.why)}
    if not told:
        return ("",) * len(servers)
    keys = zip(map(evidence.name, servers.tolist()), map(evidence.name, topics.tolist()), strict=True)
    return tuple(told.get(key, "") for key in keys)


def _loss_times(rows: SubscriptionRows, groups: Groups) -> tuple[Integers, Integers]:
    """From the first onset to the last notice."""
    lossy = np.flatnonzero(rows.lost_delta)
    first = np.full(len(groups), np.iinfo(np.int64).max)
    last = np.zeros(len(groups), dtype=np.int64)
    np.minimum.at(first, groups.of_row[lossy], rows.since_utc_ns[lossy])
    np.maximum.at(last, groups.of_row[lossy], rows.time_utc_ns[lossy])
    first[last == 0] = 0
    return first, last

"""What each subscription received and missed, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report.page.bins import Flags, Floats, Integers, TimeBins
from stem_device.report.page.evidence import Codes, Evidence, SubscriptionRows
from stem_device.report.page.grouping import Groups, group_rows


@dataclass(frozen=True, slots=True)
class Ledger:
    """One entry a subscription, the worst first (missed, then overdue, then the busiest).

    ``overdue`` is that of the last poll, -1 where it is not told; ``first_loss_utc_ns`` and
    ``last_loss_utc_ns`` are polls that noticed a loss, 0 if there is none.
    """

    server: Codes
    topic: Codes
    stream: Codes
    publisher: Codes
    received: Integers
    missed: Integers
    gaps: Integers
    overdue: Integers
    at_least: Flags
    first_loss_utc_ns: Integers
    last_loss_utc_ns: Integers

    def __len__(self) -> int:
        return len(self.server)

    @property
    def lossy(self) -> int:
        """How many subscriptions missed something; they are the first ones."""
        return int(np.count_nonzero(self.missed))

    @property
    def missed_share(self) -> Floats:
        """Of the events that were meant for each subscription, 0 where there were none."""
        meant = self.missed + self.received
        share: Floats = np.divide(self.missed, meant, out=np.zeros(len(self)), where=meant > 0)
        return share


@dataclass(frozen=True, slots=True)
class LossGrid:
    """Missed events by subscription (entries of the Ledger) and step; ``others``: the rest."""

    bins: TimeBins
    missed: Integers
    others: Integers


def ledger(evidence: Evidence) -> Ledger:
    """All subscriptions of the recording."""
    rows = evidence.subscriptions
    groups = group_rows(rows.server, rows.topic)
    received, missed = groups.sums(rows.received_delta), groups.sums(rows.missed_delta)
    first, last = _loss_times(rows, groups)
    overdue = rows.overdue[groups.last]
    order = np.lexsort((-received, -overdue, -missed))
    newest = groups.last[order]
    return Ledger(
        server=rows.server[newest],
        topic=rows.topic[newest],
        stream=rows.stream[newest],
        publisher=rows.publisher[newest],
        received=received[order],
        missed=missed[order],
        gaps=groups.sums(rows.gaps_delta)[order],
        overdue=overdue[order],
        at_least=(rows.at_least[newest] & (missed[order] > 0)),
        first_loss_utc_ns=first[order],
        last_loss_utc_ns=last[order],
    )


def loss_grid(evidence: Evidence, entries: Ledger, bins: TimeBins, limit: int) -> LossGrid:
    """When the worst ``limit`` subscriptions missed events."""
    rows = evidence.subscriptions
    lossy = np.flatnonzero(rows.missed_delta)
    shown = min(entries.lossy, limit)
    places = {(int(entries.server[i]), int(entries.topic[i])): i for i in range(shown)}
    keys = zip(rows.server[lossy].tolist(), rows.topic[lossy].tolist(), strict=True)
    place = np.fromiter((places.get(key, shown) for key in keys), dtype=np.int64, count=len(lossy))
    grid = bins.grid(place, rows.time_utc_ns[lossy], rows.missed_delta[lossy], shown + 1)
    return LossGrid(bins, grid[:shown], grid[shown])


def _loss_times(rows: SubscriptionRows, groups: Groups) -> tuple[Integers, Integers]:
    lossy = np.flatnonzero(rows.missed_delta)
    first = np.full(len(groups), np.iinfo(np.int64).max)
    last = np.zeros(len(groups), dtype=np.int64)
    np.minimum.at(first, groups.of_row[lossy], rows.time_utc_ns[lossy])
    np.maximum.at(last, groups.of_row[lossy], rows.time_utc_ns[lossy])
    first[last == 0] = 0
    return first, last

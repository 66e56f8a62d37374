"""How far behind subscriptions were, over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stem_device.report.page.bins import Floats, Integers, TimeBins
from stem_device.report.page.grouping import Groups, group_rows
from stem_device.report.page.losses import Ledger
from stem_device.report.page.report_data import Codes, ReportData, SubscriptionRows


@dataclass(frozen=True, slots=True)
class Lags:
    """The subscriptions that were furthest behind, the worst first: ``entry`` is the place in the Ledger.

    ``seconds`` is the longest lag in each step, shape (subscriptions, n); NaN where it is not known.
    ``others``: so many more were behind.
    """

    bins: TimeBins
    entry: Integers
    seconds: Floats
    others: int


def lags(evidence: ReportData, entries: Ledger, bins: TimeBins, limit: int) -> Lags:
    """Those that were behind at all, at most ``limit``."""
    rows = evidence.subscriptions
    groups = group_rows(rows.server, rows.topic)
    longest = np.zeros(len(groups))
    np.fmax.at(longest, groups.of_row, rows.lag_seconds)
    place = _places(rows, groups, entries)
    order = np.lexsort((place, -longest))
    behind = order[longest[order] > 0]
    worst = behind[:limit]
    line = np.full(len(groups), -1)
    line[worst] = np.arange(len(worst))
    steps = bins.of(rows.time_utc_ns)
    drawn = (line[groups.of_row] >= 0) & (steps >= 0) & (steps < len(bins))
    seconds = np.full((len(worst), len(bins)), np.nan)
    np.fmax.at(seconds, (line[groups.of_row[drawn]], steps[drawn]), rows.lag_seconds[drawn])
    return Lags(bins, place[worst], seconds, len(behind) - len(worst))


def _places(rows: SubscriptionRows, groups: Groups, entries: Ledger) -> Integers:
    """Where the subscription of each group stands in the Ledger."""
    places = {key: place for place, key in enumerate(_keys(entries.server, entries.topic))}
    found = [places[key] for key in _keys(rows.server[groups.first], rows.topic[groups.first])]
    return np.array(found, dtype=np.int64)


def _keys(servers: Codes, topics: Codes) -> Iterator[tuple[int, int]]:
    return zip(servers.tolist(), topics.tolist(), strict=True)

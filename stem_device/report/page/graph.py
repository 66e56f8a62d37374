"""Who publishes to whom: publishers on the left, subscribers on the right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.analysis.worst import rows_worst_first
from stem_device.report.page.bins import Floats, Integers
from stem_device.report.page.grouping import group_rows
from stem_device.report.page.losses import Ledger
from stem_device.report.page.report_data import Codes


@dataclass(frozen=True, slots=True)
class Graph:
    """Edges by publisher and subscriber (places in the two lists of servers, from the top).

    ``left_out`` counts the edges whose servers are not shown, ``left_out_missed`` what was missed on them.
    """

    publishers: Codes
    subscribers: Codes
    publisher: Integers
    subscriber: Integers
    received: Integers
    missed: Integers
    subscriptions: Integers
    left_out: int
    left_out_missed: int

    @property
    def missed_share(self) -> Floats:
        meant = self.received + self.missed
        share: Floats = np.divide(self.missed, meant, out=np.zeros(len(meant)), where=meant > 0)
        return share


def graph(entries: Ledger, limit: int) -> Graph:
    """The ``limit`` publishers and subscribers with the most losses and, beyond those, the most events."""
    edges = group_rows(entries.publisher, entries.server)
    publisher, subscriber = entries.publisher[edges.first], entries.server[edges.first]
    received, missed = edges.sums(entries.received), edges.sums(entries.missed)
    badness = [
        edges.sums(column)
        for column in (
            entries.missed + entries.unaccounted,
            np.maximum(entries.overdue, 0),
            entries.gaps,
            entries.received,
        )
    ]
    left, right = _worst(publisher, badness, limit), _worst(subscriber, badness, limit)
    shown = np.isin(publisher, left) & np.isin(subscriber, right)
    left, right = _untangled(publisher[shown], subscriber[shown], left, right)
    return Graph(
        publishers=left,
        subscribers=right,
        publisher=_places(left, publisher[shown]),
        subscriber=_places(right, subscriber[shown]),
        received=received[shown],
        missed=missed[shown],
        subscriptions=edges.counts()[shown],
        left_out=int(np.count_nonzero(~shown)),
        left_out_missed=int(missed[~shown].sum()),
    )


def _worst(codes: Codes, badness: list[Integers], limit: int) -> Codes:
    groups = group_rows(codes)
    order = rows_worst_first(*map(groups.sums, badness))
    return codes[groups.first][order][:limit]


def _untangled(publisher: Codes, subscriber: Codes, left: Codes, right: Codes) -> tuple[Codes, Codes]:
    """Both sides in an order with few crossings: each server near the middle of its neighbours, in turns."""
    left, right = left[np.isin(left, publisher)], right[np.isin(right, subscriber)]
    for _ in range(4):
        right = right[np.argsort(_middles(right, subscriber, _places(left, publisher)), kind="stable")]
        left = left[np.argsort(_middles(left, publisher, _places(right, subscriber)), kind="stable")]
    return left, right


def _middles(codes: Codes, ends: Codes, others: Integers) -> Floats:
    place = _places(codes, ends)
    counts = np.bincount(place, minlength=len(codes))
    return np.bincount(place, weights=others, minlength=len(codes)) / np.maximum(counts, 1)


def _places(wanted: Codes, codes: Codes) -> Integers:
    order = np.argsort(wanted)
    return order[np.searchsorted(wanted, codes, sorter=order)].astype(np.int64)

"""All quantities of one poll, with their values."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeGuard

from stem_device.catalogue.monitor_state import MonitorState
from stem_device.catalogue.quantities import QUANTITIES
from stem_device.catalogue.quantity import Kind, Quantity, Spread, Value
from stem_device.catalogue.scope import Details, Labels, Scope, Told, rows_of
from stem_device.model.snapshot import Snapshot
from stem_device.text import encodable


class Point(NamedTuple):
    """One value of a quantity; ``labels`` are the values of its labels, in their order."""

    labels: Labels
    value: Value


class Series(NamedTuple):
    """One quantity with its points, which have different labels."""

    quantity: Quantity
    points: tuple[Point, ...]


class Sample(NamedTuple):
    """One number: ``names`` and ``values`` of its labels, in the same order."""

    metric: str
    names: Labels
    values: Labels
    number: float


class Number(NamedTuple):
    """One number for a tool that knows nothing but numbers with a name and labels."""

    metric: str
    labels: dict[str, str]
    value: float


def series_of(
    snapshot: Snapshot, monitor: MonitorState | None = None, details: Details = Details.LOSING
) -> tuple[Series, ...]:
    """Every quantity that has a value, in the order of the catalogue.

    What is not known has no point: it is never 0. All of it comes from this Snapshot alone, so that series
    of servers that are gone vanish; histograms are those of the samples of this poll. ``monitor`` None: what
    no Snapshot has is left out.
    """
    rows = rows_of(Told(snapshot, monitor, details))
    shown: dict[Scope, list[tuple[Labels, Any]]] = {}
    found = []
    for quantity in QUANTITIES:
        scope = quantity.scope
        if scope not in shown:
            shown[scope] = [(tuple(map(encodable, labels)), row) for labels, row in rows(scope)]
        points = tuple(
            Point(labels, value) for labels, row in shown[scope] if _is_known(value := quantity.value(row))
        )
        if points:
            found.append(Series(quantity, points))
        time.sleep(0)  # of many subscriptions it takes long, and the poll thread waits 5 ms for its turn else
    return tuple(found)


def _is_known(value: Value | None) -> TypeGuard[Value]:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def numbers_of(series: Series) -> Iterator[Number]:
    """The same as :func:`samples_of`, with labels by name."""
    for metric, names, values, number in samples_of(series):
        yield Number(metric, dict(zip(names, values, strict=True)), number)


def samples_of(series: Series) -> Iterator[Sample]:
    """The points as plain numbers, with the names that Prometheus has for them.

    A state set has a number a state, 1 for the present one and 0 for the others, a histogram has cumulative
    ``_bucket`` numbers by ``le``, and where the sum is known ``_count`` and ``_sum``; else the bucket
    ``+Inf`` is the count.
    """
    quantity = series.quantity
    metric, names = quantity.metric, quantity.labels
    if quantity.kind is Kind.STATE_SET:
        with_state = (*names, metric)
        for labels, value in series.points:
            for state in quantity.states:
                yield Sample(metric, with_state, (*labels, state), float(state == value))
        return
    for labels, value in series.points:
        if isinstance(value, Spread):
            yield from _spread(metric, names, labels, value)
        elif quantity.scope is Scope.USER:  # of which not every one has every label
            has = [(name, text) for name, text in zip(names, labels, strict=True) if text]
            yield Sample(metric, tuple(name for name, _ in has), tuple(text for _, text in has), float(value))
        elif not isinstance(value, str):
            yield Sample(metric, names, labels, value)


def _spread(metric: str, names: Labels, labels: Labels, spread: Spread) -> Iterator[Sample]:
    below, bucket, with_bound = 0, f"{metric}_bucket", (*names, "le")
    for bound, count in zip((*spread.bounds, math.inf), spread.counts, strict=True):
        below += count
        yield Sample(bucket, with_bound, (*labels, bound_text(bound)), below)
    if spread.total is not None:  # OpenMetrics has both or none
        yield Sample(f"{metric}_count", names, labels, below)
        yield Sample(f"{metric}_sum", names, labels, spread.total)


def bound_text(bound: float) -> str:
    """A bound as the label ``le`` has it."""
    return "+Inf" if math.isinf(bound) else repr(float(bound))


class PollSeries:
    """The series of a poll, made once for all exporters that ask one after the other. Thread-safe.

    ``state`` gives what no Snapshot tells, as it is when the first of them asks.
    """

    def __init__(self, state: Callable[[], MonitorState | None] = lambda: None) -> None:
        self._state = state
        self._making = threading.Lock()
        self._poll: tuple[Snapshot | None, MonitorState | None] = None, None
        self._made: dict[Details, tuple[Series, ...]] = {}

    def __call__(self, snapshot: Snapshot, details: Details = Details.LOSING) -> tuple[Series, ...]:
        """See :func:`series_of`. Of an earlier poll they are made anew, for whoever lags behind."""
        with self._making:
            if self._poll[0] is None or snapshot.monotonic_ns > self._poll[0].monotonic_ns:
                self._poll, self._made = (snapshot, self._state()), {}
            if snapshot is self._poll[0]:
                if details not in self._made:
                    self._made[details] = series_of(snapshot, self._poll[1], details)
                return self._made[details]
        return series_of(snapshot, self._state(), details)


class Accumulation:
    """Adds up the histograms of polls, as tools want totals that rise. Not thread-safe.

    Those of a server that is gone are forgotten. What processes time has MAX_LABELS labels, and what comes
    later is together under one more.
    """

    def __init__(self) -> None:
        self._spreads: dict[str, dict[Labels, Spread]] = {}

    def add(self, snapshot: Snapshot, series: tuple[Series, ...]) -> tuple[Series, ...]:
        """The same series, but with histograms of all polls so far; call it once a poll."""
        present = {server.name for server in snapshot.servers}
        found = {one.quantity.name: one.points for one in series}
        for quantity in HISTOGRAMS:
            known = self._spreads.get(quantity.name, {})
            of_servers = quantity.scope not in _OF_PROCESSES
            sums = {
                labels: spread for labels, spread in known.items() if not of_servers or labels[0] in present
            }
            for told, value in found.get(quantity.name, ()):
                if isinstance(value, Spread):
                    labels = told if of_servers or told in sums or len(sums) < MAX_LABELS else _OTHERS
                    sums[labels] = sums[labels].plus(value) if labels in sums else value
            self._spreads[quantity.name] = sums
        return self.shown(series)

    def shown(self, series: Iterable[Series]) -> tuple[Series, ...]:
        """Other series of the same poll, with histograms of all polls so far."""
        found = {one.quantity.name: one for one in series}
        for quantity in HISTOGRAMS:
            found.pop(quantity.name, None)
            if sums := self._spreads.get(quantity.name):
                found[quantity.name] = Series(quantity, tuple(map(Point, sums.keys(), sums.values())))
        own = tuple(found[one.name] for one in QUANTITIES if one.name in found)
        return own + tuple(one for one in found.values() if one.quantity.scope is Scope.USER)


_OF_PROCESSES = (Scope.TIMED, Scope.HALT)
_OTHERS = ("(other labels)",)
MAX_LABELS = 200
"""Labels of processes with a histogram of their own: a program may make any number of them."""
HISTOGRAMS = tuple(one for one in QUANTITIES if one.kind is Kind.HISTOGRAM)

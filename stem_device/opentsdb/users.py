"""Metrics of users beside those of the catalogue, as one source of series."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from stem_device.catalogue import labels_of
from stem_device.model.snapshot import Floats, Integers, MetricSeries
from stem_device.opentsdb.limits import Budget
from stem_device.opentsdb.series import Annotation, Series, SeriesSource, Tags
from stem_device.reading import Recording
from stem_device.reading.user_metrics import metric_series

UserPoints = tuple[MetricSeries, Integers, Floats]
"""A series with times (ns, in order) and values."""


class Users(Protocol):
    """Where metrics of users are: the intake of a monitor, or a recording."""

    def names(self) -> Collection[str]:
        """Of all metrics that are known."""

    def series_of(self, name: str) -> Sequence[MetricSeries]:
        """The known series of a metric."""

    def read(self, name: str, wanted: Callable[[MetricSeries], bool]) -> Iterable[UserPoints]:
        """All points of each wanted series."""


class WithUsers:
    """A source of series, and metrics of users. See :class:`.series.SeriesSource`."""

    def __init__(self, source: SeriesSource, users: Users) -> None:
        self._source = source
        self._users = users

    def metrics(self) -> Collection[str]:
        return {*self._source.metrics(), *self._users.names()}

    def tag_sets(self, metric: str, budget: Budget) -> Iterable[Tags]:
        yield from self._source.tag_sets(metric, budget)
        yield from map(labels_of, self._users.series_of(metric))

    def read(
        self, metric: str, begin_ns: int, end_ns: int, wanted: Callable[[Tags], bool], budget: Budget
    ) -> Iterator[Series]:
        yield from self._source.read(metric, begin_ns, end_ns, wanted, budget)
        yield from read_users(self._users, metric, begin_ns, end_ns, wanted)

    def annotations(self, begin_ns: int, end_ns: int) -> Sequence[Annotation]:
        return self._source.annotations(begin_ns, end_ns)


def read_users(
    users: Users, metric: str, begin_ns: int, end_ns: int, wanted: Callable[[Tags], bool]
) -> Iterator[Series]:
    """As :meth:`.SeriesSource.read`: of several points of a series at one moment, the last that came."""
    for one, at, values in users.read(metric, lambda series: wanted(labels_of(series))):
        last = np.append(at[1:] != at[:-1], True)[: len(at)]
        times, kept = at[last], values[last]
        begin = max(0, int(np.searchsorted(times, begin_ns)) - 1)
        end = int(np.searchsorted(times, end_ns, side="right")) + 1
        if len(times[begin:end]):
            yield Series(metric, labels_of(one), times[begin:end], kept[begin:end])


class RecordedUsers:
    """Those of a recording, read when they are first asked for. One thread at a time."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._read: tuple[dict[MetricSeries, int], Integers, Integers, Floats] | None = None

    def names(self) -> Collection[str]:
        return {one.name for one in self._rows()[0]}

    def series_of(self, name: str) -> Sequence[MetricSeries]:
        return [one for one in self._rows()[0] if one.name == name]

    def read(self, name: str, wanted: Callable[[MetricSeries], bool]) -> Iterator[UserPoints]:
        numbers, index, at, values = self._rows()
        for one, number in numbers.items():
            if one.name == name and wanted(one):
                own = np.flatnonzero(index == number)
                own = own[np.argsort(at[own], kind="stable")]
                yield one, at[own], values[own]

    def _rows(self) -> tuple[dict[MetricSeries, int], Integers, Integers, Floats]:
        if self._read is None:
            table = self._recording["metrics"]
            if not len(table):
                self._read = {}, np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
            else:
                names = ("name", "labels", "host", "process")
                codes = np.stack([table.codes(name) for name in names], axis=1)
                kinds, index = np.unique(codes, axis=0, return_inverse=True)
                texts = [[self._text(code) for code in kind] for kind in kinds.tolist()]
                numbers = {
                    metric_series(name or "", labels, host, process): number
                    for number, (name, labels, host, process) in enumerate(texts)
                }
                self._read = numbers, index.reshape(-1), table["at_utc_ns"], table["value"]
        return self._read

    def _text(self, code: int) -> str | None:
        return None if code < 0 else str(self._recording.names[code])

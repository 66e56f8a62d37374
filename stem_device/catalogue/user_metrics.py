"""Metrics of users as series beside those of the catalogue, with the names that they gave them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from stem_device.catalogue.quantity import PREFIX, Kind, Quantity
from stem_device.catalogue.scope import Labels, Scope
from stem_device.catalogue.series import Point, Series
from stem_device.model.snapshot import Floats, Integers, MetricRows, MetricSeries

MEANING = "Metric of a user's program."
HOST, PROCESS = "host", "process"
MAX_POINTS = 10_000
"""Of one poll that OTLP and Elasticsearch send one by one: a document or a point costs them some 10 us."""


class SentPoints(NamedTuple):
    """Points as columns; ``series`` is its number in the rows, ``stands_for`` of how many each one tells."""

    series: Integers
    at_utc_ns: Integers
    value: Floats
    stands_for: Integers


def sent_points(metrics: MetricRows, most: int = MAX_POINTS) -> SentPoints:
    """All points of a poll; of more than ``most`` the last that came of each series."""
    index = metrics.index
    if len(index) <= most:
        return SentPoints(index, metrics.at_utc_ns, metrics.value, np.ones(len(index), np.int64))
    shown, from_behind, counts = np.unique(index[::-1], return_index=True, return_counts=True)
    last = len(index) - 1 - from_behind
    return SentPoints(shown, metrics.at_utc_ns[last], metrics.value[last], counts.astype(np.int64))


class UserQuantity(Quantity, frozen=True, kw_only=True):
    """A metric of users: it has the name and the labels that it came with, and no unit."""

    named: str
    label_names: Labels

    @property
    def labels(self) -> Labels:
        return self.label_names

    @property
    def whole(self) -> bool:
        return False

    @property
    def family(self) -> str:
        return self.named

    @property
    def metric(self) -> str:
        return self.named


def labels_of(series: MetricSeries) -> dict[str, str]:
    """All labels of a series, host and process among them where they are known."""
    own = {HOST: series.host, PROCESS: series.process}
    return {**dict(series.labels), **{name: text for name, text in own.items() if text is not None}}


def user_series(metrics: MetricRows) -> tuple[Series, ...]:
    """The latest value of each series; series of one metric have the same labels, "" where one has none."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for one, value in zip(metrics.series, metrics.latest_value.tolist(), strict=True):
        found.setdefault(one.name, []).append((labels_of(one), value))
    return tuple(_series(name, found[name]) for name in sorted(found))


def _series(name: str, members: Iterable[tuple[dict[str, str], float]]) -> Series:
    members = list(members)
    names = tuple(sorted({label for labels, _ in members for label in labels}))
    quantity = UserQuantity(
        name=f"user:{name}",
        kind=Kind.GAUGE,
        unit="",
        meaning=MEANING,
        scope=Scope.USER,
        value=_none,
        named=name,
        label_names=names,
    )
    points = tuple(Point(tuple(labels.get(label, "") for label in names), value) for labels, value in members)
    return Series(quantity, points)


def _none(_: Any) -> None:
    """Its values are not computed from a row of the catalogue."""


def named_for_prometheus(series: Iterable[Series]) -> Iterator[Series]:
    """With names that Prometheus allows: ``user/load`` becomes ``user_load``.

    Metrics and labels that have the same name then are one; of points that have the same labels then, the
    first one stays.
    """
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for one in series:
        if one.quantity.scope is not Scope.USER:
            yield one
            continue
        points = found.setdefault(_name(one.quantity.metric), {})
        for labels, value in one.points:
            pairs = zip(map(_label, one.quantity.labels), labels, strict=True)
            points.setdefault(tuple(sorted({name: text for name, text in pairs if text}.items())), value)  # type: ignore[arg-type]
    for name in sorted(found):
        yield _series(name, ((dict(labels), value) for labels, value in found[name].items()))


def _name(text: str) -> str:
    made = re.sub(r"[^a-zA-Z0-9_]", "_", text)
    if made.startswith(PREFIX):  # the catalogue's
        return f"user_{made}"
    return f"_{made}" if made[0].isdigit() else made


def _label(text: str) -> str:
    """Names that begin with two underscores are Prometheus' own."""
    return re.sub(r"^_+", "_", _name(text))

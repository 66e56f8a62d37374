"""The catalogue's numbers of one poll as points of series."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator

from stem_device.catalogue import QUANTITIES, Kind, Labels, PerRow, Scope, Series, samples_of
from stem_device.model.mark import Mark, MarkKind
from stem_device.opentsdb.columns import Point
from stem_device.opentsdb.series import Annotation


class PointMaker:
    """Makes points of the series of one poll after the other. Not thread-safe."""

    def __init__(self) -> None:
        self._tags: PerRow[tuple[Labels, Labels], tuple[tuple[str, str], ...]] = PerRow(_tags)

    def points(self, series: Iterable[Series]) -> Iterator[Point]:
        """Every number, with its labels as tags; what has no value that could be plotted has no point."""
        self._tags.begin_poll()
        tags = self._tags
        for one in series:
            if one.quantity.scope is Scope.USER:  # they have times of their own
                continue
            for metric, names, values, number in samples_of(one):
                if math.isfinite(number):
                    yield Point(metric, tags[names, values], number)


def _tags(row: tuple[Labels, Labels]) -> tuple[tuple[str, str], ...]:
    return tuple(zip(*row, strict=True))


HISTOGRAM_METRICS = frozenset(
    f"{one.metric}_{what}"
    for one in QUANTITIES
    if one.kind is Kind.HISTOGRAM
    for what in ("bucket", "count", "sum")
)
_KNOWN = HISTOGRAM_METRICS | {one.metric for one in QUANTITIES if one.kind is not Kind.HISTOGRAM}


def known_metrics() -> Collection[str]:
    """Every metric that the catalogue may have."""
    return _KNOWN


def annotation_of(mark: Mark) -> Annotation:
    """A mark of a run as what a plot shows at that moment."""
    told = {
        "iteration": mark.iteration,
        "device_group": mark.device_group,
        "queue": mark.queue,
        "configuration": mark.configuration,
        "host": mark.host,
        "worker": mark.worker,
        "requestor": mark.requestor,
        "request_id": mark.request_id,
        "error": mark.error,
    }
    custom = {name: str(value) for name, value in told.items() if value is not None}
    failed = f" ({mark.error})" if mark.kind is MarkKind.END and mark.error else ""
    return Annotation(
        mark.emitted_utc_ns,
        f"{mark.run}: {mark.name}{failed}",
        {"run": mark.run, "mark": mark.name, "kind": str(mark.kind), **custom},
    )

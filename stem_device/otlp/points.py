"""The figures of the catalogue as data of the OpenTelemetry SDK."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import version

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from stem_device.catalogue import Kind, Labels, PerRow, Quantity, Series, Spread, samples_of
from stem_device.model.snapshot import Snapshot
from stem_device.otlp.starts import Starts
from stem_device.otlp.users import user_gauges

SCOPE = InstrumentationScope("stem_device", version("stem-device"))
CUMULATIVE = AggregationTemporality.CUMULATIVE

_UNITS = {"s": "s", "bytes": "By", "ratio": "1", "events/s": "{event}/s", "bytes/s": "By/s", "": ""}
"""In UCUM, as OpenTelemetry wants it; all others are counts, which it wants in braces."""


def unit_of(quantity: Quantity) -> str:
    """``s``, ``By``, ``{events}``."""
    return _UNITS.get(quantity.unit, f"{{{quantity.unit}}}")


Attributes = PerRow[tuple[Labels, Labels], dict[str, str]]


class MetricsMaker:
    """Makes the data of one poll after the other. Not thread-safe.

    ``starts`` are told of each poll.
    """

    def __init__(self, resource: Resource, starts: Starts) -> None:
        self._resource = resource
        self._starts = starts
        self._attributes: Attributes = PerRow(lambda row: dict(zip(*row, strict=True)))

    def of(self, snapshot: Snapshot, series: Iterable[Series]) -> MetricsData:
        """All that one poll told. ``series`` are the monitor's, with histograms of all polls so far."""
        self._starts.begin(snapshot)
        self._attributes.begin_poll()
        metrics = [self._metric(one, snapshot.time_utc_ns) for one in series]
        metrics += user_gauges(snapshot.metrics)
        scope = ScopeMetrics(SCOPE, metrics, schema_url="")
        resource = self._resource
        return MetricsData([ResourceMetrics(resource, [scope], schema_url=resource.schema_url)])

    def _metric(self, series: Series, utc_ns: int) -> Metric:
        quantity = series.quantity
        data: Sum | Gauge | Histogram
        if quantity.kind is Kind.HISTOGRAM:
            data = Histogram(list(self._histograms(series, utc_ns)), CUMULATIVE)
        elif quantity.kind is Kind.COUNTER:
            data = Sum(self._numbers(series, utc_ns), CUMULATIVE, is_monotonic=True)
        else:
            data = Gauge(self._numbers(series, utc_ns))
        return Metric(quantity.metric, quantity.meaning, unit_of(quantity), data)

    def _numbers(self, series: Series, utc_ns: int) -> list[NumberDataPoint]:
        quantity, attributes = series.quantity, self._attributes
        whole, total, start = quantity.whole, quantity.kind is Kind.COUNTER, 0
        made = []
        for _, names, values, number in samples_of(series):
            if total:
                start = self._starts.of(quantity, values, number)
            value = int(number) if whole else float(number)
            made.append(NumberDataPoint(attributes[names, values], start, utc_ns, value))
        return made

    def _histograms(self, series: Series, utc_ns: int) -> Iterator[HistogramDataPoint]:
        """The sum is left out where values may be negative, as OTLP asks for."""
        names = series.quantity.labels
        for values, spread in series.points:
            if isinstance(spread, Spread):  # without least and greatest, which nobody keeps
                yield HistogramDataPoint(
                    attributes=self._attributes[names, values],
                    start_time_unix_nano=self._starts.of(series.quantity, values, spread.count),
                    time_unix_nano=utc_ns,
                    count=spread.count,
                    sum=spread.total,  # type: ignore[arg-type] # optional in OTLP
                    bucket_counts=spread.counts,
                    explicit_bounds=spread.bounds,
                    min=None,  # type: ignore[arg-type]
                    max=None,  # type: ignore[arg-type]
                )

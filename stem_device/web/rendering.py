"""The catalogue in both text formats of Prometheus.

The client library renders the same bytes (a test compares them), but takes half a second for 10,000 series,
in which the poll thread competes for the interpreter: it checks and escapes every label of every sample. Here
the labels of a row are written once, and kept while the row is there.

https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://prometheus.io/docs/specs/om/open_metrics_spec/.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable, Iterator
from typing import Any

from stem_device.catalogue import (
    Kind,
    Labels,
    PerRow,
    Quantity,
    Series,
    named_for_prometheus,
    numbers_of,
    samples_of,
)
from stem_device.errors import MissingExtraError

LINES_AT_ONCE = 100
"""After so many lines, a fraction of a millisecond, other threads may go on: the interpreter itself lets them
wait 5 ms, each time that they come back from the network, a scrape several times."""


class TextFormat(enum.Enum):
    """A format, by the content type that names it."""

    PLAIN = "text/plain; version=0.0.4; charset=utf-8"
    OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


_TYPES = {
    Kind.COUNTER: "counter",
    Kind.GAUGE: "gauge",
    Kind.HISTOGRAM: "histogram",
    Kind.STATE_SET: "stateset",
    Kind.INFO: "info",
}
_PLAIN_TYPES = {**_TYPES, Kind.STATE_SET: "gauge", Kind.INFO: "gauge"}
_UNITS = {"s": "seconds", "bytes": "bytes", "ratio": "ratio"}


class Renderer:
    """Renders one poll after the other. Not thread-safe."""

    def __init__(self) -> None:
        self._labels: PerRow[tuple[Labels, Labels], str] = PerRow(_labels_text)

    def render(self, series: Iterable[Series], form: TextFormat) -> bytes:
        """All series; the labels of rows that are gone are forgotten."""
        self._labels.begin_poll()
        lines: list[str] = []
        for one in named_for_prometheus(series):
            for line in self._family(one, form):
                lines.append(line)
                if not len(lines) % LINES_AT_ONCE:
                    time.sleep(0)
        if form is TextFormat.OPEN_METRICS:
            lines.append("# EOF\n")
        return "".join(lines).encode()

    def _family(self, series: Series, form: TextFormat) -> Iterator[str]:
        yield from _head(series.quantity, form)
        labels = self._labels
        for metric, names, values, number in samples_of(series):
            yield f"{metric}{labels[names, values]} {number_text(number)}\n"


def _labels_text(row: tuple[Labels, Labels]) -> str:
    """``{name="value",...}``, in the order of the names."""
    pairs = sorted(zip(*row, strict=True))
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{inside}}}" if inside else ""


def _head(quantity: Quantity, form: TextFormat) -> Iterator[str]:
    if form is TextFormat.OPEN_METRICS:
        name, kind, meaning = quantity.family, _TYPES[quantity.kind], _escaped(quantity.meaning)
    else:
        name, kind = quantity.metric, _PLAIN_TYPES[quantity.kind]
        meaning = quantity.meaning.replace("\\", r"\\").replace("\n", r"\n")
    yield f"# HELP {name} {meaning}\n"
    yield f"# TYPE {name} {kind}\n"
    if form is TextFormat.OPEN_METRICS and quantity.unit in _UNITS:
        yield f"# UNIT {name} {_UNITS[quantity.unit]}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number_text(value: Any) -> str:
    """As Go writes a float, which the formats demand of bounds: exponents from 10^6 on."""
    number = float(value)
    text = repr(number)
    dot = text.find(".")
    if number > 0 and dot > 6:
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return text


def families_of(series: Iterable[Series]) -> Iterator[Any]:
    """The series as metric families of the client library, for a collector in a registry of one's own.

    Raises MissingExtraError without it.
    """
    try:
        from prometheus_client.core import Metric  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingExtraError("http", "families of the Prometheus client library") from error
    for one in named_for_prometheus(series):
        quantity = one.quantity
        unit = _UNITS.get(quantity.unit, "")
        family = Metric(quantity.family, quantity.meaning, _TYPES[quantity.kind], unit)
        for metric, labels, value in numbers_of(one):
            family.add_sample(metric, labels, value)
        yield family

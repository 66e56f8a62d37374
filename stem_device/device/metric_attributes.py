"""Metrics of users as attributes of the device: which, under what name, and what each shows now."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stem_device.catalogue import labels_of
from stem_device.errors import OptionError
from stem_device.model.snapshot import MetricRows

PROPERTY = "MetricAttributes"
METRIC_IN = 'As queueLength=queue/length{host="rack-1"}: name of the attribute, metric, labels of its series'
METRIC_NAME_IN = "Name of an attribute that AddMetricAttribute or the property made"
METRIC_OUT = "How many metrics are attributes now, and whether that was kept in the property MetricAttributes"
MAX_ATTRIBUTES = 64
AT_ONCE_SECONDS = 60.0
"""Series of which both had a point within so long are of two senders; else the newer one took over."""
SHOWN_SERIES = 3
"""In a sentence about several."""
_LINE = re.compile(r"(?:(?P<name>\w+)\s*=\s*)?(?P<metric>[\w./-]+)\s*(?:\{(?P<labels>.*)\})?", re.DOTALL)
_LABEL = re.compile(r'\s*(?P<key>[\w./-]+)\s*=\s*(?P<text>"(?:[^"\\]|\\.)*")\s*(?:,|$)')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_FORM = 'must be as queueLength=queue/length{host="rack-1"}'


class MetricAttribute(NamedTuple):
    """One line of the property: ``labels`` are those that the series must have."""

    line: str
    name: str
    metric: str
    labels: tuple[tuple[str, str], ...] = ()


class Shown(NamedTuple):
    """What one attribute shows. Without a value ``problem`` says why."""

    value: float = 0.0
    at_utc_ns: int = 0
    problem: str = ""


def parse_metric_attribute(line: str) -> MetricAttribute:
    """``name=metric{label="text", ...}``, with name and labels or without. Raises OptionError."""
    found = _LINE.fullmatch(line.strip())
    labels = _labels(found["labels"] or "") if found else None
    if found is None or labels is None:
        raise OptionError(PROPERTY, line, _FORM)
    name = found["name"] or re.sub(r"^(?=\d)|[^A-Za-z0-9_]", "_", found["metric"])
    if not _NAME.fullmatch(name):
        raise OptionError(PROPERTY, line, "must name an attribute by at most 100 letters, digits and _")
    return MetricAttribute(line.strip(), name, found["metric"], labels)


def parse_metric_attributes(lines: Iterable[str], taken: Iterable[str]) -> tuple[MetricAttribute, ...]:
    """All lines. ``taken`` are names that other attributes have; raises OptionError."""
    known = {name.lower() for name in taken}
    made: list[MetricAttribute] = []
    for line in lines:
        one = parse_metric_attribute(line)
        if one.name.lower() in known:
            raise OptionError(PROPERTY, line, f"must have another name: there is an attribute {one.name}")
        if len(made) == MAX_ATTRIBUTES:
            raise OptionError(PROPERTY, line, f"must have {MAX_ATTRIBUTES} lines at most")
        known.add(one.name.lower())
        made.append(one)
    return tuple(made)


def with_line(lines: tuple[str, ...], line: str) -> tuple[str, ...]:
    """The lines with one more; one that is there already is no error."""
    line = line.strip()
    return lines if line in lines else (*lines, line)


def without_name(lines: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The lines without that of an attribute. Raises OptionError where there is none."""
    name = name.strip().lower()
    left = tuple(one for one in lines if parse_metric_attribute(one).name.lower() != name)
    if left == lines:
        raise OptionError(PROPERTY, name, "no metric is shown as an attribute of this name")
    return left


def _labels(text: str) -> tuple[tuple[str, str], ...] | None:
    found: dict[str, str] = {}
    place = 0
    while place < len(text.rstrip()):
        label = _LABEL.match(text, place)
        if label is None or label["key"] in found:
            return None
        try:
            found[label["key"]] = json.loads(label["text"])
        except ValueError:
            return None
        place = label.end()
    return tuple(found.items())


def shown_of(wanted: Sequence[MetricAttribute], metrics: MetricRows) -> dict[str, Shown]:
    """What each shows after a poll, by name."""
    names = {one.metric for one in wanted}
    of_metric: dict[str, list[int]] = {name: [] for name in names}
    for number, series in enumerate(metrics.series):
        if series.name in names:
            of_metric[series.name].append(number)
    return {one.name: _shown(one, metrics, of_metric[one.metric]) for one in wanted}


def _shown(wanted: MetricAttribute, metrics: MetricRows, numbers: list[int]) -> Shown:
    must = set(wanted.labels)
    found = [number for number in numbers if must <= labels_of(metrics.series[number]).items()]
    if not found:
        return Shown(problem="no point came within 5 minutes")
    at = metrics.latest_utc_ns
    newest = max(found, key=lambda number: int(at[number]))
    at_once = [one for one in found if at[newest] - at[one] <= AT_ONCE_SECONDS * 1e9]
    if len(at_once) > 1:
        return Shown(problem=_several(metrics, at_once))
    return Shown(float(metrics.latest_value[newest]), int(at[newest]))


def _several(metrics: MetricRows, numbers: list[int]) -> str:
    told = [
        ", ".join(f"{name}={text}" for name, text in labels_of(metrics.series[number]).items()) or "no label"
        for number in numbers[:SHOWN_SERIES]
    ]
    more = f" and {len(numbers) - SHOWN_SERIES} more" if len(numbers) > SHOWN_SERIES else ""
    return f"{len(numbers)} series have points, name a label of one: {'; '.join(told)}{more}"

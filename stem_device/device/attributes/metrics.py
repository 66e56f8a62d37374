"""Metrics of users: what came."""

from __future__ import annotations

from collections.abc import Callable

from stem_device.device.attributes.spec import AttributeSpec
from stem_device.device.metric_attributes import MAX_ATTRIBUTES
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, tango_text
from stem_device.device.view import View

MAX_EXTRA = 64


def _count(name: str, label: str, unit: str, doc: str, value: Callable[[View], int]) -> AttributeSpec:
    return AttributeSpec(
        name=name, dtype="DevULong64", label=label, unit=unit, format="%d", doc=doc, value=value, expert=True
    )


METRICS: tuple[AttributeSpec, ...] = (
    _count(
        "metricPoints",
        "Points of metrics",
        "points",
        "Points of users' metrics that were taken, since the start or Init.",
        lambda view: view.metrics.taken,
    ),
    _count(
        "metricPointsRejected",
        "Points rejected",
        "points",
        "Points of users' metrics that were rejected, since the start or Init: for name, value or time, "
        "the number of series, or the rate of a process; metricRejection says why.",
        lambda view: view.metrics.rejected,
    ),
    _count(
        "metricSeries",
        "Series of metrics",
        "series",
        "Series of users' metrics that are known: those with a point within the last hour, and some before.",
        lambda view: view.metrics.series,
    ),
    AttributeSpec(
        name="metricRejection",
        dtype="DevString",
        label="Last rejection",
        unit="text",
        format="%s",
        doc="Why points of a user's metric were last rejected; empty if none were.",
        value=lambda view: tango_text(view.metrics.last_rejection, MAX_SENTENCE_CHARACTERS),
        expert=True,
    ),
    AttributeSpec(
        name="extraAttributeErrors",
        dtype="DevString",
        label="Errors of extra attributes",
        unit="text",
        format="%s",
        doc="Attributes of ExtraAttributes that have no value now, and why; empty if all have one.",
        value=lambda view: [
            tango_text(one, MAX_SENTENCE_CHARACTERS) for one in view.extra_errors[:MAX_EXTRA]
        ],
        max_length=MAX_EXTRA,
        expert=True,
    ),
    AttributeSpec(
        name="metricAttributeErrors",
        dtype="DevString",
        label="Errors of metric attributes",
        unit="text",
        format="%s",
        doc="Attributes of MetricAttributes that have no value now, and why; empty if all have one.",
        value=lambda view: [tango_text(one, MAX_SENTENCE_CHARACTERS) for one in view.metric_errors],
        max_length=MAX_ATTRIBUTES,
        expert=True,
    ),
)

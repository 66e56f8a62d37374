"""Metrics of users as gauges, each point at its own time."""

from __future__ import annotations

import numpy as np
from opentelemetry.sdk.metrics.export import Gauge, Metric, NumberDataPoint

from stem_device.catalogue import MEANING, labels_of, sent_points
from stem_device.model.snapshot import MetricRows


def user_gauges(metrics: MetricRows) -> list[Metric]:
    """A gauge for each name. A series without a new point has its latest one once more: a collector that
    forgets what is not sent again still has it, and who keeps points has that one already."""
    sent = sent_points(metrics)
    quiet = np.setdiff1d(np.arange(len(metrics.series)), sent.series)
    index = np.concatenate([quiet, sent.series])
    at = np.concatenate([metrics.latest_utc_ns[quiet], sent.at_utc_ns])
    value = np.concatenate([metrics.latest_value[quiet], sent.value])
    order = np.argsort(at, kind="stable")  # who stores them refuses what is older than the last
    labels = [labels_of(one) for one in metrics.series]
    found: dict[str, list[NumberDataPoint]] = {}
    for number, moment, figure in zip(
        index[order].tolist(), at[order].tolist(), value[order].tolist(), strict=True
    ):
        point = NumberDataPoint(labels[number], 0, moment, figure)
        found.setdefault(metrics.series[number].name, []).append(point)
    return [Metric(name, MEANING, "", Gauge(found[name])) for name in sorted(found)]


def left_out(metrics: MetricRows) -> str:
    """What to tell where not every point of a poll is sent; "" where all are."""
    came, sent = len(metrics.index), len(sent_points(metrics).series)
    return f"{came - sent} of {came} points of users were left out: they are too many" if sent < came else ""

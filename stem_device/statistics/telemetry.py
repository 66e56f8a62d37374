"""Telemetry of processes in numbers, by label."""

from __future__ import annotations

import numpy as np

from stem_device.reading import Recording
from stem_device.statistics.distribution import Grouping
from stem_device.statistics.results import TelemetryStatistics
from stem_device.telemetry import DURATION_FILE_PREFIX


def describe_telemetry(recording: Recording) -> tuple[TelemetryStatistics, ...]:
    """Durations first, those that took most time in all before others; then runtime metrics by label."""
    table = recording["telemetry"]
    if not len(table):
        return ()
    width = len(recording.names)
    keys, group = np.unique(
        table.codes("kind").astype(np.int64) * width + table.codes("label"), return_inverse=True
    )
    _, found = Grouping(group, len(keys)).describe(table["value"])
    of_process = np.unique(np.stack((group, table["pid"])), axis=1)[0]
    processes = np.bincount(of_process, minlength=len(keys)).tolist()
    made = [
        TelemetryStatistics(
            str(recording.names[key % width]), str(recording.names[key // width]), number, values
        )
        for key, number, values in zip(keys.tolist(), processes, found, strict=True)
    ]
    return tuple(sorted(made, key=_order))


def _order(one: TelemetryStatistics) -> tuple[bool, float, str]:
    duration = one.kind == DURATION_FILE_PREFIX
    return not duration, -one.values.count * one.values.mean if duration else 0.0, one.label

"""Rows of the table ``metrics`` as series of users' metrics."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from stem_device.model.snapshot import Floats, Integers, MetricRows, MetricSeries


def metric_series(name: str, labels: str | None, host: str | None, process: str | None) -> MetricSeries:
    """The series of a row; labels that are no JSON object of texts, in a file of others, are none."""
    try:
        told = json.loads(labels) if labels else {}
    except ValueError:
        told = {}
    pairs = sorted((str(key), str(value)) for key, value in told.items()) if isinstance(told, dict) else ()
    return MetricSeries(name or "", tuple(pairs), host, process)


def metric_rows(
    series: Sequence[MetricSeries], index: Integers, at_utc_ns: Integers, value: Floats
) -> MetricRows:
    """The rows of one poll: ``index`` (shape (n,)) is into ``series``, of which those without a row go."""
    present, own = np.unique(index, return_inverse=True)
    own = own.reshape(-1).astype(np.int64)
    order = np.lexsort((at_utc_ns, own))
    last = order[np.flatnonzero(np.append(np.diff(own[order]) != 0, True)[: len(order)])]
    kept = tuple(series[number] for number in present.tolist())
    return MetricRows(kept, own, at_utc_ns, value, at_utc_ns[last], value[last])

"""Series as they are, for our own client: every point, with nanoseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stem_device.opentsdb.limits import Budget
from stem_device.opentsdb.series import SeriesSource, Tags


def exact_series(
    source: SeriesSource,
    metrics: Iterable[str],
    begin_ns: int,
    end_ns: int,
    budget: Budget,
    *,
    tags: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, Any]]:
    """``{metric, tags, timestamps (ns), values}`` of each series with points from begin to end inclusive.

    ``tags``: a series must have each of these, with one of the values; ``*`` is any. Raises TsdbQueryError
    beyond the budget.
    """
    wanted = dict(tags or {})

    def passes(own: Tags) -> bool:
        return all(key in own and ("*" in values or own[key] in values) for key, values in wanted.items())

    found = []
    for metric in dict.fromkeys(metrics):
        for one in source.read(metric, begin_ns, end_ns, passes, budget):
            budget.read(len(one.times_ns))
            own = np.flatnonzero((one.times_ns >= begin_ns) & (one.times_ns <= end_ns))
            if len(own):
                budget.answer(1)
                found.append(
                    {
                        "metric": metric,
                        "tags": dict(one.tags),
                        "timestamps": one.times_ns[own].tolist(),
                        "values": one.values[own].tolist(),
                    }
                )
    found.sort(key=lambda one: (str(one["metric"]), sorted(one["tags"].items())))
    return found

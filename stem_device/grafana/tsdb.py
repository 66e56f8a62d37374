"""Questions in the form in which Grafana keeps those of its OpenTSDB data source."""

from __future__ import annotations

import re
from typing import Any

from stem_device.grafana.query import How, Query

ANSWERED = frozenset({How.LEVEL, How.RATE})
"""OpenTSDB has neither arithmetic nor quantiles."""

_SAMPLING = {"sum": "avg", "max": "max", "min": "min"}


def target(query: Query) -> dict[str, Any]:
    """What a panel of Grafana has for it, besides ``refId`` and data source.

    Of a state set there is a series a state, 1 for the present one.
    """
    labels = [*query.by, *([query.quantity.family] if query.is_state else [])]
    # A wildcard without a star in it is that value alone, so that a variable may be one value or all.
    filters = [
        {"type": "wildcard", "tagk": name, "filter": query.where.get(name, "*"), "groupBy": True}
        for name in labels
    ]
    filters += [
        {"type": "wildcard", "tagk": name, "filter": value, "groupBy": False}
        for name, value in query.where.items()
        if name not in labels
    ]
    legend = f"{{{query.quantity.family}}}" if query.is_state and not query.legend else query.label
    return {
        "metric": query.metric,
        "aggregator": query.combine,
        "alias": re.sub(r"\{(\w+)\}", r"$tag_\1", legend),
        "filters": filters,
        "tags": {},
        "disableDownsampling": False,
        "downsampleAggregator": "max" if query.is_state else _SAMPLING[query.combine],
        "downsampleFillPolicy": "none",
        "downsampleInterval": "",
        # A counter that begins again at 0 has a gap there, and no rate below 0.
        "shouldComputeRate": query.how is How.RATE,
        "isCounter": query.how is How.RATE,
    }

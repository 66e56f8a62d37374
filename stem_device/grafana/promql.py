"""Questions in the language of Prometheus."""

from __future__ import annotations

import re
from typing import Any

from stem_device.grafana.query import How, Query

MONITOR = 'instance=~"$monitor"'
"""Every question is put to the monitors that the dashboard has chosen."""

_QUANTILES = {How.P99: "0.99", How.MEDIAN: "0.5"}


def expression(query: Query) -> str:
    """PromQL."""
    by = f" by ({', '.join(query.by)})" if query.by else ""
    if query.how in _QUANTILES:
        inner = f"rate({_selected(query, '_bucket')}[$__rate_interval])"
        spread = f"sum by ({', '.join(('le', *query.by))}) ({inner})"
        return f"histogram_quantile({_QUANTILES[query.how]}, {spread})"
    if query.how is How.ROWS:
        return _selected(query)
    if query.how is How.AGE:
        return f"time() - {query.combine}{by} ({_selected(query)})"
    if query.how is How.RATE:
        return f"{query.combine}{by} (rate({_selected(query)}[$__rate_interval]))"
    if query.is_state:
        return f"max{by} ({_position(query)})"
    return f"{query.combine}{by} ({_selected(query)})"


def target(query: Query, *, instant: bool) -> dict[str, Any]:
    """What a panel of Grafana has for it, besides ``refId`` and data source."""
    return {
        "expr": expression(query),
        "legendFormat": re.sub(r"\{(\w+)\}", r"{{\1}}", query.label),
        "editorMode": "code",
        "format": "table" if query.how is How.ROWS else "time_series",
        "instant": instant,
        "range": not instant,
    }


def _position(query: Query) -> str:
    """Of the present state, which alone is 1; nothing where no state is known."""
    states = query.quantity.states
    chosen = [_selected(query, more=(_matcher(query.quantity.family, state),)) for state in states]
    return " or ".join(f"{number} * ({one} == 1)" for number, one in enumerate(chosen))


def _selected(query: Query, ending: str = "", more: tuple[str, ...] = ()) -> str:
    chosen = (_matcher(name, value) for name, value in query.where.items())
    return f"{query.metric}{ending}{{{', '.join((MONITOR, *chosen, *more))}}}"


def _matcher(name: str, value: str) -> str:
    return f'{name}{"=~" if value.startswith("$") else "="}"{value}"'

"""Short ways to write panels down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stem_device.grafana.panel import Form, Panel
from stem_device.grafana.query import How, Query


def one(name: str, **more: Any) -> tuple[Query, ...]:
    """The only question of a panel."""
    return (Query(name=name, **more),)


def state(name: str, **more: Any) -> tuple[Query, ...]:
    """The same, of a state set: the worst where there are several."""
    return one(name, combine="max", **more)


def lines(  # noqa: PLR0917 - a table is read by column
    title: str,
    name: str,
    labels: Mapping[str, Any],
    how: How = How.LEVEL,
    combine: str = "sum",
    width: int = 8,
    **more: Any,
) -> Panel:
    """One quantity, a line for each server, say; ``labels`` are further fields of the question."""
    queries = one(name, how=how, combine=combine, **labels)
    return Panel(title=title, form=Form.LINES, width=width, height=7, queries=queries, **more)

"""Empty plotly figures; plotly is an optional package and carries no types."""

from __future__ import annotations

import importlib
from typing import Any

from stem_device.errors import MissingExtraError


def import_plotly(module: str) -> Any:
    """``plotly.<module>``; MissingExtraError if plotly is not installed."""
    try:
        return importlib.import_module(f"plotly.{module}")
    except ImportError as error:
        raise MissingExtraError("report", "a report with figures") from error


def canvas() -> Any:
    """A figure with one pair of axes."""
    return import_plotly("graph_objects").Figure()


def stacked(rows: int, **options: Any) -> Any:
    """A figure with rows of axes, one above the other, over one axis of time."""
    return import_plotly("subplots").make_subplots(rows, 1, shared_xaxes=True, **options)

"""Colours, fonts and axes that all figures share.

Figures are made in the colours of the light theme; the page exchanges them for those of the dark one by
``DARK``. Hues are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind people
tell apart; dashes, patterns and words say the same again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from stem_device.report import number_text
from stem_device.report.page.bins import Floats, Integers
from stem_device.report.page.coverage import Gaps

Figure: TypeAlias = Any
"""A ``plotly.graph_objects.Figure``; plotly carries no types."""

INK = "#1f2328"
FAINT = "#6a737d"
GRID = "#dfe3e8"
PAPER = "#ffffff"
NOTHING = "rgba(0,0,0,0)"
PUBLISHED = "#0072b2"
RECEIVED = "#00805c"
MISSED = "#c64600"
OVERDUE = "#8f4a8b"
LITTLE, MORE, MUCH = "#ef9f4f", "#d9661a", "#8f2d00"
NO_RECORDING = "rgba(110,118,129,0.22)"
SCALE_LOW, SCALE_MIDDLE, SCALE_HIGH = "#fdd0a2", "#e6550d", "#7f2704"
RATE_LOW, RATE_MIDDLE, RATE_HIGH = "#d6e6f4", "#4a90c4", "#08306b"
BAND = "rgba(0,114,178,0.18)"
STAGES = ("#0072b2", "#e69f00", "#00805c", "#56b4e9", "#8f4a8b", "#b8a800", "#6a737d")
PATTERNS = ("", "/", "x", ".", "\\", "|", "-", "+")

DARK = {
    INK: "#e6edf3",
    FAINT: "#9aa4af",
    GRID: "#30363d",
    PAPER: "#161b22",
    PUBLISHED: "#56b4e9",
    RECEIVED: "#2fc79a",
    MISSED: "#ff8f4d",
    OVERDUE: "#d898d3",
    LITTLE: "#a8571a",
    MORE: "#e6853a",
    MUCH: "#ffd0a3",
    NO_RECORDING: "rgba(150,160,170,0.25)",
    SCALE_LOW: "#6b2c05",
    SCALE_MIDDLE: "#e6650d",
    SCALE_HIGH: "#ffd9b0",
    RATE_LOW: "#12304a",
    RATE_MIDDLE: "#2f7fc0",
    RATE_HIGH: "#cfe6fb",
    BAND: "rgba(86,180,233,0.25)",
    "#56b4e9": "#a8dcf5",
    "#e69f00": "#f0b429",
    "#b8a800": "#f0e442",
}
"""The colour of the dark theme for each one of the light theme; others stay."""

MISSED_SCALE = [[0.0, SCALE_LOW], [0.5, SCALE_MIDDLE], [1.0, SCALE_HIGH]]
RATE_SCALE = [[0.0, RATE_LOW], [0.5, RATE_MIDDLE], [1.0, RATE_HIGH]]


@dataclass(frozen=True, slots=True)
class Nothing:
    """In place of a figure: the sentence that the page shows."""

    sentence: str
    left_out: bool = False
    """Neither on the page: the recording is of another kind, and nobody misses it."""


def dates(times_utc_ns: Integers) -> list[str]:
    """Times for a date axis, which is in UTC: ISO 8601 with milliseconds."""
    stamps: list[str] = np.datetime_as_string(times_utc_ns.astype("datetime64[ns]"), unit="ms").tolist()
    return stamps


def axis(**more: Any) -> dict[str, Any]:
    """An axis with faint lines; ``more`` is for plotly."""
    return {
        "gridcolor": GRID,
        "linecolor": FAINT,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": GRID,
        "automargin": True,
        **more,
    }


def time_axis(**more: Any) -> dict[str, Any]:
    """An axis of time; the page says that it is in UTC."""
    return axis(type="date", tickangle=0, nticks=8, hoverformat="%Y-%m-%d %H:%M:%S", **more)


def micros_axis(*, within: tuple[int, ...] = (1,), **more: Any) -> dict[str, Any]:
    """A logarithmic axis of durations given in microseconds, with ticks at so many of each decade."""
    values = [float(digit * 10**power) for power in range(9) for digit in within]
    texts = [number_text.micros(value) for value in values]
    return axis(type="log", tickmode="array", tickvals=values, ticktext=texts, **more)


def legend(**more: Any) -> dict[str, Any]:
    """A legend above the figure, in lines."""
    above = {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"}
    return {**above, "traceorder": "normal", **more}


def finish(figure: Figure, height: int, **layout: Any) -> Figure:
    """Fonts, margins and colours of every figure."""
    figure.update_layout(
        {
            "template": "none",
            "height": height,
            "paper_bgcolor": PAPER,
            "plot_bgcolor": PAPER,
            "font": {"family": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", "size": 14, "color": INK},
            "margin": {"l": 60, "r": 20, "t": 40, "b": 40},
            "legend": legend(),
            "hoverlabel": {"namelength": -1, "bgcolor": PAPER, "bordercolor": FAINT, "font": {"color": INK}},
            **layout,
        }
    )
    return figure


def shade_gaps(figure: Figure, gaps: Gaps) -> None:
    """Grey over the times at which nothing was recorded, on all rows."""
    for begin, end in zip(dates(gaps.begin_utc_ns), dates(gaps.end_utc_ns), strict=True):
        figure.add_shape(
            type="rect",
            x0=begin,
            x1=end,
            y0=0,
            y1=1,
            yref="paper",
            fillcolor=NO_RECORDING,
            line={"width": 0},
            layer="below",
        )


def steps(values: Floats) -> Floats:
    """Values of steps for a line of shape ``hv`` over the edges: the last one is drawn to its end."""
    return np.append(values, values[-1:])


def logarithm(counts: Integers) -> Floats:
    """Counts for a colour scale: their logarithm, NaN (no colour) for 0."""
    return np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan)


def colour_bar(largest: float) -> dict[str, Any]:
    """A scale of powers of ten, as many as needed."""
    powers = range(int(np.ceil(max(largest, 1))) + 1)
    return {
        "tickvals": [float(power) for power in powers],
        "ticktext": [f"{10**power:,}" for power in powers],
        "thickness": 14,
        "outlinewidth": 0,
    }

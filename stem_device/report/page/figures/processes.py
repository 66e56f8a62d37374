"""How long things took in processes over time, above the events that were lost."""

from __future__ import annotations

import numpy as np

from stem_device.report.page.bins import Floats
from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import stacked
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.figures.timeline import add_lost
from stem_device.report.page.findings import Findings
from stem_device.report.page.process_times import DrawnTimes
from stem_device.report.page.text import label

TITLE = "Processes over time"
WORK, HALTS = "how long things took", "pauses of garbage collectors, and lags"
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x")
NO_TELEMETRY = "The recording has no telemetry of processes: stem import puts it there."


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    text = (
        "Each mark is the longest of a step: of what the processes timed, of pauses of Python's "
        "garbage collector of a millisecond or more, and of how late threads and callbacks came. Below, the "
        "events whose loss was noticed then."
    )
    if findings.processes.others:
        text += f" {findings.processes.others:,} more labels, with shorter times, are in the table alone."
    return text


def figure(findings: Findings) -> Figure | Nothing:
    """Work, halts (where there are any of each), and lost events, on one axis of time."""
    found = findings.processes
    parts = [
        (title, drawn)
        for title, drawn in ((WORK, found.part(halts=False)), (HALTS, found.part(halts=True)))
        if any(not np.isnan(one.longest_seconds).all() for one in drawn)
    ]
    if not parts:
        return Nothing(NO_TELEMETRY, left_out=True)
    drawn = stacked(
        len(parts) + 1,
        vertical_spacing=0.1,
        row_heights=[0.4] * len(parts) + [0.25],
        subplot_titles=[*(title for title, _ in parts), "events lost"],
    )
    for row, (_, lines) in enumerate(parts, start=1):
        _add_marks(drawn, lines, row, findings)
    add_lost(drawn, findings.timeline, row=len(parts) + 1)
    style.shade_gaps(drawn, findings.gaps)
    entries = sum(len(lines) for _, lines in parts)
    height = 180 + 190 * len(parts) + 24 * entries
    above = 30 + 24 * (entries + 1)
    style.finish(
        drawn,
        height,
        legend=style.legend(orientation="v", y=1 + 30 / (height - above - 40)),
        margin={"l": 60, "r": 20, "t": above, "b": 40},
        bargap=0,
        barmode="stack",
    )
    drawn.update_annotations(x=0, xanchor="left", font={"size": 14})
    edges = style.dates(found.bins.edges_utc_ns)
    drawn.update_xaxes(style.time_axis(range=[edges[0], edges[-1]]))
    for row, (_, lines) in enumerate(parts, start=1):
        drawn.update_yaxes(style.micros_axis(range=_range(lines)), row=row, col=1)
    drawn.update_yaxes(style.axis(title="events", rangemode="tozero"), row=len(parts) + 1, col=1)
    return drawn


def _micros(one: DrawnTimes) -> Floats:
    """A logarithmic axis has no 0: what was shorter than its beginning stands there."""
    return np.maximum(one.longest_seconds * 1e6, 0.1)


def _range(lines: tuple[DrawnTimes, ...]) -> list[float]:
    values = np.concatenate([_micros(one) for one in lines])
    return [float(np.log10(np.nanmin(values))) - 0.3, float(np.log10(np.nanmax(values))) + 0.3]


def _add_marks(drawn: Figure, lines: tuple[DrawnTimes, ...], row: int, findings: Findings) -> None:
    edges = findings.processes.bins.edges_utc_ns
    times = style.dates((edges[:-1] + edges[1:]) // 2)
    for number, one in enumerate(lines):
        micros = _micros(one)
        known = ~np.isnan(micros)
        drawn.add_scatter(
            x=np.array(times)[known],
            y=micros[known],
            customdata=one.longest_seconds[known],
            name=label(one.times.label),
            mode="markers",
            marker={
                "color": style.STAGES[number % len(style.STAGES)],
                "symbol": SYMBOLS[number % len(SYMBOLS)],
                "size": 9 if one.times.halt else 6,
            },
            hovertemplate="%{x}: %{customdata:,.4~g} s",
            meta="halts" if one.times.halt else "work",
            row=row,
            col=1,
        )

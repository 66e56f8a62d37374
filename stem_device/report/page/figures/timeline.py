"""Published, received, missed and overdue events over time."""

from __future__ import annotations

import numpy as np

from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import stacked
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.timeline import Timeline

TITLE = "Events over time"


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    polls = findings.bins.polls_a_bin
    step = "one poll" if polls == 1 else f"up to {polls:,} polls"
    return (
        f"Each step sums up {step}. Received counts every subscription, published every stream once. "
        "Missed and unaccounted: noticed in that step; overdue: the largest sum of one poll, as far as "
        "known. Grey: nothing was recorded."
    )


def figure(findings: Findings) -> Figure | Nothing:
    """Rates above, losses below, on one axis of time."""
    line = findings.timeline
    if len(line.bins) == 0:
        return Nothing("Counts are what happens between two polls, and there are not two of them.")
    drawn = stacked(2, vertical_spacing=0.07, row_heights=[0.55, 0.45])
    _add_rates(drawn, findings)
    add_lost(drawn, findings.timeline, row=2)
    _add_overdue(drawn, findings)
    style.shade_gaps(drawn, findings.gaps)
    style.finish(drawn, 480, hovermode="x unified", bargap=0, barmode="stack")
    drawn.update_xaxes(style.time_axis())
    drawn.update_yaxes(style.axis(title="events/s", rangemode="tozero"), row=1, col=1)
    drawn.update_yaxes(style.axis(title="events", rangemode="tozero"), row=2, col=1)
    return drawn


def _add_rates(drawn: Figure, findings: Findings) -> None:
    line = findings.timeline
    edges = style.dates(line.bins.edges_utc_ns)
    for name, counts, colour, dash in (
        ("published", line.published, style.PUBLISHED, "solid"),
        ("received", line.received, style.RECEIVED, "dash"),
    ):
        rates = np.where(line.covered, counts / line.bins.seconds, np.nan)
        drawn.add_scatter(
            x=edges,
            y=style.steps(rates),
            customdata=style.steps(counts.astype(np.float64)),
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "shape": "hv", "width": 2},
            hovertemplate="%{y:,.4~g} events/s (%{customdata:,.0f} events)",
            row=1,
            col=1,
        )


def add_lost(drawn: Figure, line: Timeline, row: int) -> None:
    """Missed and unaccounted events as bars."""
    edges = line.bins.edges_utc_ns
    for name, counts, colour in (
        ("missed", line.missed, style.MISSED),
        ("unaccounted", line.unaccounted, style.LITTLE),
    ):
        if name == "missed" or counts.any():
            drawn.add_bar(
                x=style.dates((edges[:-1] + edges[1:]) // 2),
                y=counts,
                width=line.bins.seconds * 1e3,
                name=name,
                marker={"color": colour},
                hovertemplate="%{y:,} events",
                row=row,
                col=1,
            )


def _add_overdue(drawn: Figure, findings: Findings) -> None:
    line = findings.timeline
    drawn.add_scatter(
        x=style.dates(line.bins.edges_utc_ns),
        y=style.steps(np.where(line.covered & line.overdue_known, line.overdue, np.nan)),
        name="overdue",
        mode="lines",
        line={"color": style.OVERDUE, "dash": "dot", "shape": "hv", "width": 2},
        hovertemplate="%{y:,} events",
        row=2,
        col=1,
    )

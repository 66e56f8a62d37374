"""Servers by time: what they missed, received and published, and when they did not answer."""

from __future__ import annotations

import numpy as np

from stem_device.report.page import limits
from stem_device.report.page.bins import Integers
from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import canvas
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.names import Naming

TITLE = "Servers over time"
LAYERS = ("missed", "received", "published")
"""The first traces, of which one is shown at a time."""


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    text = (
        "Colour: number of events, on a logarithmic scale; empty: none. "
        "A cross: the server could not be monitored in at least one poll of that step."
    )
    left_out = len(findings.servers) - limits.SERVERS
    if left_out > 0:
        text += f" The {left_out:,} servers with the fewest losses and events are left out."
    return text


def figure(findings: Findings) -> Figure | Nothing:
    """A heat map in layers, for which the page has buttons."""
    grid = findings.server_grid
    if grid.missed.size == 0:
        return Nothing("There are no servers in it, or fewer than two polls.")
    labels = Naming.of(findings.evidence).labels(findings.servers.server[: len(grid.missed)])
    drawn = canvas()
    for name, counts in zip(LAYERS, (grid.missed, grid.received, grid.published), strict=True):
        _add_layer(drawn, findings, name, counts, labels, visible=name == LAYERS[0])
    _add_silence(drawn, findings, labels)
    style.shade_gaps(drawn, findings.gaps)
    style.finish(
        drawn,
        100 + 26 * len(labels),
        showlegend=False,
        margin={"l": 60, "r": 20, "t": 10, "b": 40},
    )
    drawn.update_xaxes(style.time_axis(range=style.dates(findings.bins.edges_utc_ns[[0, -1]])))
    drawn.update_yaxes(
        style.axis(
            tickmode="array",
            tickvals=np.arange(len(labels)),
            ticktext=labels,
            range=[len(labels) - 0.5, -0.5],
        )
    )
    return drawn


def _add_layer(
    drawn: Figure, findings: Findings, name: str, counts: Integers, labels: list[str], *, visible: bool
) -> None:
    shades = style.logarithm(counts)
    largest = float(np.nanmax(shades)) if counts.any() else 0.0
    drawn.add_heatmap(
        x=style.dates(findings.bins.edges_utc_ns),
        y=np.arange(len(labels) + 1) - 0.5,
        z=shades,
        zmin=0.0,
        zmax=max(largest, 1.0),
        customdata=counts,
        text=np.repeat(np.array(labels, dtype=object)[:, None], counts.shape[1], axis=1).tolist(),
        colorscale=style.MISSED_SCALE if name == "missed" else style.RATE_SCALE,
        colorbar=style.colour_bar(largest),
        hoverongaps=False,
        ygap=2,
        hovertemplate=f"%{{text}}<br>%{{x}}<br><b>%{{customdata:,}} {name}</b><extra></extra>",
        name=name,
        visible=visible,
    )


def _add_silence(drawn: Figure, findings: Findings, labels: list[str]) -> None:
    grid = findings.server_grid
    rows, steps = np.nonzero(grid.unanswered)
    edges = grid.bins.edges_utc_ns
    drawn.add_scatter(
        x=style.dates((edges[:-1] + edges[1:])[steps] // 2),
        y=rows,
        customdata=[
            [labels[row], int(grid.unanswered[row, step])] for row, step in zip(rows, steps, strict=True)
        ],
        mode="markers",
        marker={
            "symbol": "x-thin",
            "size": 8,
            "color": style.INK,
            "line": {"width": 1.5, "color": style.INK},
        },
        hovertemplate="%{customdata[0]}<br>%{x}<br>not monitored in %{customdata[1]:,} polls<extra></extra>",
        name="not monitored",
    )

"""How long ago the event was pushed that each subscription had come to: a line for each that was behind."""

from __future__ import annotations

import numpy as np

from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import canvas
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.names import Naming

TITLE = "How far behind subscriptions were"
DASHES = ("solid", "dash", "dot", "dashdot")


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    text = (
        "Lag: how long ago the publisher had pushed the event that the subscription had come to; 0: nothing "
        "was overdue. The longest of each step; no line: not known."
    )
    if findings.lags.others:
        text += f" {findings.lags.others:,} more were less far behind."
    return text


def figure(findings: Findings) -> Figure | Nothing:
    """A line for each of the worst subscriptions."""
    lags = findings.lags
    if not len(lags.entry):
        return Nothing("No subscription is known to have been behind its publisher.")
    naming = Naming.of(findings.evidence)
    streams = naming.labels(findings.ledger.stream[lags.entry])
    servers = naming.labels(findings.ledger.server[lags.entry])
    edges = style.dates(lags.bins.edges_utc_ns)
    drawn = canvas()
    for number, seconds in enumerate(lags.seconds):
        drawn.add_scatter(
            x=edges,
            y=style.steps(seconds),
            name=f"{servers[number]}: {streams[number]}",
            mode="lines",
            line={
                "color": style.STAGES[number % len(style.STAGES)],
                "dash": DASHES[number % len(DASHES)],
                "shape": "hv",
                "width": 2,
            },
            hovertemplate="%{y:,.4~g} s",
        )
    style.shade_gaps(drawn, findings.gaps)
    style.finish(drawn, 300 + 22 * len(lags.entry), hovermode="x unified", showlegend=True)
    drawn.update_xaxes(style.time_axis(range=[edges[0], edges[-1]]))
    longest = float(np.nanmax(lags.seconds))
    drawn.update_yaxes(style.axis(title="s", range=[0, longest * 1.05]))
    return drawn

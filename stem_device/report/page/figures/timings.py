"""Latency, processing and push time over time: a line for the median, a band, a line for the slowest."""

from __future__ import annotations

from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import stacked
from stem_device.report.page.figures.distributions import WORDS
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.timings import Bands

TITLE = "Timings over time"


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    polls = findings.bins.polls_a_bin
    step = "each poll" if polls == 1 else f"up to {polls:,} polls"
    return f"Quantiles of the samples of {step}: median (line), 10 % to 90 % (band), 99 % (dotted)."


def figure(findings: Findings) -> Figure | Nothing:
    """One row a kind of timing that has samples."""
    kinds = [kind for kind, found in findings.timing_bands.items() if found.samples.any()]
    if not kinds:
        return Nothing("There are no samples between two polls: no timings over time.")
    drawn = stacked(
        len(kinds),
        vertical_spacing=0.09,
        subplot_titles=[WORDS[kind] for kind in kinds],
    )
    for row, kind in enumerate(kinds, start=1):
        _add_bands(drawn, kind, findings.timing_bands[kind], row)
    style.shade_gaps(drawn, findings.gaps)
    style.finish(drawn, 80 + 190 * len(kinds), hovermode="x unified", showlegend=False)
    drawn.update_annotations(x=0, xanchor="left", font={"size": 14})
    drawn.update_xaxes(style.time_axis())
    drawn.update_yaxes(style.micros_axis(within=(1, 2, 5)))
    return drawn


def _add_bands(drawn: Figure, kind: str, found: Bands, row: int) -> None:
    low, median, high, slowest = found.micros
    edges = found.bins.edges_utc_ns
    times = style.dates((edges[:-1] + edges[1:]) // 2)
    for name, values, line, fill in (
        ("10 %", low, {"width": 0, "color": style.PUBLISHED}, None),
        ("90 %", high, {"width": 0, "color": style.PUBLISHED}, "tonexty"),
        ("median", median, {"width": 2.5, "color": style.PUBLISHED}, None),
        ("99 %", slowest, {"width": 1.5, "color": style.MISSED, "dash": "dot"}, None),
    ):
        drawn.add_scatter(
            x=times,
            y=values,
            name=name,
            mode="lines+markers" if len(times) < 3 else "lines",
            line=line,
            fill=fill,
            fillcolor=style.BAND,
            hovertemplate="%{y:,.4~g} µs",
            meta=kind,
            row=row,
            col=1,
        )

"""Latency, processing and push time over time: a line for the median, a band, a line for the slowest."""

from __future__ import annotations

import numpy as np

from stem_device.report.page.bins import Floats, Integers
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
    for row, kind in enumerate(kinds, start=1):
        drawn.update_yaxes(style.micros_axis(within=_ticks(findings.timing_bands[kind])), row=row, col=1)
    return drawn


def _ticks(found: Bands) -> tuple[int, ...]:
    """More ticks a decade where there are few decades."""
    micros = found.micros[found.micros > 0]
    decades = float(np.log10(micros.max() / micros.min())) if len(micros) else 0.0
    return (1,) if decades > 2 else (1, 3) if decades > 1.2 else (1, 2, 5)


def _add_bands(drawn: Figure, kind: str, found: Bands, row: int) -> None:
    low, median, high, slowest = found.micros
    edges = found.bins.edges_utc_ns
    times = (edges[:-1] + edges[1:]) // 2
    x, y = _outline(times, low, high)
    drawn.add_scatter(
        x=x,
        y=y,
        name="10 % to 90 %",
        mode="lines",
        line={"width": 0, "color": style.PUBLISHED},
        fill="toself",
        fillcolor=style.BAND,
        hoverinfo="skip",
        meta=kind,
        row=row,
        col=1,
    )
    for name, values, line in (
        ("median", median, {"width": 2.5, "color": style.PUBLISHED}),
        ("99 %", slowest, {"width": 1.5, "color": style.MISSED, "dash": "dot"}),
    ):
        drawn.add_scatter(
            x=style.dates(times),
            y=values,
            customdata=np.stack((low, high), axis=1),
            name=name,
            mode="lines+markers" if len(times) < 3 else "lines",
            line=line,
            hovertemplate="%{y:,.4~g} µs (10 % to 90 %: %{customdata[0]:,.4~g} to %{customdata[1]:,.4~g} µs)"
            if name == "median"
            else "%{y:,.4~g} µs",
            meta=kind,
            row=row,
            col=1,
        )


def _outline(times: Integers, low: Floats, high: Floats) -> tuple[list[str | None], list[float | None]]:
    """Around the band, once for each stretch without a step that has no samples; None between them."""
    known = np.flatnonzero(~np.isnan(low))
    x: list[str | None] = []
    y: list[float | None] = []
    for stretch in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        there_and_back = np.concatenate((stretch, stretch[::-1]))
        x += [*style.dates(times[there_and_back]), None]
        y += [*high[stretch].tolist(), *low[stretch[::-1]].tolist(), None]
    return x, y

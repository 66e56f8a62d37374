"""How latency, processing and push time are distributed."""

from __future__ import annotations

import numpy as np

from stem_device.report import number_text
from stem_device.report.page.bins import Integers
from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import canvas
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.timings import BINS_A_DECADE, EDGES_MICROS, Distribution

TITLE = "Latency, processing and push time"
WORDS = {
    "latency": "latency, from the event's stamp to the first callback",
    "processing": "processing, in all callbacks",
    "push": "push, in the publisher",
}
COLOURS = {
    "latency": (style.PUBLISHED, "solid"),
    "processing": (style.RECEIVED, "dash"),
    "push": (style.OVERDUE, "dot"),
}


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    samples = sum(timing.samples for timing in findings.timings.values())
    return (
        f"{samples:,} samples in fixed bins, {BINS_A_DECADE} a decade; "
        "what is beyond 1 µs or 100 s is in the outer ones. Quantiles are exact. "
        + "; ".join(WORDS.values()).capitalize()
        + "."
    )


def figure(findings: Findings) -> Figure | Nothing:
    """One line of steps a kind, on a logarithmic axis."""
    if not any(timing.samples for timing in findings.timings.values()):
        return Nothing("No event was sampled in this recording: sampling was off, or no server has it.")
    drawn = canvas()
    for kind, timing in findings.timings.items():
        if timing.samples:
            add_steps(drawn, kind, timing, *COLOURS[kind])
    style.finish(
        drawn,
        420,
        legend=style.legend(orientation="v"),
        margin={"l": 60, "r": 20, "t": 90, "b": 40},
    )
    counts = sum(timing.counts for timing in findings.timings.values())
    drawn.update_xaxes(style.micros_axis(range=micros_range(np.asarray(counts))))
    drawn.update_yaxes(style.axis(title="share of samples, %", rangemode="tozero"))
    return drawn


def micros_range(counts: Integers) -> list[float]:
    """The part of a logarithmic axis that has samples."""
    used = np.flatnonzero(counts)
    return [float(np.log10(EDGES_MICROS[used[0]])) - 0.1, float(np.log10(EDGES_MICROS[used[-1] + 1])) + 0.1]


def add_steps(drawn: Figure, kind: str, timing: Distribution, colour: str, dash: str) -> None:
    """One line; ``kind`` is text that plotly may read."""
    median, p99 = number_text.micros(timing.median_micros), number_text.micros(timing.p99_micros)
    drawn.add_scatter(
        x=EDGES_MICROS,
        y=style.steps(timing.counts / timing.samples * 100),
        customdata=style.steps(timing.counts.astype(np.float64)),
        name=f"{kind}: median {median}, 99 % below {p99}",
        mode="lines",
        line={"color": colour, "dash": dash, "shape": "hv", "width": 2.5},
        hovertemplate="from %{x:,.3~g} µs: %{y:.3~g} % (%{customdata:,.0f} samples)<extra>%{meta}</extra>",
        meta=kind,
    )

"""How the durations of processes are distributed."""

from __future__ import annotations

import numpy as np

from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import canvas
from stem_device.report.page.figures.distributions import add_steps, micros_range
from stem_device.report.page.figures.lag import DASHES
from stem_device.report.page.figures.processes import NO_TELEMETRY
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.text import label
from stem_device.report.page.timings import BINS_A_DECADE

TITLE = "How long things took in processes"


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    drawn = findings.processes.drawn
    samples = sum(one.distribution.samples for one in drawn)
    text = (
        f"{samples:,} measurements of {len(drawn):,} labels in fixed bins, {BINS_A_DECADE} a decade; "
        "what is beyond 1 µs or 100 s is in the outer ones. Quantiles are exact. Of pauses of the garbage "
        "collector only those of a millisecond or more are told one by one."
    )
    if findings.processes.others:
        text += f" {findings.processes.others:,} more labels, with shorter times, are in the table alone."
    return text


def figure(findings: Findings) -> Figure | Nothing:
    """One line of steps a label, on a logarithmic axis."""
    lines = findings.processes.drawn
    if not lines:
        return Nothing(NO_TELEMETRY, left_out=True)
    drawn = canvas()
    for number, one in enumerate(lines):
        colour = style.STAGES[number % len(style.STAGES)]
        add_steps(drawn, label(one.times.label), one.distribution, colour, DASHES[number % len(DASHES)])
    above = 40 + 24 * len(lines)
    style.finish(
        drawn,
        320 + above,
        legend=style.legend(orientation="v"),
        margin={"l": 60, "r": 20, "t": above, "b": 40},
        showlegend=True,
    )
    counts = np.sum([one.distribution.counts for one in lines], axis=0)
    drawn.update_xaxes(style.micros_axis(range=micros_range(counts)))
    drawn.update_yaxes(style.axis(title="share of measurements, %", rangemode="tozero"))
    return drawn

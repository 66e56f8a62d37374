"""How long the stages of each run took: stacked bars, so many runs a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from stem_device.report.page import limits
from stem_device.report.page.bins import Floats, Integers
from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import canvas
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.text import in_plotly, label

TITLE = "Stages of the runs"


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    parts = [
        f"{limits.RUNS_A_PAGE} runs a page, in the order of their first marks. Repeated stages are added up."
    ]
    left_out = len(findings.phases) - limits.RUNS
    if left_out > 0:
        parts.append(f"The last {left_out:,} runs are left out.")
    others = findings.phases.summed_up
    if others:
        parts.append(f"The {others:,} kinds of stages that take the least time are summed up as others.")
    return " ".join(parts)


def pages(findings: Findings) -> int:
    """How many figures there are; 1 for the sentence in place of one."""
    return max(1, -(-min(len(findings.phases), limits.RUNS) // limits.RUNS_A_PAGE))


def stage_marker(kind: int) -> dict[str, Any]:
    """The colour and the pattern of a kind of stage."""
    colour = style.STAGES[kind % len(style.STAGES)]
    pattern = style.PATTERNS[(kind + kind // len(style.STAGES)) % len(style.PATTERNS)]
    return {
        "color": colour,
        "line": {"color": style.PAPER, "width": 1},
        "pattern": {
            "shape": pattern,
            "fillmode": "overlay",
            "fgcolor": style.PAPER,
            "fgopacity": 0.35,
            "size": 6,
        },
    }


def figure(findings: Findings, page: int = 0) -> Figure | Nothing:
    """The bars of one page."""
    stages = findings.phases
    if len(stages) == 0:
        return Nothing("There are no marks in this recording: no runs are known.")
    if len(stages.kind) == 0:
        return Nothing("No run has more than one mark: there are no stages between them.")
    first = page * limits.RUNS_A_PAGE
    last = min(first + limits.RUNS_A_PAGE, len(stages), limits.RUNS)
    drawn = canvas()
    for kind, name, seconds in _bars(findings, first, last):
        drawn.add_bar(
            orientation="h",
            x=seconds,
            y=np.arange(last - first),
            name=label(name),
            customdata=[in_plotly(run) for run in stages.runs.run[first:last]],
            marker=stage_marker(kind),
            hovertemplate="%{customdata}<br>%{fullData.name}: %{x:,.4~g} s<extra></extra>",
        )
    _tell_losses(drawn, findings, first, last)
    style.finish(drawn, 126 + 8 * len(stages.kinds) + 26 * (last - first), barmode="stack", bargap=0.25)
    drawn.update_xaxes(style.axis(title="seconds", rangemode="tozero"))
    drawn.update_yaxes(
        style.axis(
            tickmode="array",
            tickvals=np.arange(last - first),
            ticktext=[_run_label(findings, run) for run in range(first, last)],
            range=[last - first - 0.5, -0.5],
        )
    )
    return drawn


def _run_label(findings: Findings, run: int) -> str:
    stages = findings.phases
    end = (" (error)" if stages.runs.failed[run] else "") if stages.runs.ended[run] else " (no end)"
    return label(stages.runs.run[run], 32) + end


def _bars(findings: Findings, first: int, last: int) -> list[tuple[int, str, Floats]]:
    """(kind, name, seconds of each run) of the stages that occur on this page, in the usual order."""
    stages = findings.phases
    own = (stages.stages.run >= first) & (stages.stages.run < last)
    bars = [
        (kind, name, _seconds(findings, own & (stages.kind == kind), first, last))
        for kind, name in enumerate(stages.kinds)
    ]
    return [bar for bar in bars if bar[2].any()]


def _seconds(findings: Findings, rows: np.ndarray[Any, np.dtype[np.bool_]], first: int, last: int) -> Floats:
    stages = findings.phases
    runs: Integers = stages.stages.run[rows] - first
    return np.bincount(runs, weights=stages.seconds[rows], minlength=last - first).astype(np.float64)


def _tell_losses(drawn: Figure, findings: Findings, first: int, last: int) -> None:
    """Words at the end of the bars of runs during which events were missed."""
    staged = findings.phases.stages
    ends = _seconds(findings, (staged.run >= first) & (staged.run < last), first, last)
    for place, missed in enumerate(findings.phases.runs.missed[first:last].tolist()):
        if missed:
            drawn.add_annotation(
                x=ends[place],
                y=place,
                text=f"<b>{missed:,} missed</b>",
                showarrow=False,
                xanchor="left",
                xshift=6,
                font={"color": style.MISSED},
            )

"""Which subscriptions missed events and when, under the stages of the runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.analysis.wording import interval_text
from stem_device.report.page import limits
from stem_device.report.page.bins import Integers
from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import stacked
from stem_device.report.page.figures.stages import stage_marker
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.losses import LossGrid
from stem_device.report.page.names import Naming
from stem_device.report.page.text import in_plotly, label

TITLE = "Who missed events, and when"
SHARE_FOR_TEXT = 0.04
"""Of the axis of time: shorter stages have their names in the hover text only."""


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    parts = [
        "Rows are subscribers and what they subscribe to, the worst first. Colour: events lost (missed or "
        "unaccounted), in the step that noticed. Lines: from when on they can have been lost until then."
    ]
    lossy = findings.ledger.lossy
    if lossy > limits.LOSSY_SUBSCRIPTIONS:
        rest = lossy - limits.LOSSY_SUBSCRIPTIONS
        parts.append(f"The last row sums up the other {rest:,} subscriptions.")
    if len(findings.phases):
        lanes = _lanes(findings)
        parts.append("Above: the runs and their stages, in the colours of the figure of the stages.")
        left_out = len(findings.phases) - len(lanes.runs)
        if left_out:
            parts.append(f"{left_out:,} runs are left out there; those with losses come first.")
    return " ".join(parts)


def figure(findings: Findings) -> Figure | Nothing:
    """A heat map; lanes of stages above it where there are marks."""
    if findings.ledger.lossy == 0:
        return Nothing("No subscription is known to have lost an event.")
    labels, counts = _rows(findings)
    lanes = _lanes(findings)
    rows_height, lanes_height = max(30 * len(labels) + 20, 80), 24 * lanes.count
    if lanes.count:
        total = rows_height + lanes_height
        drawn = stacked(
            2, vertical_spacing=14 / total, row_heights=[lanes_height / total, rows_height / total]
        )
        _add_stages(drawn, findings, lanes)
        drawn.update_yaxes(style.axis(visible=False, range=[lanes.count - 0.5, -0.5]), row=1, col=1)
    else:
        drawn = stacked(1)
    row = 2 if lanes.count else 1
    _add_intervals(drawn, findings, row)
    _add_cells(drawn, findings, counts, labels, row)
    style.shade_gaps(drawn, findings.gaps)
    style.finish(drawn, 90 + rows_height + lanes_height, barmode="overlay", showlegend=False)
    drawn.update_layout(margin_t=10, uniformtext={"minsize": 10, "mode": "hide"})
    drawn.update_xaxes(style.time_axis(range=_span(findings)))
    drawn.update_yaxes(
        style.axis(
            tickmode="array",
            tickvals=np.arange(len(labels)),
            ticktext=labels,
            range=[len(labels) - 0.5, -0.5],
        ),
        row=row,
        col=1,
    )
    return drawn


def _span(findings: Findings) -> list[str]:
    return style.dates(findings.bins.edges_utc_ns[[0, -1]])


def _rows(findings: Findings) -> tuple[list[str], Integers]:
    naming, grid = Naming.of(findings.evidence), findings.losses
    entries = findings.ledger
    labels = [
        f"{label(naming.short(entries.server[i]), 24)} ← {label(naming.short(entries.stream[i]), 36)}"
        for i in range(len(grid.lost))
    ]
    if not grid.others.any():
        return labels, grid.lost
    rest = entries.lossy - len(labels)
    return [*labels, f"{rest:,} others"], np.vstack((grid.lost, grid.others))


def _add_cells(drawn: Figure, findings: Findings, counts: Integers, labels: list[str], row: int) -> None:
    shades = style.logarithm(counts)
    largest = float(np.nanmax(shades))
    drawn.add_heatmap(
        x=style.dates(findings.bins.edges_utc_ns),
        y=np.arange(len(labels) + 1) - 0.5,
        z=shades,
        zmin=0.0,
        zmax=max(largest, 1.0),
        customdata=counts,
        text=np.repeat(np.array(labels, dtype=object)[:, None], counts.shape[1], axis=1).tolist(),
        colorscale=style.MISSED_SCALE,
        colorbar=style.colour_bar(largest),
        hoverongaps=False,
        ygap=2,
        hovertemplate="%{text}<br>%{x}<br><b>%{customdata:,} lost</b><extra></extra>",
        name="lost",
        row=row,
        col=1,
    )


def _add_intervals(drawn: Figure, findings: Findings, row: int) -> None:
    """One line a loss, from its onset to its notice; of several of one subscription each by itself."""
    grid = findings.losses
    if not len(grid.entry):
        return
    begins, ends = style.dates(grid.since_utc_ns), style.dates(grid.until_utc_ns)
    x: list[str | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for place, entry in enumerate(grid.entry.tolist()):
        said = f"{int(grid.number[place]):,} lost {interval_text(*_times(grid, place))}"
        x += [begins[place], ends[place], None]
        y += [entry, entry, None]
        text += [said, said, ""]
    drawn.add_scatter(
        x=x,
        y=y,
        text=text,
        mode="lines+markers",
        line={"color": style.INK, "width": 1.5},
        marker={"size": 5, "symbol": "line-ns-open", "color": style.INK},
        connectgaps=False,
        hovertemplate="%{text}<extra></extra>",
        name="interval",
        row=row,
        col=1,
    )


def _times(grid: LossGrid, place: int) -> tuple[int, int]:
    return int(grid.since_utc_ns[place]), int(grid.until_utc_ns[place])


@dataclass(frozen=True, slots=True)
class _Lanes:
    """The runs that are drawn, and the lane of each; runs of one lane do not overlap."""

    runs: Integers
    lane: Integers
    count: int


def _lanes(findings: Findings) -> _Lanes:
    """Runs that missed events first, as many as fit; only those within the recording."""
    stages = findings.phases
    inside = (stages.runs.last_utc_ns > findings.begin_utc_ns) & (
        stages.runs.first_utc_ns < findings.end_utc_ns
    )
    candidates = np.flatnonzero(inside & (stages.stages_of_run > 0))
    order = candidates[np.argsort(-findings.phases.runs.missed[candidates], kind="stable")]
    stages_of = stages.stages_of_run
    chosen = np.sort(order[np.cumsum(stages_of[order]) <= limits.PHASES])
    free_from: list[int] = []
    runs, lane = [], []
    for run in chosen.tolist():
        begin, end = int(stages.runs.first_utc_ns[run]), int(stages.runs.last_utc_ns[run])
        place = next((i for i, free in enumerate(free_from) if free <= begin), len(free_from))
        if place == limits.PHASE_LANES:
            continue
        free_from[place : place + 1] = [end]
        runs.append(run)
        lane.append(place)
    return _Lanes(np.array(runs, dtype=np.int64), np.array(lane, dtype=np.int64), len(free_from))


def _add_stages(drawn: Figure, findings: Findings, lanes: _Lanes) -> None:
    stages = findings.phases
    # To measure a text takes the browser longer than to draw its bar: only where there is room for one.
    narrow = (findings.end_utc_ns - findings.begin_utc_ns) / 1e9 * SHARE_FOR_TEXT
    lane_of = np.full(len(stages), -1, dtype=np.int64)
    lane_of[lanes.runs] = lanes.lane
    for kind, name in enumerate(stages.kinds):
        own = np.flatnonzero((stages.kind == kind) & (lane_of[stages.stages.run] >= 0))
        if len(own) == 0:
            continue
        runs = [stages.runs.run[run] for run in stages.stages.run[own]]
        drawn.add_bar(
            orientation="h",
            base=style.dates(stages.stages.begin_utc_ns[own]),
            x=stages.seconds[own] * 1e3,
            y=lane_of[stages.stages.run[own]],
            width=0.8,
            name=label(name),
            text=[
                f"{label(run, 16)}: {label(name, 30)}" if wide else ""
                for run, wide in zip(runs, stages.seconds[own] > narrow, strict=True)
            ],
            customdata=[
                [in_plotly(run), in_plotly(name), seconds]
                for run, seconds in zip(runs, stages.seconds[own].tolist(), strict=True)
            ],
            textposition="inside",
            insidetextanchor="start",
            textangle=0,
            marker={**stage_marker(kind), "line": {"width": 0}},  # narrow bars would be all outline
            hovertemplate="run %{customdata[0]}<br>%{customdata[1]}: %{customdata[2]:,.4~g} s<extra></extra>",
            row=1,
            col=1,
        )

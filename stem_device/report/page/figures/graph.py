"""Who publishes to whom: curves from publishers to subscribers."""

from __future__ import annotations

import numpy as np

from stem_device.report.page import limits
from stem_device.report.page.bins import Floats, Integers
from stem_device.report.page.figures import style
from stem_device.report.page.figures.canvas import canvas
from stem_device.report.page.figures.style import Figure, Nothing
from stem_device.report.page.findings import Findings
from stem_device.report.page.graph import Graph
from stem_device.report.page.names import Naming
from stem_device.report.page.text import label, shortened

TITLE = "Who publishes to whom"
POINTS = 24
CHARACTERS = 32
PAGE_PIXELS = 1200
WIDTHS = (1.5, 3.0, 5.0, 8.0)
LABELLED = 12
LOSSES = (
    ("nothing missed", 0.0, style.FAINT, "solid"),
    ("up to 0.1 % missed", 0.001, style.LITTLE, "dash"),
    ("up to 1 % missed", 0.01, style.MORE, "dashdot"),
    ("more than 1 % missed", 1.0, style.MUCH, "dot"),
)
"""Words, the largest share, colour and dash of each class of loss."""


def caption(findings: Findings) -> str:
    """What the reader must know to read it."""
    parts = ["Thickness: events per second. Colour and dashes: share of the events that were missed."]
    left_out, missed = findings.graph.left_out, findings.graph.left_out_missed
    if left_out:
        parts.append(
            f"At most {limits.GRAPH_SERVERS} publishers and subscribers are drawn, those with losses first: "
            f"{left_out:,} connections are left out, with {missed:,} missed events."
        )
    return " ".join(parts)


def figure(findings: Findings) -> Figure | Nothing:
    """Publishers on the left, subscribers on the right."""
    found = findings.graph
    if len(found.publisher) == 0:
        return Nothing("There are no subscriptions in this recording.")
    rows = max(len(found.publishers), len(found.subscribers))
    heights = _heights(len(found.publishers), rows), _heights(len(found.subscribers), rows)
    seconds = max((findings.end_utc_ns - findings.begin_utc_ns) / 1e9, 1e-9)
    drawn = canvas()
    _add_edges(drawn, found, heights, seconds)
    _add_nodes(drawn, findings, heights)
    style.finish(drawn, 130 + 30 * rows, margin={"l": 20, "r": 20, "t": 40, "b": 20}, hovermode="closest")
    aside = _room(findings)
    drawn.update_xaxes(visible=False, range=[-aside, 1 + aside], fixedrange=True)
    drawn.update_yaxes(visible=False, range=[rows - 0.3, -1.0], fixedrange=True)
    for x, word, anchor in ((0, "publishers", "right"), (1, "subscribers", "left")):
        drawn.add_annotation(x=x, y=-0.8, text=f"<b>{word}</b>", showarrow=False, xanchor=anchor)
    return drawn


def _room(findings: Findings) -> float:
    """How much of the curves' width the longest name, or the heading, takes on a page of usual width."""
    naming, found = Naming.of(findings.evidence), findings.graph
    codes = (*found.publishers, *found.subscribers)
    names = ["the subscribers", *(shortened(naming.short(code), CHARACTERS) for code in codes)]
    pixels = 8 * max(map(len, names)) + 40
    return pixels / (PAGE_PIXELS - 2 * pixels)


def _heights(count: int, rows: int) -> Floats:
    """Even places of so many servers on the height of all rows."""
    return (np.arange(count) + 0.5) * rows / max(count, 1) - 0.5


def _curve(begin: float, end: float) -> tuple[Floats, Floats]:
    """A smooth line from the left to the right, level at both ends."""
    t = np.linspace(0.0, 1.0, POINTS)
    return t, begin + (end - begin) * t * t * (3 - 2 * t)


def _loss_class(share: Floats) -> Integers:
    return np.searchsorted([limit for _, limit, _, _ in LOSSES[:-1]], share, side="left").astype(np.int64)


def _width_class(rates: Floats) -> Integers:
    """Four classes on a logarithmic scale, up to the largest rate; the lowest is for a thousandth of it."""
    scaled = np.log10(np.maximum(rates, 1e-12) / max(float(rates.max()), 1e-12)) / 3 + 1
    return np.clip((scaled * len(WIDTHS)).astype(np.int64), 0, len(WIDTHS) - 1)


def _add_edges(drawn: Figure, found: Graph, heights: tuple[Floats, Floats], seconds: float) -> None:
    rates = (found.received + found.missed) / seconds
    losses, widths = _loss_class(found.missed_share), _width_class(rates)
    for loss, (words, _, colour, dash) in enumerate(LOSSES):
        told = False
        for width in np.unique(widths[losses == loss]).tolist():
            own = np.flatnonzero((losses == loss) & (widths == width))
            x, y = _joined(found, heights, own)
            drawn.add_scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": colour, "width": WIDTHS[width], "dash": dash},
                opacity=0.85 if loss else 0.5,
                name=words,
                legendgroup=words,
                showlegend=not told,
                hoverinfo="skip",
            )
            told = True
    _add_edge_texts(drawn, found, heights, rates)


def _joined(found: Graph, heights: tuple[Floats, Floats], edges: Integers) -> tuple[Floats, Floats]:
    """Curves of several edges, with a NaN after each."""
    curves = [_curve(heights[0][found.publisher[edge]], heights[1][found.subscriber[edge]]) for edge in edges]
    x = np.concatenate([np.append(curve[0], np.nan) for curve in curves])
    return x, np.concatenate([np.append(curve[1], np.nan) for curve in curves])


def _add_edge_texts(drawn: Figure, found: Graph, heights: tuple[Floats, Floats], rates: Floats) -> None:
    """A point on each curve that tells its numbers; those with the largest losses say so in words."""
    worst = set(np.argsort(-found.missed, kind="stable")[:LABELLED].tolist())
    along = 0.62
    begin, end = heights[0][found.publisher], heights[1][found.subscriber]
    level = begin + (end - begin) * along * along * (3 - 2 * along)
    drawn.add_scatter(
        x=np.full(len(rates), along),
        y=level,
        mode="markers+text",
        marker={"size": 9, "opacity": 0.01, "color": style.INK},
        text=[
            f"{missed:,} missed" if missed and i in worst else ""
            for i, missed in enumerate(found.missed.tolist())
        ],
        textposition="top center",
        textfont={"color": style.MISSED},
        customdata=np.stack(
            (found.received, found.missed, found.missed_share * 100, rates, found.subscriptions), axis=1
        ),
        hovertemplate="%{customdata[3]:,.4~g} events/s on %{customdata[4]:,} subscriptions<br>"
        "%{customdata[0]:,} received, %{customdata[1]:,} missed (%{customdata[2]:.3~g} %)<extra></extra>",
        showlegend=False,
        name="connections",
    )


def _add_nodes(drawn: Figure, findings: Findings, heights: tuple[Floats, Floats]) -> None:
    naming, found = Naming.of(findings.evidence), findings.graph
    for codes, x, y, symbol, position, name in (
        (found.publishers, 0.0, heights[0], "square", "middle left", "publisher"),
        (found.subscribers, 1.0, heights[1], "circle", "middle right", "subscriber"),
    ):
        labels = [label(naming.short(code), CHARACTERS) for code in codes]
        drawn.add_scatter(
            x=np.full(len(codes), x),
            y=y,
            mode="markers+text",
            marker={"symbol": symbol, "size": 11, "color": style.INK},
            text=labels,
            textposition=position,
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            name=name,
        )

"""All figures by name, in the order of the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from stem_device.report.page.figures import (
    distributions,
    graph,
    lag,
    losses,
    process_distributions,
    processes,
    servers,
    stages,
    style,
    timeline,
    timings,
)
from stem_device.report.page.findings import Findings

FIGURES: dict[str, ModuleType] = {
    "timeline": timeline,
    "processes": processes,
    "losses": losses,
    "lag": lag,
    "graph": graph,
    "servers": servers,
    "distributions": distributions,
    "timings": timings,
    "process_distributions": process_distributions,
    "stages": stages,
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure of the page: its pages (usually one), or the sentence in place of it.

    ``left_out`` of the page, where a sentence would be of no use to anybody. ``layers`` name the first traces
    if only one of them is shown at a time.
    """

    name: str
    title: str
    caption: str
    pages: tuple[style.Figure, ...]
    sentence: str = ""
    layers: tuple[str, ...] = ()
    left_out: bool = False


def panels(findings: Findings) -> Iterator[Panel]:
    """Draw every figure."""
    for name in FIGURES:
        yield panel(name, findings)


def panel(name: str, findings: Findings) -> Panel:
    """Draw one figure, all its pages."""
    module = FIGURES[name]
    first = module.figure(findings)
    if isinstance(first, style.Nothing):
        return Panel(name, module.TITLE, "", (), first.sentence, left_out=first.left_out)
    caption = module.caption(findings)
    if module is not stages:
        return Panel(name, module.TITLE, caption, (first,), layers=getattr(module, "LAYERS", ()))
    others = (stages.figure(findings, page) for page in range(1, stages.pages(findings)))
    return Panel(name, module.TITLE, caption, (first, *others))

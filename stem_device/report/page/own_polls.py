"""How long the monitor's own polls took, by phase: whether it was the monitor that was slow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report.page.bins import Floats
from stem_device.report.page.report_data import PHASES, TOLD_BY_THE_NEXT, PhaseRows


@dataclass(frozen=True, slots=True)
class PhaseSummary:
    """One phase over all polls that tell it, in seconds; ``worst_utc_ns`` is the poll that took longest."""

    name: str
    polls: int
    median_seconds: float
    p99_seconds: float
    worst_seconds: float
    worst_utc_ns: int


@dataclass(frozen=True, slots=True)
class OwnPolls:
    """All phases that are known of any poll, and the one poll that took longest altogether."""

    phases: tuple[PhaseSummary, ...]
    whole: PhaseSummary | None
    worst: tuple[tuple[str, float], ...]
    """What the longest poll took, by phase, the longest phase first."""


def own_polls(rows: PhaseRows) -> OwnPolls:
    """Summed up. Phases that come after a Snapshot stand in the row of the next poll: see PhaseRows."""
    seconds = {name: _own(rows, name) for name in PHASES}
    known = {name: values for name, values in seconds.items() if not np.isnan(values).all()}
    if not known:
        return OwnPolls((), None, ())
    # A poll that lacks a phase would look shorter than it was.
    whole = np.sum(list(known.values()), axis=0)
    summary = None if np.isnan(whole).all() else _summary("all of them", whole, rows)
    row = -1 if summary is None else int(np.nanargmax(whole))
    worst = [(name, float(values[row])) for name, values in known.items()] if row >= 0 else []
    return OwnPolls(
        tuple(_summary(name, values, rows) for name, values in known.items()),
        summary,
        tuple(sorted(worst, key=lambda item: -item[1])),
    )


def _own(rows: PhaseRows, name: str) -> Floats:
    """By poll, NaN where it is not known: after the last poll of a recording nothing is told any more."""
    values = rows.seconds[name]
    if name not in TOLD_BY_THE_NEXT:
        return values
    own = np.full(len(values), np.nan)
    follows = (np.diff(rows.source) == 0) & (np.diff(rows.poll) == 1)
    own[:-1] = np.where(follows, values[1:], np.nan)
    return own


def _summary(name: str, values: Floats, rows: PhaseRows) -> PhaseSummary:
    told = values[~np.isnan(values)]
    median, p99 = np.quantile(told, (0.5, 0.99))
    row = int(np.nanargmax(values))
    return PhaseSummary(
        name, len(told), float(median), float(p99), float(values[row]), int(rows.time_utc_ns[row])
    )

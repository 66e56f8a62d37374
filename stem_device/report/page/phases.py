"""The stages that runs passed through, and the kinds of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report.page.bins import Floats, Integers
from stem_device.report.page.report_data import ReportData, RunRows, StageRows

OTHERS = "other stages"


@dataclass(frozen=True, slots=True)
class Phases:
    """Runs, and their stages; ``kind`` is that of each stage, a place in ``kinds``.

    Kinds are ordered by when they usually come in their runs. Those that take the least time are summed up
    in the last one: so many are ``summed_up``.
    """

    runs: RunRows
    stages: StageRows
    kinds: tuple[str, ...]
    kind: Integers
    summed_up: int

    def __len__(self) -> int:
        return len(self.runs.run)

    @property
    def seconds(self) -> Floats:
        """Length of each stage."""
        return (self.stages.end_utc_ns - self.stages.begin_utc_ns) / 1e9

    @property
    def stages_of_run(self) -> Integers:
        """How many stages each run has."""
        return np.bincount(self.stages.run, minlength=len(self)).astype(np.int64)


def phases(evidence: ReportData, limit: int) -> Phases:
    """Everything that is told of the runs; ``limit`` kinds of stages are told apart."""
    kinds, kind, summed_up = _kinds(evidence, limit)
    return Phases(evidence.runs, evidence.stages, kinds, kind, summed_up)


def _kinds(evidence: ReportData, limit: int) -> tuple[tuple[str, ...], Integers, int]:
    """Names of the kinds of stages, the kind of each stage, and how many kinds the last one sums up."""
    staged = evidence.stages
    pairs, kind = np.unique((staged.earlier.astype(np.int64) << 32) + staged.later, return_inverse=True)
    if len(pairs) == 0:
        return (), kind.astype(np.int64), 0
    since = staged.begin_utc_ns - evidence.runs.first_utc_ns[staged.run]
    usual = np.bincount(kind, weights=since) / np.bincount(kind)
    totals = np.bincount(kind, weights=staged.end_utc_ns - staged.begin_utc_ns)
    longest = np.argsort(-totals, kind="stable")[:limit]
    shown = longest[np.argsort(usual[longest], kind="stable")]
    place = np.full(len(pairs), len(shown), dtype=np.int64)
    place[shown] = np.arange(len(shown))
    names = [
        f"{evidence.name(int(pair >> 32))} → {evidence.name(int(pair & 0xFFFFFFFF))}" for pair in pairs[shown]
    ]
    summed = len(pairs) - len(shown)
    return (*names, *([OTHERS] if summed else [])), place[kind], summed

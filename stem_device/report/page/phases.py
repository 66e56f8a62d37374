"""The stages that runs passed through, and the kinds of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report.page.bins import Floats, Integers
from stem_device.report.page.evidence import Evidence, RunRows, StageRows


@dataclass(frozen=True, slots=True)
class Phases:
    """Runs, and their stages; ``kind`` is that of each stage, a place in ``kinds``.

    Kinds are ordered by when they usually come in their runs.
    """

    runs: RunRows
    stages: StageRows
    kinds: tuple[str, ...]
    kind: Integers

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


def phases(evidence: Evidence) -> Phases:
    """Everything that is told of the runs."""
    kinds, kind = _kinds(evidence)
    return Phases(evidence.runs, evidence.stages, kinds, kind)


def _kinds(evidence: Evidence) -> tuple[tuple[str, ...], Integers]:
    """Names of the kinds of stages, the earliest in their runs first, and the kind of each stage."""
    staged = evidence.stages
    pairs, kind = np.unique((staged.earlier.astype(np.int64) << 32) + staged.later, return_inverse=True)
    since = staged.begin_utc_ns - evidence.runs.first_utc_ns[staged.run]
    usual = np.bincount(kind, weights=since) / np.bincount(kind) if len(pairs) else np.zeros(0)
    order = np.argsort(usual, kind="stable")
    labels = (
        f"{evidence.name(int(pair >> 32))} → {evidence.name(int(pair & 0xFFFFFFFF))}" for pair in pairs[order]
    )
    return tuple(labels), np.argsort(order)[kind].astype(np.int64)

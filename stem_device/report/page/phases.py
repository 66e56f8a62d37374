"""The stages that runs passed through, from one mark to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stem_device.report.page.bins import Flags, Integers
from stem_device.report.page.evidence import Evidence

END = "end"


@dataclass(frozen=True, slots=True)
class Phases:
    """Runs in the order in which they began; ``ended`` where a run has its end.

    The others have one entry a stage: its run (a place in ``runs``), its kind (a place in ``kinds``, which
    are ordered by when they usually come), when it began and ended.
    """

    runs: tuple[str, ...]
    begin_utc_ns: Integers
    end_utc_ns: Integers
    ended: Flags
    kinds: tuple[str, ...]
    run: Integers
    kind: Integers
    stage_begin_utc_ns: Integers
    stage_end_utc_ns: Integers

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """Length of each stage."""
        return (self.stage_end_utc_ns - self.stage_begin_utc_ns) / 1e9


def phases(evidence: Evidence) -> Phases:
    """A stage lies between two successive marks of a run, by the time at which they were emitted."""
    marks = evidence.marks
    codes, run = np.unique(marks.run, return_inverse=True)
    begin = np.full(len(codes), np.iinfo(np.int64).max)
    end = np.zeros(len(codes), dtype=np.int64)
    np.minimum.at(begin, run, marks.emitted_utc_ns)
    np.maximum.at(end, run, marks.emitted_utc_ns)
    order = np.argsort(begin, kind="stable")
    place = np.argsort(order)[run]  # of each mark: its run in the order of the runs
    rows = np.lexsort((marks.emitted_utc_ns, place))
    follows = np.flatnonzero(np.diff(place[rows]) == 0)
    before, after = rows[follows], rows[follows + 1]
    starts = marks.emitted_utc_ns[before]
    kinds, kind = _kinds(evidence, before, after, starts - begin[order][place[before]])
    ends = [code for code in np.unique(marks.kind).tolist() if evidence.name(code) == END]
    ended = np.zeros(len(codes), dtype=np.bool_)
    ended[place[np.isin(marks.kind, ends)]] = True
    return Phases(
        runs=evidence.named(codes[order]),
        begin_utc_ns=begin[order],
        end_utc_ns=end[order],
        ended=ended,
        kinds=kinds,
        run=place[before].astype(np.int64),
        kind=kind,
        stage_begin_utc_ns=starts,
        stage_end_utc_ns=marks.emitted_utc_ns[after],
    )


def _kinds(
    evidence: Evidence, before: Integers, after: Integers, since_begin: Integers
) -> tuple[tuple[str, ...], Integers]:
    """Names of the kinds of stages, the earliest in their runs first, and the kind of each stage."""
    name = evidence.marks.name.astype(np.int64)
    pairs, kind = np.unique((name[before] << 32) + name[after], return_inverse=True)
    usual = np.bincount(kind, weights=since_begin) / np.bincount(kind) if len(pairs) else np.zeros(0)
    order = np.argsort(usual, kind="stable")
    labels = (
        f"{evidence.name(int(pair >> 32))} → {evidence.name(int(pair & 0xFFFFFFFF))}" for pair in pairs[order]
    )
    return tuple(labels), np.argsort(order)[kind].astype(np.int64)

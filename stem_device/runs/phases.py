"""The stages of runs: from each mark to the next one of another name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.runs.marks import Codes, Floats, Integers, Names
from stem_device.runs.source import Tables, runs_of
from stem_device.runs.table import RunTable


@dataclass(frozen=True, slots=True)
class Stages:
    """n stages of all runs, in the order of run and time.

    A stage lasts from a mark to the next mark of another name; a mark that is repeated before that does not
    end it. The stages of a run follow each other without gaps.
    ``earlier`` and ``later`` are codes of ``names``.
    """

    run: Integers
    earlier: Codes
    later: Codes
    begin_utc_ns: Integers
    end_utc_ns: Integers
    names: Names

    def __len__(self) -> int:
        return len(self.run)

    @property
    def seconds(self) -> Floats:
        """Never negative: marks are in the order of their emission."""
        return (self.end_utc_ns - self.begin_utc_ns) / 1e9

    def label(self, row: int) -> str:
        """``later - earlier``, which is also the expression for such durations."""
        return f"{self.names[self.later[row]]} - {self.names[self.earlier[row]]}"


def stages(runs: RunTable | Tables) -> Stages:
    """All stages that have come to their end, of a recording or of its runs."""
    table = runs_of(runs)
    marks = table.marks
    begins = np.ones(len(marks.run), dtype=bool)
    begins[1:] = (marks.run[1:] != marks.run[:-1]) | (marks.name[1:] != marks.name[:-1])
    at = np.flatnonzero(begins)
    followed = marks.run[at[:-1]] == marks.run[at[1:]]
    begin, end = at[:-1][followed], at[1:][followed]
    return Stages(
        run=marks.run[begin],
        earlier=marks.name[begin],
        later=marks.name[end],
        begin_utc_ns=marks.emitted_utc_ns[begin],
        end_utc_ns=marks.emitted_utc_ns[end],
        names=table.names,
    )

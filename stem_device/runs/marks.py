"""Marks as columns, put in order: run by run, and by time of emission within a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stem_device.model.mark import MarkKind

Codes = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]

NONE = -1
"""Code of a name that nobody told; iteration of a mark without one."""

_KINDS = (MarkKind.BEGIN, MarkKind.MARK, MarkKind.END)
BEGIN, MARK, END = range(3)


class MarkColumns(Protocol):
    """The table ``marks``, as the reader gives it: a column is read when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, column: str) -> npt.NDArray[Any]: ...

    def codes(self, column: str) -> Codes:
        """A column of names as codes: rows of the names of the recording, -1 for none."""


@dataclass(frozen=True, slots=True)
class OrderedMarks:
    """n marks of r runs, in the order of run, time of emission, kind, reception.

    ``row`` is the row of each mark in the table. Marks ``start[i]`` to ``start[i + 1]`` are those of run i;
    ``run`` says the same mark by mark. Runs are in the order of their first mark. ``run_code`` has r codes.
    """

    row: Integers
    run: Integers
    name: Codes
    kind: npt.NDArray[np.int8]
    emitted_utc_ns: Integers
    iteration: Integers
    start: Integers
    run_code: Codes

    @property
    def first(self) -> Integers:
        """The first mark of each run."""
        return self.start[:-1]

    @property
    def last(self) -> Integers:
        """The last mark of each run."""
        return self.start[1:] - 1


def order(table: MarkColumns, names: Names) -> OrderedMarks:
    """Put marks in order. ``names`` are what the codes mean.

    What was told to several monitors alike (run, name, time of emission, iteration) is one mark.
    """
    code, name, iteration = table.codes("run"), table.codes("name"), table["iteration"]
    emitted = np.asarray(table["emitted_utc_ns"], dtype=np.int64)
    kind = _kinds(table.codes("kind"), names)
    run_code, run = _runs(code, emitted)
    # Stable: marks of one moment stay in the order of their reception.
    row = np.lexsort((kind, emitted, run))
    row = row[_once(table, row, (run, emitted, name, iteration))]
    run = run[row]
    start = np.searchsorted(run, np.arange(len(run_code) + 1))
    return OrderedMarks(
        row=row,
        run=run,
        name=name[row],
        kind=kind[row],
        emitted_utc_ns=emitted[row],
        iteration=np.asarray(iteration, dtype=np.int64)[row],
        start=start,
        run_code=run_code,
    )


def code_of(name: str, codes: npt.NDArray[Any], names: Names) -> int:
    """The code of ``name`` among ``codes``; -2, which no column has, if it is not there."""
    return next((int(code) for code in np.unique(codes) if code >= 0 and names[code] == name), -2)


def _kinds(codes: Codes, names: Names) -> npt.NDArray[np.int8]:
    kinds = np.full(len(codes), MARK, dtype=np.int8)
    for kind in (BEGIN, END):
        kinds[codes == code_of(_KINDS[kind], codes, names)] = kind
    return kinds


def _runs(code: Codes, emitted: Integers) -> tuple[Codes, Integers]:
    """The codes of all runs in the order of their first mark, and the number of the run of every mark."""
    codes, inverse = np.unique(code, return_inverse=True)
    first = np.full(len(codes), np.iinfo(np.int64).max)
    np.minimum.at(first, inverse, emitted)
    by_time = np.argsort(first, kind="stable")
    number = np.empty(len(codes), dtype=np.int64)
    number[by_time] = np.arange(len(codes))
    return codes[by_time], number[inverse]


def _once(table: MarkColumns, row: Integers, same: tuple[npt.NDArray[Any], ...]) -> Flags:
    """Which of the rows to keep: all but what another monitor was told before."""
    keep = np.ones(len(row), dtype=bool)
    source = table["source"]
    if not len(source) or source.min() == source.max():
        return keep
    by_mark = np.lexsort((row, *(column[row] for column in same)))
    ordered = row[by_mark]
    differs = np.zeros(len(row), dtype=bool)
    differs[0] = True
    for column in same:
        differs[1:] |= column[ordered][1:] != column[ordered][:-1]
    # What one monitor was told twice was said twice.
    told_first = source[ordered][differs][np.cumsum(differs) - 1]
    keep[by_mark] = source[ordered] == told_first
    return keep

"""What the checks of rows share: one finding a column, however many rows are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from stem_device.reading.validation.columns import Values
from stem_device.reading.validation.finding import Finding
from stem_device.reading.validation.stored import StoredFile, path_of
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind, Table

IsWrong: TypeAlias = Callable[[int, Values], Values]
"""From the first row and the values of a block to one flag a row."""


class Spot(NamedTuple):
    """Which check looks at which column."""

    check: str
    table: Table
    column: str


def told(spot: Spot, first: int, wrong: Values, what: str) -> Iterator[Finding]:
    """One finding for all wrong rows; ``wrong[0]`` is row ``first`` of the column."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        yield _finding(spot, first + int(rows[0]), len(rows), what)


def scan(file: StoredFile, spot: Spot, is_wrong: IsWrong, what: str) -> Iterator[Finding]:
    """The same for a column of any length, block by block."""
    row, number = 0, 0
    for first, values in file.blocks(spot.table, spot.column):
        rows = np.flatnonzero(is_wrong(first, values))
        row = row if number or not len(rows) else first + int(rows[0])
        number += len(rows)
    if number:
        yield _finding(spot, row, number, what)


def columns_of(file: StoredFile, kind: Kind) -> Iterator[tuple[Table, Column]]:
    """All columns of a kind."""
    for table in file.tables:
        yield from ((table, column) for column in file.columns_of(table) if column.kind is kind)


def owners(ends: Values, first: int, rows: int) -> Values:
    """Row of ``polls`` of each of so many rows of another table from ``first`` on, from ``<table>_end``."""
    return np.searchsorted(ends, np.arange(first, first + rows), side="right")


class UnifiedNames:
    """The same number for the same name, however often a file tells it; long names are left alone."""

    def __init__(self, file: StoredFile) -> None:
        text, continues = file.all(spec.NAMES, "text"), file.all(spec.NAMES, "continues")
        self.rows = file.rows(spec.NAMES)
        self._number = np.arange(self.rows)
        if text is not None and continues is not None and self.rows:
            _, first, group = np.unique(text, return_index=True, return_inverse=True)
            single = ~continues.astype(bool) & ~np.append(continues[1:].astype(bool), False)
            self._number = np.where(single, first[group], self._number)

    def known(self, codes: Values) -> Values:
        """Which of these are rows of ``names``."""
        return (codes >= 0) & (codes < self.rows)

    def __call__(self, codes: Values) -> Values:
        """One number a code; -1 for those that are no row."""
        safe = np.clip(codes, 0, max(self.rows - 1, 0))
        return np.where(self.known(codes), self._number[safe] if self.rows else 0, -1)


def _finding(spot: Spot, row: int, number: int, what: str) -> Finding:
    more = f" (and so are {number - 1} more)" if number > 1 else ""
    return Finding(spot.check, path_of(spot.table, spot.column), f"row {row} {what}{more}")

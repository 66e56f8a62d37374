"""The last chunk of a column, from where it was while the file grew.

An incomplete chunk lies uncompressed in ``workspace/tails``, near the beginning of the file. It stays there
when the file is closed and the chunk is stored once more, at its end: if that is cut off, the last rows are
still there. Each column has two places, which take turns; how many rows each poll added tells which one is
the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from stem_device.reading.validation.columns import H5_ERRORS, Chunk, StoredColumn, Values
from stem_device.reading.validation.stored import StoredFile, path_of
from stem_device.recording import format as spec
from stem_device.recording.columns import PLACES
from stem_device.recording.h5_typing import Hdf5Dataset
from stem_device.recording.kinds import Kind, Table
from stem_device.recording.layout import ENTRY, TAILS


class SalvagedFile(StoredFile):
    """A recording whose columns fall back to the workspace for their last chunk."""

    def read_column(self, table: Table, name: str, dataset: Hdf5Dataset) -> StoredColumn:
        return _SalvagedColumn(dataset, self, table, name)

    def tail(self, table: Table, name: str, rows: int, dtype: np.dtype[Any]) -> Values | None:
        """The first ``rows`` rows of the last chunk of a column; None if nobody knows where they are."""
        place = self._places.get(table.name)
        if place is None and table.name not in self._places:
            self._places[table.name] = None  # while it is looked for, it is not known
            place = self._places[table.name] = self._find_place(table)
        if place is None:
            return None
        data = self._place(table, name, place)
        return None if data is None else np.frombuffer(data, dtype)[:rows]

    def chunk_rows(self, table: Table) -> int:
        """Of this file: other versions of the program store more or less of a table together."""
        for column in table.columns:
            dataset = self.dataset(path_of(table, column.name))
            if dataset is not None and dataset.chunks:
                return int(dataset.chunks[0])
        return table.chunk_rows

    def first_names(self, name: str, dtype: np.dtype[Any]) -> Values | None:
        """The beginning of the first chunk of ``names``, if there is one more: both places are in use then.

        Without the rows that filled it, which were never written here. None if nobody knows.
        """
        rows = self.shortest(spec.NAMES)
        texts = [self._place(spec.NAMES, "text", place) for place in range(PLACES)]
        both = all(text is not None and text.strip(b"\0") for text in texts)
        data = self._place(spec.NAMES, name, 1)
        if (
            not both
            or data is None
            or not self.chunk_rows(spec.NAMES) < rows < PLACES * self.chunk_rows(spec.NAMES)
        ):
            return None
        written = np.flatnonzero(np.frombuffer(texts[1] or b"", Kind.TEXT.value))
        return np.frombuffer(data, dtype)[: int(written[-1]) + 1]

    @cached_property
    def _places(self) -> dict[str, int | None]:
        return {}

    @cached_property
    def _offsets(self) -> dict[tuple[str, str], int]:
        """Of the first place of every column: they lie in the order of the format."""
        offsets, position = {}, 0
        for table in self.tables:
            for column in self.columns_of(table):
                offsets[table.name, column.name] = position
                position += PLACES * self.chunk_rows(table) * np.dtype(column.kind.value).itemsize
        return offsets

    def _place(self, table: Table, name: str, place: int) -> bytes | None:
        """The bytes of one of the two places; None if they cannot be read."""
        column = next(one for one in table.columns if one.name == name)
        size = self.chunk_rows(table) * np.dtype(column.kind.value).itemsize
        first = self._offsets[table.name, name] + place * size
        tails = self.dataset(f"/{ENTRY}/{TAILS}")
        try:
            data = tails[first : first + size].tobytes()
        except (*H5_ERRORS, AttributeError):
            return None
        return data if len(data) == size else None

    def _find_place(self, table: Table) -> int | None:
        if table in {spec.NAMES, spec.TEXT_BYTES}:
            return self._place_by_content(table)
        rows = self.shortest(table)
        if table in {spec.POLLS, spec.MARKS}:
            return _turns(np.ones(rows, np.int64), self.chunk_rows(table))
        ends = self.ends(table)
        if ends is None or not len(ends) or int(ends[-1]) != rows:
            return None
        return _turns(np.diff(ends, prepend=0), self.chunk_rows(table))

    def _place_by_content(self, table: Table) -> int | None:
        """The place that is not empty, or else the one that does not hold the chunk before."""
        name = table.columns[0].name
        places = [self._place(table, name, place) for place in range(PLACES)]
        written = [place for place, data in enumerate(places) if data and data.strip(b"\0")]
        if len(written) == 1:
            return written[0]
        column = self.column(table, name)
        size = self.chunk_rows(table)
        if column is None or column.rows <= size:
            return None
        last = (column.rows - 1) // size * size
        before = column.read(last - size, last - size + 1)
        stale = [
            place
            for place in written
            if before is not None and (places[place] or b"").startswith(before.tobytes())
        ]
        return 1 - stale[0] if len(stale) == 1 else None


class _SalvagedColumn(StoredColumn):
    """Asks the file for its last chunk if it cannot be read."""

    def __init__(self, dataset: Hdf5Dataset, file: SalvagedFile, table: Table, name: str) -> None:
        super().__init__(dataset)
        self._file = file
        self._table = table
        self._name = name

    def chunks(self, begin: int = 0, end: int | None = None) -> Iterator[Chunk]:
        for chunk in super().chunks(begin, end):
            size = self._file.chunk_rows(self._table)
            is_last = chunk.first + chunk.rows == self.rows and chunk.rows <= size
            tail = None
            if chunk.values is None and is_last:
                tail = self._file.tail(self._table, self._name, chunk.rows, self.dtype)
            elif chunk.values is None and self._table is spec.NAMES and chunk.first == 0:
                tail = self._file.first_names(self._name, self.dtype)
            yield from [chunk] if tail is None else _with_tail(chunk, tail)


def _with_tail(chunk: Chunk, tail: Values) -> Iterator[Chunk]:
    """What the tail has, and what is missing nevertheless."""
    yield Chunk(chunk.first, len(tail), tail)
    if len(tail) < chunk.rows:
        yield Chunk(chunk.first + len(tail), chunk.rows - len(tail), None, chunk.error)


def _turns(added: Values, chunk_rows: int) -> int | None:
    """In which place the last chunk is after appends of these sizes, as the recorder does it."""
    rows, place = 0, 0
    for number in added:
        used = rows % chunk_rows
        rows += int(number)
        begins = rows % chunk_rows and (used == 0 or used + int(number) >= chunk_rows)
        place = 1 - place if number and begins else place
    return place if rows % chunk_rows else None

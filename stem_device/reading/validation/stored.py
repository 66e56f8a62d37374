"""An open file as the checks see it: groups, columns and rows, whatever is missing or damaged.

What is missing or unreadable is None or an empty array here; one check is there to tell of each such thing,
the others pass over it, so that every violation is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stem_device.errors import RefusedFileError
from stem_device.model.limits import max_read_bytes
from stem_device.reading.validation.columns import H5_ERRORS, StoredColumn, Values
from stem_device.recording import format as spec
from stem_device.recording.gate import MAX_SMALL_BYTES, Budget, attribute, small
from stem_device.recording.h5_typing import Hdf5Dataset, Hdf5File, import_h5py
from stem_device.recording.kinds import Column, Kind, Table, Version, version_of
from stem_device.recording.layout import ENTRY

ROW_BYTES = 512
"""What checks and recovery remember of a poll, mark, name or text."""
_READ_AT_ONCE = (spec.POLLS, spec.MARKS, spec.NAMES, spec.TEXTS)


class StoredFile:
    """A recording that was opened with h5py; the caller closes it.

    Columns that could fill the memory are missing here; ``oversize`` says by path what is wrong with them.
    """

    def __init__(self, hdf5: Hdf5File, path: Path) -> None:
        self.hdf5 = hdf5
        self.oversize: dict[str, str] = {}
        self._budget = Budget(path, path.stat().st_size, max_read_bytes())
        self._h5py = import_h5py()
        self._objects: dict[str, Any] = {}
        self._columns: dict[str, StoredColumn | None] = {}

    def group(self, path: str) -> Any:
        """The group at ``path``; None if there is none."""
        return self._object(path, self._h5py.Group)

    def dataset(self, path: str) -> Any:
        """The data set at ``path``; None if there is none."""
        return self._object(path, self._h5py.Dataset)

    def attribute(self, path: str, name: str) -> Any:
        """An attribute, as text if it is one; None if there is none, or it cannot be read."""
        try:
            return plain(attribute(self._found(path), name))
        except (*H5_ERRORS, AttributeError):
            return None

    def value(self, path: str) -> Any:
        """A scalar data set, as text if it is one; None if there is none, or it is no scalar."""
        dataset = self.dataset(path)
        try:
            if dataset is None or dataset.shape != () or dataset.dtype.itemsize > MAX_SMALL_BYTES:
                return None
            return plain(dataset[()])
        except H5_ERRORS:
            return None

    def is_small(self, path: str) -> bool:
        """Whether readers take this data set, which they read at once."""
        try:
            small(self.hdf5, self._budget.path, path)
        except (*H5_ERRORS, RefusedFileError):
            return False
        return True

    @cached_property
    def version(self) -> tuple[int, int] | None:
        """Of the format; None if it is told in no way that this program knows."""
        return version_of(str(self.attribute("/", "stem_format_version")))

    @cached_property
    def layout(self) -> Version:
        """The version whose tables and columns the file has: what it says, or else what is there."""
        if self.version is not None:
            return self.version
        found = [spec.POLLS.since]
        for table in spec.TABLES:
            if self.group(path_of(table)) is not None:
                found.append(table.since)
                found += [one.since for one in table.columns if self.dataset(path_of(table, one.name))]
        return max(found)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Those that a file of this version has."""
        return tuple(table for table in spec.TABLES if table.since <= self.layout)

    def columns_of(self, table: Table) -> tuple[Column, ...]:
        """Those that a file of this version has."""
        return table.columns_of(self.layout) if table.since <= self.layout else ()

    @cached_property
    def closed(self) -> bool:
        """Whether its writer ended it in good order."""
        dataset = self.dataset(f"/{ENTRY}/context/end_time")
        return dataset is not None and dataset.shape == (1,)

    def column(self, table: Table, name: str) -> StoredColumn | None:
        """A column if it is there and of the right type."""
        path = path_of(table, name)
        if path not in self._columns:
            self._columns[path] = self._find(table, name)
        return self._columns[path]

    def read_column(self, table: Table, name: str, dataset: Hdf5Dataset) -> StoredColumn:  # noqa: ARG002
        """How a column is read; for those who know of another way to its rows."""
        return StoredColumn(dataset)

    @cached_property
    def polls(self) -> int:
        """Polls that are complete."""
        return self.shortest(spec.POLLS)

    def shortest(self, table: Table) -> int:
        """Rows of the shortest column that is there; 0 if none is."""
        found = [self.column(table, column.name) for column in self.columns_of(table)]
        return min((column.rows for column in found if column is not None), default=0)

    def rows(self, table: Table) -> int:
        """Rows of a table that belong to complete polls."""
        if table in (spec.POLLS, spec.MARKS, spec.NAMES):
            return self.shortest(table)
        column = spec.TEXTS if table is spec.TEXT_BYTES else None
        ends = self.all(column, "end") if column else self.ends(table)
        last = int(ends[-1]) if ends is not None and len(ends) else 0
        return min(max(last, 0), self.shortest(table))

    def ends(self, table: Table) -> Values | None:
        """``polls/<table>_end`` of the complete polls; None if it cannot be read.

        All 0 for a table that came with a later version.
        """
        if table.since > self.layout:
            return np.zeros(self.polls, np.int64)
        return self.all(spec.POLLS, f"{table.name}_end")

    def all(self, table: Table, name: str) -> Values | None:
        """The complete rows of one column at once: for tables with few rows. None if any cannot be read."""
        column = self.column(table, name)
        return None if column is None else column.read(0, self.rows(table))

    def blocks(self, table: Table, name: str) -> Iterator[tuple[int, Values]]:
        """First row and values, chunk by chunk, of the complete rows that can be read."""
        column = self.column(table, name)
        if column is None:
            return
        end = self.rows(table)
        for chunk in column.chunks(0, end):
            if chunk.values is not None:
                yield chunk.first, chunk.values[: end - chunk.first]

    def texts_of(self, codes: Values) -> list[str | None]:
        """The names of these rows of ``names``, without those that continue; None where unreadable."""
        text = self.column(spec.NAMES, "text")
        read = [None if text is None else text.read(int(code), int(code) + 1) for code in codes]
        return [None if one is None or not len(one) else one[0].decode("utf-8", "replace") for one in read]

    def _find(self, table: Table, name: str) -> StoredColumn | None:
        dataset = self.dataset(path_of(table, name))
        if dataset is None:
            return None
        try:
            column = self.read_column(table, name, dataset)
        except H5_ERRORS:
            return None
        wanted = next(one for one in table.columns if one.name == name)
        if not is_of_kind(column, wanted.kind) or self._is_oversize(path_of(table, name), table, column):
            return None
        return column

    def _is_oversize(self, path: str, table: Table, column: StoredColumn) -> bool:
        """Of tables that are read piece by piece only what the file cannot have counts."""
        at_once = table in _READ_AT_ONCE
        size = max(column.dtype.itemsize, 8) if at_once else column.dtype.itemsize
        memory = size + ROW_BYTES if at_once else 0
        try:
            self._budget.check(path.lstrip("/"), column.rows, size, memory)
        except RefusedFileError as error:
            self.oversize[path] = error.reason
            return True
        return False

    def _object(self, path: str, kind: Any) -> Any:
        found = self._found(path)
        return found if isinstance(found, kind) else None

    def _found(self, path: str) -> Any:
        """Whatever is at ``path``; None if nothing is, or it cannot be opened."""
        if path not in self._objects:
            try:
                self._objects[path] = self.hdf5[path]
            except H5_ERRORS:
                self._objects[path] = None
        return self._objects[path]


def path_of(table: Table, column: str = "") -> str:
    """``/entry/polls/time``."""
    return f"/{ENTRY}/{table.name}/{column}".rstrip("/")


def is_of_kind(column: StoredColumn, kind: Kind) -> bool:
    """Whether it is one-dimensional and of the type; texts may be of any length."""
    wanted = np.dtype(kind.value)
    same = column.dtype.kind == wanted.kind == "S" or column.dtype == wanted
    return same and len(column.shape) == 1


def plain(value: Any) -> Any:
    """Texts of HDF5 as str, numbers of numpy as numbers."""
    if isinstance(value, np.generic):
        value = value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

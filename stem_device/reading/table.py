"""One table of a recording: columns as arrays, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from stem_device.errors import NoSuchDataError, NotRecordedError
from stem_device.reading.archive import Archive, Codes, Integers
from stem_device.reading.frames import make_frame
from stem_device.reading.rows import PartRows, replies, rows_by_server, rows_of
from stem_device.reading.selection import Selected
from stem_device.recording import format as spec
from stem_device.recording.kinds import Kind

Values = npt.NDArray[Any]
MaskedValues: TypeAlias = "np.ma.MaskedArray[Any, np.dtype[Any]]"

TABLES = {table.name: table for table in (spec.POLLS, *spec.ROW_TABLES, spec.MARKS)}
"""What a recording offers, by name."""

_ROW_POINTERS = frozenset({*(f"{table.name}_end" for table in spec.ROW_TABLES), "end"})
_NUMPY = {Kind.INTEGER: np.int64, Kind.FLOAT: np.float64, Kind.FLAG: np.bool_, Kind.NAME: np.int32}


class Table:
    """The rows of one table that a recording shows: by source, by part, and as they were recorded.

    ``table[column]`` reads one column of the shown rows, each time it is asked for: int64, float64, bool for
    flags, and object (str, or None where there is none) for names. Beside those of the file there are

    - ``source`` (int32): index into ``recording.sources``;
    - ``time_utc_ns`` (int64): when the poll of the row began; for marks, when they were emitted;
    - ``counted`` (bool, not for marks): False for rows of the first poll of a source. What ``*_delta`` tells
      there happened before the recording;
    - ``text`` (only ``texts``): the reply.

    Columns ``*_end`` of the file, which tell row numbers, are not shown: see :meth:`poll_rows`.
    Where there is no value, floats are NaN, names None and integers -1.
    Files of older versions of the format lack some columns. What they cannot tell is NaN or None too; to ask
    for an integer of theirs raises NotRecordedError: see :meth:`masked`.
    Raises NoSuchDataError for columns that do not exist, UnreadableRecordingError if the file is damaged.
    """

    def __init__(self, selected: Selected, name: str) -> None:
        self.name = name
        self._selected = selected
        self._columns = {column.name: column for column in TABLES[name].columns}
        self._kinds = {column.name: column.kind for column in TABLES[name].columns}
        own = [column for column in self._kinds if column not in _ROW_POINTERS]
        self._made = self._made_columns()
        self.columns = (*own, *(column for column in self._made if column not in own))

    def __len__(self) -> int:
        return sum(map(len, self._rows))

    def __getitem__(self, column: str) -> Values:
        self._check(column)
        if column in self._made:
            return self._made[column]()
        kind = self._kinds[column]
        if kind is Kind.NAME:
            return self._archive.texts(self.codes(column))
        if kind is Kind.INTEGER:
            self._check_recorded(column)
        values = self._joined([rows.values(column) for rows in self._rows], _NUMPY[kind])
        return values != 0 if kind is Kind.FLAG else values

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def __repr__(self) -> str:
        return f"<table {self.name}: {len(self):,} rows, columns {', '.join(self.columns)}>"

    def codes(self, column: str) -> Codes:
        """A column of names as int32 indices into ``recording.names``: equal names are equal, -1 is none."""
        self._check(column)
        if not self.is_name(column):
            names = tuple(name for name in self.columns if self.is_name(name))
            raise NoSuchDataError(f"column of names in {self.name}", column, names)
        return self._joined([rows.codes(column) for rows in self._rows], np.int32)

    def is_name(self, column: str) -> bool:
        """Whether it holds names."""
        return self._kinds.get(column) is Kind.NAME

    def masked(self, column: str) -> MaskedValues:
        """A column of numbers or flags, masked where there is no value, or a file has no such column.

        Raises NoSuchDataError for names and for columns that do not exist.
        """
        self._check(column)
        kind = self._kinds.get(column, Kind.INTEGER)
        if kind is Kind.NAME or column == "text":
            numbers = tuple(name for name in self.columns if not self.is_name(name))
            raise NoSuchDataError(f"column of numbers in {self.name}", column, numbers)
        if column in self._made:
            return np.ma.masked_array(self[column])
        values = self._joined([rows.values(column) for rows in self._rows], _NUMPY[kind])
        mask = ~np.repeat([rows.knows(column) for rows in self._rows], list(map(len, self._rows)))
        told = self._columns[column]
        if kind is Kind.FLOAT:
            mask |= np.isnan(values)
        elif kind is Kind.INTEGER:
            mask |= values == told.missing
        return np.ma.masked_array(values != 0 if kind is Kind.FLAG else values, mask)

    def knows(self, column: str) -> bool:
        """Whether every file that rows are shown of has this column; those of older formats lack some."""
        self._check(column)
        return column in self._made or all(rows.knows(column) for rows in self._rows)

    def poll_rows(self) -> Integers:
        """The row of each row's poll in ``recording["polls"]`` (int64): for ``numpy.bincount`` and the like.

        Raises NoSuchDataError for marks, which belong to no poll.
        """
        if self.name == "marks":
            raise NoSuchDataError("poll of", self.name, tuple(name for name in TABLES if name != "marks"))
        offsets = self._selected.poll_offsets
        pieces = []
        for rows in self._rows:
            position = np.cumsum(self._selected.polls[rows.part]) - 1 + offsets[rows.part]
            pieces.append(position[rows.polls()])
        return self._joined(pieces, np.int64)

    def server_runs(self) -> tuple[Codes, Integers]:
        """The server of row after row, as indices into ``recording.names``, and for how many rows in turn.

        Quick for samples: they stand by server, and ``servers`` tells how many there are of each.
        Raises NoSuchDataError for tables without a column ``server``.
        """
        runs = [rows_by_server(rows, self._selected) for rows in self._rows]
        if any(own is None for own in runs):
            codes = self.codes("server")
            return codes, np.ones(len(codes), dtype=np.int64)
        told = [own for own in runs if own is not None]
        return (
            self._joined([codes for codes, _ in told], np.int32),
            self._joined([lengths for _, lengths in told], np.int64),
        )

    def frame(self, library: str = "pandas", columns: Sequence[str] | None = None) -> Any:
        """A data frame of all columns or of ``columns``, by ``library`` "pandas" or "polars".

        Names are categorical. ``time_utc_ns`` becomes ``time_utc``, with the zone UTC and nanoseconds.
        Raises MissingExtraError if the library is not installed, OptionError for any other one.
        """
        wanted = self.columns if columns is None else tuple(columns)
        for column in wanted:
            self._check(column)
        return make_frame(library, {column: self._for_frame(column) for column in wanted})

    def _for_frame(self, column: str) -> tuple[Values, Values | None]:
        """Values, or codes and the names they stand for."""
        if self.is_name(column):
            return self.codes(column), self._archive.names
        return (self[column] if self.knows(column) else self.masked(column)), None

    @property
    def _archive(self) -> Archive:
        return self._selected.archive

    @cached_property
    def _rows(self) -> list[PartRows]:
        return [rows_of(self._selected, part, self.name) for part in range(len(self._archive.parts))]

    def _made_columns(self) -> dict[str, Callable[[], Values]]:
        """Columns that are not in the file."""
        source = {"source": self._source}
        if self.name == "marks":
            return source | {"time_utc_ns": lambda: self["emitted_utc_ns"]}
        made = source | {"time_utc_ns": self._times, "counted": self._counted}
        return made | {"text": self._texts} if self.name == "texts" else made

    def _source(self) -> Values:
        sources = self._archive.source_of_part
        return self._joined([np.full(len(rows), sources[rows.part]) for rows in self._rows], np.int32)

    def _times(self) -> Values:
        pieces = [self._archive.times(rows.part)[rows.polls()] for rows in self._rows]
        return self._joined(pieces, np.int64)

    def _counted(self) -> Values:
        pieces = [self._archive.counted(rows.part)[rows.polls()] for rows in self._rows]
        return self._joined(pieces, np.bool_)

    def _texts(self) -> Values:
        texts = [text for rows in self._rows for text in replies(rows)]
        out = np.empty(len(texts), dtype=object)
        out[:] = texts
        return out

    def _check_recorded(self, column: str) -> None:
        for rows in self._rows:
            if not rows.knows(column):
                file = self._archive.parts[rows.part]
                raise NotRecordedError(self.name, column, file.path, ".".join(map(str, file.version)))

    def _check(self, column: str) -> None:
        if column not in self.columns:
            raise NoSuchDataError(f"column of {self.name}", column, self.columns)

    def _joined(self, pieces: list[Values], dtype: type) -> Values:
        if len(pieces) == 1:
            return pieces[0].astype(dtype, copy=False) if dtype is not np.bool_ else pieces[0]
        return np.concatenate([np.empty(0, dtype), *pieces])

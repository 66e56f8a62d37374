"""Which rows of which file a table of a view consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.reading.archive import Archive, Codes, Integers
from stem_device.reading.part_file import Ranges
from stem_device.reading.selection import Filter, Flags, Selected
from stem_device.recording import format as spec

Values = npt.NDArray[Any]

_COUNTED_BY_SERVER = frozenset({"publisher_samples", "subscriber_samples"})
_CHUNK_ROWS = {table.name: table.chunk_rows for table in spec.TABLES}


@dataclass(frozen=True, slots=True)
class PartRows:
    """Rows of one table in one part: of the rows in ``ranges`` those with True in ``keep``; None is all."""

    archive: Archive
    part: int
    table: str
    ranges: Ranges
    keep: Flags | None = None

    def __len__(self) -> int:
        if self.keep is not None:
            return int(np.count_nonzero(self.keep))
        return sum(end - begin for begin, end in self.ranges)

    def values(self, column: str) -> Values:
        """As they are stored."""
        return self._kept(self.archive.parts[self.part].column(self.table, column, self.ranges))

    def knows(self, column: str) -> bool:
        """Whether these rows have values of a column; files of older formats lack some."""
        return not len(self) or self.archive.parts[self.part].knows(self.table, column)

    def codes(self, column: str) -> Codes:
        """Of a column of names."""
        return self._kept(self.archive.codes(self.part, self.table, column, self.ranges))

    def numbers(self) -> Integers:
        """Row in the file of each row, rising."""
        return self._kept(
            np.concatenate([np.empty(0, np.int64), *(np.arange(begin, end) for begin, end in self.ranges)])
        )

    def polls(self) -> Integers:
        """Index of each row's poll in its part."""
        ends = self.archive.ends(self.part, self.table)
        return self._kept(
            np.concatenate([np.empty(0, np.int64), *(_polls_of(ends, *rows) for rows in self.ranges)])
        )

    def _kept(self, values: Values) -> Values:
        return values if self.keep is None else values[self.keep]


def rows_of(selected: Selected, part: int, table: str, polls: Flags | None = None) -> PartRows:
    """The rows of ``table`` in ``part`` that are shown. Reads columns of names that have conditions.

    ``polls`` replaces the selection of polls of this part.
    """
    archive = selected.archive
    if table == "marks":
        marks = archive.parts[part].marks
        return PartRows(archive, part, table, [(0, marks)] if marks else [], selected.marks(part))
    shown = selected.polls[part] if polls is None else polls
    rows = PartRows(archive, part, table, _ranges(archive.ends(part, table), shown))
    for condition in selected.filters(table):
        rows = _filtered(rows, condition)
    return rows


def replies(rows: PartRows) -> list[str]:
    """The text of each row of the table ``texts``."""
    file = rows.archive.parts[rows.part]
    numbers = rows.numbers()
    if not len(numbers):
        return []
    ends = file.column("texts", "end", [(0, int(numbers[-1]) + 1)])
    begins = np.concatenate([[0], ends])
    replies = []
    for number in numbers:
        data = file.column("text_bytes", "data", [(int(begins[number]), int(ends[number]))])
        replies.append(data.tobytes().decode("utf-8", "replace"))
    return replies


def rows_by_server(rows: PartRows, selected: Selected) -> tuple[Codes, Integers] | None:
    """Servers and how many rows each has in turn, as the table ``servers`` tells; None where it does not."""
    if rows.table not in _COUNTED_BY_SERVER or rows.keep is not None:
        return None
    servers = rows_of(selected, rows.part, "servers")
    lengths = servers.values(rows.table)
    told = np.bincount(servers.polls(), lengths, minlength=rows.archive.parts[rows.part].polls)
    recorded = np.diff(rows.archive.ends(rows.part, rows.table), prepend=0)
    shown = selected.polls[rows.part]
    if (lengths < 0).any() or (told != recorded)[shown].any():
        return None
    return servers.codes("server"), lengths


def _ranges(ends: Integers, polls: Flags) -> list[tuple[int, int]]:
    """Rows of the polls that are True; neighbours together."""
    edges = np.flatnonzero(np.diff(polls, prepend=False, append=False))
    starts = np.concatenate([[0], ends])
    pairs = zip(starts[edges[::2]].tolist(), starts[edges[1::2]].tolist(), strict=True)
    return [(begin, end) for begin, end in pairs if begin < end]


def _filtered(rows: PartRows, condition: Filter) -> PartRows:
    keep = np.zeros(len(rows), dtype=np.bool_)
    for column in condition.columns:
        keep |= condition.allowed[rows.codes(column)]
    return _only_needed_chunks(rows, rows.numbers()[keep])


def _only_needed_chunks(rows: PartRows, numbers: Integers) -> PartRows:
    """Rows ``numbers``, which rise, read with as little around them as chunks allow."""
    size = _CHUNK_ROWS[rows.table]
    breaks = np.flatnonzero(np.diff(numbers) > size)
    firsts = numbers[np.concatenate([[0], breaks + 1])] if len(numbers) else numbers
    lasts = numbers[np.concatenate([breaks, [len(numbers) - 1]])] if len(numbers) else numbers
    ranges = list(zip(firsts.tolist(), (lasts + 1).tolist(), strict=True))
    lengths = lasts + 1 - firsts
    offsets = np.repeat(np.cumsum(lengths) - lengths - firsts, _counts(numbers, firsts))
    keep = np.zeros(int(lengths.sum()), dtype=np.bool_)
    keep[numbers + offsets] = True
    return PartRows(rows.archive, rows.part, rows.table, ranges, keep)


def _counts(numbers: Integers, firsts: Integers) -> Integers:
    """How many of ``numbers`` are in each range that begins at ``firsts``."""
    return np.diff(np.searchsorted(numbers, firsts), append=len(numbers))


def _polls_of(ends: Integers, begin: int, end: int) -> Integers:
    first = int(np.searchsorted(ends, begin, side="right"))
    last = int(np.searchsorted(ends, end, side="left"))
    edges = np.clip(np.concatenate([[begin], ends[first : last + 1]]), begin, end)
    return np.repeat(np.arange(first, last + 1), np.diff(edges))

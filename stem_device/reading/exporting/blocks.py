"""The rows of a recording in pieces of bounded size, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.reading.recording import Recording
from stem_device.reading.rows import PartRows, rows_of
from stem_device.reading.selection import Flags, Selected
from stem_device.recording import format as spec

BLOCK_ROWS = 50_000
"""So many rows of all tables make a block, unless a single poll has more."""

Values = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Block:
    """Some polls of one part with their rows of every table. ``done`` is the share of all that they end."""

    selected: Selected
    part: int
    polls: Flags
    done: float

    def rows(self, table: str) -> PartRows:
        """The selected rows of a table."""
        return rows_of(self.selected, self.part, table, self.polls)

    def names(self, rows: PartRows, column: str) -> Values:
        """Texts of a column of names, None where there is none."""
        return np.asarray(self.selected.archive.texts(rows.codes(column)))

    def times_utc_ns(self, rows: PartRows) -> Values:
        """When the poll of each row began."""
        return np.asarray(self.selected.archive.times(self.part)[rows.polls()])

    @property
    def source(self) -> int:
        return int(self.selected.archive.source_of_part[self.part])


def blocks_of(recording: Recording) -> Iterator[Block]:
    """All blocks, in order of the file. Raises UnreadableRecordingError where it is damaged."""
    selected = recording.selected
    polls = [np.flatnonzero(flags) for flags in selected.polls]
    total, before = max(sum(map(len, polls)), 1), 0
    for part, numbers in enumerate(polls):
        for chosen in _split(selected, part, numbers):
            flags = np.zeros(len(selected.polls[part]), np.bool_)
            flags[chosen] = True
            before += len(chosen)
            yield Block(selected, part, flags, before / total)


def _split(selected: Selected, part: int, numbers: Values) -> Iterator[Values]:
    ends = np.sum([selected.archive.ends(part, table.name) for table in spec.ROW_TABLES], axis=0)
    if not len(numbers):
        return
    rows = np.cumsum(np.diff(ends, prepend=0)[numbers])
    yield from np.split(numbers, 1 + np.flatnonzero(np.diff(rows // BLOCK_ROWS)))

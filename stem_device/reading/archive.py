"""The files behind a Recording and all of its views, with one numbering of names for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.errors import shown_path
from stem_device.model.mark import MarkKind
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import Link, Unseen
from stem_device.reading.part_file import PartFile, Ranges
from stem_device.reading.source import Source, sources_of
from stem_device.recording.layout import iso8601

_ROW_BYTES = 1024
"""Of a row of which objects are made: polls are taken one by one where that is done."""
_CODED: dict[tuple[str, str], frozenset[str]] = {
    ("servers", "state"): frozenset(ServerState),
    ("servers", "failure"): frozenset(Failure),
    ("streams", "unseen"): frozenset(Unseen),
    ("subscriptions", "link"): frozenset(Link),
    ("marks", "kind"): frozenset(MarkKind),
}
"""Columns that tell things by a code, of which there are no others."""
_MOST_NAMED = 3
"""Files in a message."""

Codes = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]
Names = npt.NDArray[np.object_]


class Archive:
    """Files in order. What several views need is read once: names, times and row counts of polls."""

    def __init__(self, parts: Sequence[PartFile]) -> None:
        self.parts = tuple(parts)
        self._ends: dict[tuple[int, str], Integers] = {}
        self._times: dict[int, Integers] = {}

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        return sources_of(self.parts)

    @cached_property
    def source_of_part(self) -> Codes:
        """Index into ``sources``, shape (parts,)."""
        ids = list(dict.fromkeys(part.recording_id for part in self.parts))
        return np.array([ids.index(part.recording_id) for part in self.parts], dtype=np.int32)

    @cached_property
    def names(self) -> Names:
        """Every name once, in the order in which the files have them."""
        return self._lookup[:-1]

    def texts(self, codes: Codes) -> Names:
        """The names of ``codes``, None for -1."""
        return self._lookup[codes]

    def codes(self, part: int, table: str, column: str, ranges: Ranges) -> Codes:
        """Rows of ``names`` for a column of names; equal names have equal codes, -1 is none."""
        local = self.parts[part].column(table, column, ranges)
        codes_of_rows = self._unified[1][part]
        if len(local) and not -1 <= local.min() <= local.max() < len(codes_of_rows) - 1:
            raise self.parts[part].damaged(f"entry/{table}/{column} has names that do not exist")
        allowed = _CODED.get((table, column))
        if allowed is not None:
            for code in np.unique(codes_of_rows[local]).tolist():
                if code >= 0 and self.names[code] not in allowed:
                    reason = f"entry/{table}/{column} has {self.names[code][:60]!r}, which is none of those"
                    raise self.parts[part].damaged(f"{reason} that there are")
        return codes_of_rows[local]

    def ends(self, part: int, table: str) -> Integers:
        """Row after the last one of each poll, shape (polls of the part,)."""
        key = (part, table)
        if key not in self._ends:
            self._ends[key] = self._read_ends(part, table)
        return self._ends[key]

    def times(self, part: int) -> Integers:
        """When each poll began, nanoseconds since 1970 UTC, shape (polls of the part,)."""
        if part not in self._times:
            polls = self.parts[part].polls
            self._times[part] = self.parts[part].column("polls", "time_utc_ns", [(0, polls)] if polls else [])
        return self._times[part]

    def counted(self, part: int) -> npt.NDArray[np.bool_]:
        """False for the first poll of each source, whose deltas precede it. Shape (polls of the part,)."""
        counted = np.ones(self.parts[part].polls, dtype=np.bool_)
        counted[:1] = self.part_before(part) is not None
        return counted

    def part_before(self, part: int) -> int | None:
        """The part with polls that precedes ``part`` in the same source; None if there is none."""
        if part == 0 or self.source_of_part[part - 1] != self.source_of_part[part]:
            return None
        return part - 1 if self.parts[part - 1].polls else self.part_before(part - 1)

    def close(self) -> None:
        """Close all files. What was read stays."""
        for part in self.parts:
            part.close()

    @cached_property
    def _lookup(self) -> Names:
        """Names by code; the last element is for -1."""
        return np.array([*self._unified[0], None], dtype=object)

    @cached_property
    def _unified(self) -> tuple[list[str], list[Codes]]:
        """All names, and for each part the code of each of its rows; the last element is for -1."""
        known: dict[str, int] = {}
        maps = [
            np.array([*(_code(known, name) for name in part.names()), -1], dtype=np.int32)
            for part in self.parts
        ]
        return list(known), maps

    def _read_ends(self, part: int, table: str) -> Integers:
        ends: npt.NDArray[Any] = (
            np.arange(1, self.parts[part].polls + 1) if table == "polls" else self.parts[part].ends(table)
        )
        if table == "polls" or not len(ends):
            return ends
        file, rows = self.parts[part], np.diff(ends, prepend=0)
        if (rows < 0).any():
            raise file.damaged(f"entry/polls/{table}_end falls")
        if ends[-1] > (there := file.rows(table)):
            raise file.damaged(f"entry/{table} has {there} rows, but by the polls it has {ends[-1]}")
        file.budget.check(f"one poll of entry/{table}", int(rows.max()), 8, _ROW_BYTES)
        return ends


def described_span(archive: Archive) -> str:
    """``12 polls from 2026-11-22T04:01:00.000000Z to ...Z in night.h5``."""
    times = [archive.times(part) for part in range(len(archive.parts))]
    every = np.concatenate([np.empty(0, np.int64), *times])
    files = ", ".join(shown_path(part.path.name) for part in archive.parts[:_MOST_NAMED])
    more = len(archive.parts) - _MOST_NAMED
    files += f" and {more} more" if more > 0 else ""
    if not len(every):
        return f"no poll was recorded in {files}"
    number = "1 poll" if len(every) == 1 else f"{len(every):,} polls"
    return f"there are {number} from {iso8601(int(every.min()))} to {iso8601(int(every.max()))} in {files}"


def _code(known: dict[str, int], name: str | None) -> int:
    return -1 if name is None else known.setdefault(name, len(known))

"""Marks and polls as columns in memory, for tests of what is computed from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.model.mark import Mark, MarkKind
from stem_device.runs import RunTable
from stem_device.runs.table import TOLD

SECOND = 1_000_000_000
T0 = 1_795_320_000 * SECOND


def mark(run: str, name: str, seconds: float, *, received: float | None = None, **told: Any) -> Mark:
    """A mark emitted so many seconds after T0; of the kind that its name says."""
    kind = MarkKind(name) if name in {"begin", "end"} else MarkKind.MARK
    emitted = T0 + round(seconds * SECOND)
    arrived = emitted if received is None else T0 + round(received * SECOND)
    return Mark(
        kind=kind,
        run=run,
        name=name,
        emitted_utc_ns=emitted,
        received_utc_ns=arrived,
        received_monotonic_ns=arrived - T0,
        **told,
    )


@dataclass
class Columns:
    """One table in memory. ``numbers`` are plain columns, ``texts`` columns of names."""

    names: list[str]
    numbers: dict[str, npt.NDArray[Any]]
    texts: dict[str, Sequence[str | None]] = field(default_factory=dict)
    polls: Columns | None = None

    def __len__(self) -> int:
        return len(next(iter(self.numbers.values())))

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        return self.numbers[column]

    def masked(self, column: str) -> Any:
        """As the reader does: a column that is not there is masked, and so is -1 in ``lost_since_utc_ns``."""
        if column not in self.numbers:
            return np.ma.masked_all(len(self), dtype=np.int64)
        values = self.numbers[column]
        return np.ma.masked_array(values, (values == -1) & (column == "lost_since_utc_ns"))

    def knows(self, column: str) -> bool:
        return column in self.numbers

    def poll_rows(self) -> npt.NDArray[np.int64]:
        """As the reader does; polls are known by source and number."""
        polls = self.polls or self
        where = {key: row for row, key in enumerate(zip(polls["source"], polls["poll"], strict=True))}
        rows = [where[key] for key in zip(self["source"], self["poll"], strict=True)]
        return np.array(rows, dtype=np.int64)

    def codes(self, column: str) -> npt.NDArray[np.int32]:
        return np.array([self._code(text) for text in self.texts[column]], dtype=np.int32)

    def _code(self, text: str | None) -> int:
        if text is None:
            return -1
        if text not in self.names:
            self.names.append(text)
        return self.names.index(text)


_TEXTS = ("kind", "run", "name", *TOLD, "error")
_NUMBERS = ("emitted_utc_ns", "received_utc_ns", "received_monotonic_ns")


@dataclass
class Recording:
    """Tables in memory."""

    tables: dict[str, Columns]
    known: list[str]

    @property
    def names(self) -> npt.NDArray[np.object_]:
        for table in self.tables.values():
            for column in table.texts:
                table.codes(column)
        return np.array(self.known, dtype=object)

    def __getitem__(self, table: str) -> Columns:
        return self.tables[table]


def recording(
    marks: Iterable[Mark],
    polls: Sequence[tuple[int, float, float]] = (),
    streams: Sequence[tuple[int, int, int]] = (),
    subscriptions: Sequence[tuple[Any, ...]] = (),
    source: Sequence[int] | None = None,
) -> Recording:
    """``polls`` are (source, seconds, duration), numbered from 7 in each source.

    ``streams`` are (source, poll from 0, published); ``subscriptions`` are (source, poll, server, received,
    missed), and where a test says so unaccounted and when the loss began, in seconds; None if nobody knows.
    """
    given = list(marks)
    # Codes must not be in the order of the alphabet, nor begin with what is looked for.
    names = ["zebra", "", "tango://a/b"]
    numbers = {name: np.array([getattr(one, name) for one in given], dtype=np.int64) for name in _NUMBERS}
    numbers["iteration"] = np.array([-1 if m.iteration is None else m.iteration for m in given], np.int64)
    numbers["source"] = np.array(source if source is not None else [0] * len(given), dtype=np.int32)
    texts: dict[str, Sequence[str | None]] = {name: [getattr(one, name) for one in given] for name in _TEXTS}
    first_of = {own: row for row, (own, _, _) in reversed(list(enumerate(polls)))}
    own_polls = Columns(
        names,
        {
            "source": _column(polls, 0).astype(np.int32),
            "poll": np.array([7 + row - first_of[own] for row, (own, _, _) in enumerate(polls)], np.int64),
            "time_utc_ns": T0 + np.round(_column(polls, 1) * SECOND).astype(np.int64),
            "duration_seconds": _column(polls, 2),
            "counted": np.array([first_of[own] != row for row, (own, _, _) in enumerate(polls)], np.bool_),
        },
    )
    published: dict[str, Any] = {
        "source": _column(streams, 0).astype(np.int32),
        "poll": 7 + _column(streams, 1).astype(np.int64),
    }
    published["published_delta"] = _column(streams, 2).astype(np.int64)
    received: dict[str, Any] = {
        "source": _column(subscriptions, 0).astype(np.int32),
        "poll": 7 + _column(subscriptions, 1).astype(np.int64),
        "received_delta": _column(subscriptions, 3).astype(np.int64),
        "missed_delta": _column(subscriptions, 4).astype(np.int64),
    }
    if any(len(row) > 5 for row in subscriptions):
        received["unaccounted_delta"] = _column(subscriptions, 5).astype(np.int64)
        onsets = [-1 if row[6] is None else T0 + round(row[6] * SECOND) for row in subscriptions]
        received["lost_since_utc_ns"] = np.array(onsets, np.int64)
    who: dict[str, Sequence[str | None]] = {
        "server": [row[2] for row in subscriptions],
        "publisher": [f"pub of {row[2]}" for row in subscriptions],
        "stream": [f"stream of {row[2]}" for row in subscriptions],
    }
    return Recording(
        {
            "marks": Columns(names, numbers, texts),
            "polls": own_polls,
            "streams": Columns(names, published, polls=own_polls),
            "subscriptions": Columns(names, received, who, own_polls),
        },
        names,
    )


def run_table(*marks: Mark, source: Sequence[int] | None = None) -> RunTable:
    made = recording(marks, source=source)
    return RunTable(made["marks"], made.names)


def _column(rows: Sequence[tuple[Any, ...]], index: int) -> npt.NDArray[np.float64]:
    return np.array([row[index] for row in rows], dtype=np.float64)

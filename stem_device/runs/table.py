"""All runs of a recording: what is known of each, as columns, and as one record a run on demand."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stem_device.model.mark import MarkKind
from stem_device.runs.marks import (
    BEGIN,
    END,
    NONE,
    Codes,
    Flags,
    Floats,
    Integers,
    MarkColumns,
    Names,
    code_of,
    order,
)

T = TypeVar("T", bound=np.generic)

QUEUED_MARKS = ("requested", "queued")

TOLD = ("device_group", "queue", "configuration", "host", "worker", "requestor", "request_id")
"""What marks tell of their run."""

_KINDS = (MarkKind.BEGIN, MarkKind.MARK, MarkKind.END)


class RunState(enum.StrEnum):
    """How far a run has come, by its marks."""

    QUEUED = "queued"
    ONGOING = "ongoing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RunMark:
    """One mark of a run; ``iteration`` is None if none was told. Times are ns since 1970 UTC."""

    kind: MarkKind
    name: str
    emitted_utc_ns: int
    received_utc_ns: int
    iteration: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run. What nobody told is None.

    ``begun_utc_ns`` is that of its first ``begin``, ``ended_utc_ns`` of its last ``end``; ``error`` is what
    the latter told. ``marks`` are in order of emission.
    """

    id: str
    state: RunState
    begun_utc_ns: int | None
    ended_utc_ns: int | None
    error: str | None
    device_group: str | None
    queue: str | None
    configuration: str | None
    host: str | None
    worker: str | None
    requestor: str | None
    request_id: str | None
    marks: tuple[RunMark, ...]

    @property
    def seconds(self) -> float | None:
        """From begin to end; None for a run that was never begun, or has not ended."""
        if self.begun_utc_ns is None or self.ended_utc_ns is None:
            return None
        return (self.ended_utc_ns - self.begun_utc_ns) / 1e9

    @property
    def occurrences(self) -> dict[str, int]:
        """How often each mark occurs."""
        counts: dict[str, int] = {}
        for mark in self.marks:
            counts[mark.name] = counts.get(mark.name, 0) + 1
        return counts


class RunTable:
    """Runs in the order of their first mark; arrays have one row a run.

    Iterate for Run records, or take one by number or by id. ``names`` is what codes are rows of.
    A run whose latest mark is one of ``queued_marks`` waits to be worked on.
    """

    def __init__(self, marks: MarkColumns, names: Names, queued_marks: Sequence[str] = QUEUED_MARKS) -> None:
        self._columns = marks
        self._queued_marks = tuple(queued_marks)
        self.names = names
        self.marks = order(marks, names)
        self._told: dict[str, Codes] = {}

    def __len__(self) -> int:
        return len(self.marks.run_code)

    def __iter__(self) -> Iterator[Run]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, which: int | str) -> Run:
        """Raises KeyError for an id, IndexError for a number, that is not there."""
        return self._record(self._number(which) if isinstance(which, str) else range(len(self))[which])

    @cached_property
    def ids(self) -> Names:
        """Identity of each run."""
        return self.names[self.marks.run_code]

    @cached_property
    def begun_utc_ns(self) -> Integers:
        """When the first ``begin`` was emitted; -1 for a run that was never begun."""
        return picked(self.marks.emitted_utc_ns, self._first_where(self.marks.kind == BEGIN))

    @cached_property
    def ended_utc_ns(self) -> Integers:
        """When the last ``end`` was emitted; -1 for a run that has not ended."""
        return picked(self.marks.emitted_utc_ns, self._ends)

    @property
    def first_utc_ns(self) -> Integers:
        """When its first mark was emitted."""
        return self.marks.emitted_utc_ns[self.marks.first]

    @property
    def last_utc_ns(self) -> Integers:
        """When its last mark was emitted."""
        return self.marks.emitted_utc_ns[self.marks.last]

    @cached_property
    def seconds(self) -> Floats:
        """From begin to end; NaN for a run without one of them. Negative if the clocks say so."""
        begun, ended = self.begun_utc_ns, self.ended_utc_ns
        return np.where((begun == NONE) | (ended == NONE), np.nan, (ended - begun) / 1e9)

    @property
    def ended(self) -> Flags:
        """Whether there is an ``end``."""
        ended: Flags = self._ends != NONE
        return ended

    @cached_property
    def errors(self) -> Names:
        """What the last ``end`` told; None for a run that ended well, or has not ended."""
        errors = self.texts(picked(self._mark_errors, self._ends))
        errors[errors == ""] = None
        return errors

    @property
    def failed(self) -> Flags:
        """Ended, and the last ``end`` told an error."""
        return np.fromiter((error is not None for error in self.errors), np.bool_, len(self))

    @cached_property
    def queued(self) -> Flags:
        """Not ended, and the latest mark is one of ``queued_marks``."""
        latest = self.marks.name[self.marks.last]
        waiting = [code_of(name, latest, self.names) for name in self._queued_marks]
        return np.isin(latest, waiting) & ~self.ended

    def codes(self, column: str) -> Codes:
        """What was told of each run, e.g. ``device_group``, as codes; -1 if nothing was.

        Of several tellings the one that was emitted last counts.
        """
        if column not in self._told:
            told = self._columns.codes(column)[self.marks.row]
            self._told[column] = picked(told, self._last_where(told >= 0))
        return self._told[column]

    def texts(self, codes: Codes) -> Names:
        """The names that ``codes`` mean, None for -1."""
        texts = np.full(len(codes), None, dtype=object)
        texts[codes >= 0] = self.names[codes[codes >= 0]]
        return texts

    @cached_property
    def _ends(self) -> Integers:
        return self._last_where(self.marks.kind == END)

    @cached_property
    def _mark_errors(self) -> Codes:
        return self._columns.codes("error")[self.marks.row]

    @cached_property
    def _received_utc_ns(self) -> Integers:
        received: Integers = self._columns["received_utc_ns"][self.marks.row]
        return received

    def _last_where(self, wanted: Flags) -> Integers:
        """The last mark of each run for which ``wanted`` is true; -1 if there is none."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        return np.maximum.reduceat(np.where(wanted, np.arange(len(wanted)), NONE), self.marks.first)

    def _first_where(self, wanted: Flags) -> Integers:
        """The first mark of each run for which ``wanted`` is true; -1 if there is none."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        beyond = len(wanted)
        found = np.minimum.reduceat(np.where(wanted, np.arange(beyond), beyond), self.marks.first)
        return np.where(found == beyond, NONE, found)

    def _number(self, run_id: str) -> int:
        found = np.flatnonzero(self.ids == run_id)
        if not len(found):
            raise KeyError(run_id)
        return int(found[0])

    def _record(self, number: int) -> Run:
        begun, ended = int(self.begun_utc_ns[number]), int(self.ended_utc_ns[number])
        return Run(
            id=self.ids[number],
            state=self._state(number),
            begun_utc_ns=None if begun == NONE else begun,
            ended_utc_ns=None if ended == NONE else ended,
            error=self.errors[number],
            marks=self._run_marks(number),
            **{column: self._text(self.codes(column)[number]) for column in TOLD},
        )

    def _state(self, number: int) -> RunState:
        if self.ended[number]:
            return RunState.ENDED
        return RunState.QUEUED if self.queued[number] else RunState.ONGOING

    def _run_marks(self, number: int) -> tuple[RunMark, ...]:
        marks = self.marks
        return tuple(
            RunMark(
                kind=_KINDS[marks.kind[at]],
                name=self.names[marks.name[at]],
                emitted_utc_ns=int(marks.emitted_utc_ns[at]),
                received_utc_ns=int(self._received_utc_ns[at]),
                iteration=None if marks.iteration[at] == NONE else int(marks.iteration[at]),
                error=self._text(self._mark_errors[at]) or None,
            )
            for at in range(marks.start[number], marks.start[number + 1])
        )

    def _text(self, code: int) -> str | None:
        return None if code == NONE else str(self.names[code])


def picked(values: npt.NDArray[T], position: Integers) -> npt.NDArray[T]:
    """``values[position]``, and -1 where the position is -1."""
    result = np.full(len(position), NONE, dtype=values.dtype)
    result[position >= 0] = values[position[position >= 0]]
    return result

"""Where runs come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from stem_device.runs.marks import Integers, MarkColumns, Names
from stem_device.runs.table import QUEUED_MARKS, RunTable


class PollColumns(MarkColumns, Protocol):
    """Any other table."""

    def poll_rows(self) -> Integers:
        """The row of each row's poll in the table ``polls``."""

    def masked(self, column: str) -> Any:
        """A column of numbers, masked where there is none."""

    def knows(self, column: str) -> bool:
        """Whether all files tell it."""


class Tables(Protocol):
    """A recording, as far as it is needed here: see ``stem_device.open_recording``."""

    @property
    def names(self) -> Names: ...

    def __getitem__(self, table: str) -> PollColumns: ...


def runs_of(recording: Tables | RunTable, *, queued_marks: Sequence[str] = QUEUED_MARKS) -> RunTable:
    """The runs of a recording; a RunTable is given back."""
    if isinstance(recording, RunTable):
        return recording
    return RunTable(recording["marks"], recording.names, queued_marks)

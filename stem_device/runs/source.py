"""Where runs come from."""

from __future__ import annotations

from typing import Protocol

from stem_device.runs.marks import MarkColumns, Names
from stem_device.runs.table import RunTable


class Tables(Protocol):
    """A recording, as far as it is needed here: see ``stem_device.open_recording``."""

    @property
    def names(self) -> Names: ...

    def __getitem__(self, table: str) -> MarkColumns: ...


def runs_of(recording: Tables | RunTable) -> RunTable:
    """The runs of a recording; a RunTable is given back."""
    if isinstance(recording, RunTable):
        return recording
    return RunTable(recording["marks"], recording.names)

"""From the buffer to the files: batches of rows, and what could not be written yet."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import time_ns

from stem_device.telemetry import names
from stem_device.telemetry.buffer import buffer
from stem_device.telemetry.lines import duration_rows, rows_in, value_rows
from stem_device.telemetry.runtime import Row
from stem_device.telemetry.series import Series
from stem_device.telemetry.settings import Settings

BATCH = 2000
"""Samples a write: 0.1 MB, and a millisecond in which other threads wait for the interpreter."""
_LABELS_LOOKED_AT = 50
_MOST_ROWS = 2000
"""Rows of runtime metrics that wait for a disk: two minutes of them."""


class Writing:
    """Both series of a process. ``label_bytes`` is what the labels of late took, a sample."""

    def __init__(self) -> None:
        self.durations = Series(Path(), names.DURATION_FILE_PREFIX, 0)
        self.rows = Series(Path(), names.RUNTIME_FILE_PREFIX, 0)
        self.durations_lost = 0
        self.rows_lost = 0
        self.label_bytes = 0
        self._rows: list[Row] = []
        self._lost_told = 0

    @property
    def waiting(self) -> int:
        """Samples that have left the buffer and are in no file."""
        return rows_in(self.durations.unwritten)

    def add_rows(self, rows: list[Row]) -> None:
        self._rows += rows
        too_many = max(0, len(self._rows) - _MOST_ROWS)
        del self._rows[:too_many]
        self.rows_lost += too_many

    def write(self, settings: Settings, lost: int) -> None:
        """Write all that there is. Raises OSError; what is not written then waits for the next time."""
        for series in (self.durations, self.rows):
            if (series.directory, series.file_bytes) != (settings.directory, settings.file_bytes):
                series.close()
                series.directory, series.file_bytes = settings.directory, settings.file_bytes
        self._write_durations()
        self._write_rows(lost)

    def _write_durations(self) -> None:
        self.durations.append(self.durations.unwritten)
        while values := buffer.take(BATCH):
            looked_at = {id(label): label for label in values[2 : 3 * _LABELS_LOOKED_AT : 3]}
            looked_at_count = min(len(values) // 3, _LABELS_LOOKED_AT)
            self.label_bytes = sum(map(sys.getsizeof, looked_at.values())) // looked_at_count
            self.durations.append(self._rows_of(values))

    def _rows_of(self, values: list[int | str]) -> bytes:
        """Whatever happens, what has left the buffer is written or counted."""
        try:
            return duration_rows(values, os.getpid())
        except BaseException:
            self.durations_lost += len(values) // 3
            raise

    def _write_rows(self, lost: int) -> None:
        self.rows.append(self.rows.unwritten)
        if lost > self._lost_told:
            self._lost_told = lost
            self._rows.append((time_ns(), float(lost), names.LOST))
        rows, self._rows = self._rows, []
        if rows:
            self.rows.append(value_rows(rows, os.getpid()))

    def close(self) -> None:
        self.durations.close()
        self.rows.close()

    def forget(self) -> None:
        """After a fork: the files are the parent's."""
        self.durations.forget()
        self.rows.forget()

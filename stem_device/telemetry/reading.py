"""Files of telemetry as columns, frames and series; also of the earlier package, and while they grow."""

from __future__ import annotations

import csv
import importlib
import os
import stat
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stem_device.errors import MissingExtraError, TelemetryError
from stem_device.telemetry import names

MAX_TIME_NS = 9_214_646_400_000_000_000
"""The year 2261, as in recordings."""
MAX_VALUE = 1 << 53
"""As in recordings: beyond it a float counts no more in ones. Not a number is no value, and can be."""
MAX_PID = (1 << 63) - 1

_MAX_FIELD = 1 << 24
"""Characters of a label; the module csv takes 131,072 unless told."""


@dataclass(frozen=True)
class Columns:
    """Rows in the order of time. ``skipped`` lines were no rows, or not complete yet."""

    timepoint: array[int] = field(default_factory=lambda: array("q"))
    measurement: array[float] = field(default_factory=lambda: array("d"))
    label: list[str] = field(default_factory=list)
    pid: array[int] = field(default_factory=lambda: array("q"))
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.label)


def read_columns(directory: str | os.PathLike[str], prefix: str) -> Columns:
    """All rows of ``<prefix>.*.csv`` in ``directory``. Raises TelemetryError."""
    folder = Path(directory)
    if not folder.is_dir():
        raise TelemetryError(str(folder), "is no directory")
    rows: list[tuple[int, float, str, int]] = []
    labels: dict[str, str] = {}
    skipped = 0
    for path in sorted(folder.glob(f"{prefix}*.csv")):
        for row in _rows(path):
            if row is None:
                skipped += 1
            else:
                rows.append((*row[:2], labels.setdefault(row[2], row[2]), row[3]))
    rows.sort(key=lambda row: row[0])
    return Columns(
        array("q", (row[0] for row in rows)),
        array("d", (row[1] for row in rows)),
        [row[2] for row in rows],
        array("q", (row[3] for row in rows)),
        skipped,
    )


def _rows(path: Path) -> Iterator[tuple[int, float, str, int] | None]:
    """Each row of a file; None for a line that is none."""
    csv.field_size_limit(_MAX_FIELD)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise TelemetryError(str(path), "is no regular file")
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            header = file.readline()
            if not header.endswith("\n"):
                return  # begun this very moment
            spaced = ", " in header
            if [one.strip() for one in header.split(",")] != [*names.COLUMNS]:
                raise TelemetryError(str(path), f"does not begin with {','.join(names.COLUMNS)}")
            yield from _parsed(csv.reader(_complete(file), skipinitialspace=spaced))
    except FileNotFoundError:
        return  # taken away since the directory was listed
    except OSError as error:
        raise TelemetryError(str(path), f"cannot be read: {error}") from error


def _parsed(lines: Iterator[list[str]]) -> Iterator[tuple[int, float, str, int] | None]:
    while True:
        try:
            yield row_of(next(lines))
        except csv.Error:
            yield None
        except StopIteration:
            return


def _complete(lines: Iterator[str]) -> Iterator[str]:
    """Not the line that is being written."""
    return (line for line in lines if line.endswith("\n"))


def row_of(fields: list[str]) -> tuple[int, float, str, int] | None:
    """Time, value, label and process of a line; None for one that is no row, or has numbers that cannot be.

    One such number would stop a monitor that reads it, or make a recording unreadable.
    """
    try:
        at, value, label, pid = fields
        row = int(at), float(value), label, int(pid)
    except ValueError:
        return None
    possible = 0 <= row[0] <= MAX_TIME_NS and not abs(row[1]) > MAX_VALUE and 0 <= row[3] <= MAX_PID
    return row if possible else None


class TelemetryFrame:
    """Rows of one kind of files: several series, told apart by label."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def skipped(self) -> int:
        """Lines of the files that were no rows, or not complete yet."""
        return self._columns.skipped

    def labels(self) -> list[str]:
        """In the order of their first rows."""
        return list(dict.fromkeys(self._columns.label))

    def time_series(self, label: str) -> TelemetrySeries:
        """The rows of ``label``; none where there is no such label."""
        columns = self._columns
        at = [index for index, one in enumerate(columns.label) if one == label]
        return TelemetrySeries(
            label,
            Columns(
                array("q", (columns.timepoint[index] for index in at)),
                array("d", (columns.measurement[index] for index in at)),
                [label] * len(at),
                array("q", (columns.pid[index] for index in at)),
            ),
        )

    def columns(self) -> Columns:
        """Plain columns: nanoseconds since 1970, values, labels, process numbers."""
        return self._columns

    def to_pandas(self) -> Any:
        """A frame with the columns of the files, Timepoint as datetime64[ns] in UTC without a zone."""
        pandas = _imported("pandas")
        columns = self._columns
        return pandas.DataFrame(
            {
                names.TIMEPOINT: pandas.to_datetime(list(columns.timepoint), unit="ns"),
                names.MEASUREMENT: list(map(float, columns.measurement)),
                names.LABEL: pandas.Series(columns.label, dtype=object),
                names.PID: pandas.Series(list(columns.pid), dtype="int64"),
            }
        )

    def to_polars(self) -> Any:
        """As :meth:`to_pandas`, Timepoint as Datetime("ns")."""
        polars = _imported("polars")
        columns = self._columns
        return polars.DataFrame(
            {
                names.TIMEPOINT: polars.Series(list(columns.timepoint), dtype=polars.Int64).cast(
                    polars.Datetime("ns")
                ),
                names.MEASUREMENT: polars.Series(list(columns.measurement), dtype=polars.Float64),
                names.LABEL: polars.Series(columns.label, dtype=polars.String),
                names.PID: polars.Series(list(columns.pid), dtype=polars.Int64),
            }
        )


class TelemetrySeries(TelemetryFrame):
    """The rows of one label."""

    def __init__(self, label: str, columns: Columns) -> None:
        super().__init__(columns)
        self._label = label

    def label(self) -> str:
        return self._label

    def labels(self) -> list[str]:
        return [self._label]

    def pids(self) -> list[int]:
        """The processes, in the order of their first rows."""
        return list(dict.fromkeys(self._columns.pid))

    def data(self, by_pid: int | None = None) -> Any:
        """A pandas Series of the values, by time; of one process if ``by_pid`` names it."""
        frame = self.to_pandas().set_index(names.TIMEPOINT)
        if by_pid is not None:
            frame = frame[frame[names.PID] == by_pid]
        return frame[names.MEASUREMENT]


class TelemetryDB:
    """All telemetry in a directory, as it was when this was made. Raises TelemetryError."""

    def __init__(self, monitoring_dir: str | os.PathLike[str]) -> None:
        self._duration = self.from_duration_data(monitoring_dir)
        self._runtime = self.from_runtime_data(monitoring_dir)

    @staticmethod
    def from_duration_data(monitoring_dir: str | os.PathLike[str]) -> TelemetryFrame:
        return TelemetryFrame(read_columns(monitoring_dir, names.DURATION_FILE_PREFIX))

    @staticmethod
    def from_runtime_data(monitoring_dir: str | os.PathLike[str]) -> TelemetryFrame:
        return TelemetryFrame(read_columns(monitoring_dir, names.RUNTIME_FILE_PREFIX))

    def duration(self) -> TelemetryFrame:
        return self._duration

    def runtime(self) -> TelemetryFrame:
        """All runtime metrics; those below are the ones that the earlier package has."""
        return self._runtime

    def gc_collections(self) -> TelemetrySeries:
        return self._runtime.time_series(names.GC_COLLECTIONS)

    def gc_collected(self) -> TelemetrySeries:
        return self._runtime.time_series(names.GC_COLLECTED)

    def gc_uncollectable(self) -> TelemetrySeries:
        return self._runtime.time_series(names.GC_UNCOLLECTABLE)

    def max_rss(self) -> TelemetrySeries:
        return self._runtime.time_series(names.MAX_RSS)

    def system_time(self) -> TelemetrySeries:
        return self._runtime.time_series(names.SYSTEM_TIME)

    def user_time(self) -> TelemetrySeries:
        return self._runtime.time_series(names.USER_TIME)


def open_telemetry(directory: str | os.PathLike[str]) -> TelemetryDB:
    """All telemetry in ``directory``: series, plain columns, pandas and polars frames."""
    return TelemetryDB(directory)


def _imported(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise MissingExtraError(library, f"a frame of {library}") from error

"""Writes the rows of a Plan to a new recording."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from stem_device.model.limits import MAX_COUNT
from stem_device.model.poll import ServerState
from stem_device.reading.recovery.journal import Journal
from stem_device.reading.recovery.plan import Plan
from stem_device.reading.validation.columns import H5_ERRORS, Values
from stem_device.reading.validation.stored import StoredFile, path_of
from stem_device.reading.validation.value_checks import CODES
from stem_device.recording import RecordingContext
from stem_device.recording import format as spec
from stem_device.recording.h5_typing import Hdf5Dataset, Hdf5File, import_h5py
from stem_device.recording.kinds import MAX_PARTS, MAX_TIME_NS, NAME_BYTES, Column, Kind, Table
from stem_device.recording.layout import ENTRY, Part, build

LOST_NAME = "(lost)"
"""Stands for the names of a column that is lost altogether; unreadable names have their row behind it."""
_BATCH_ROWS = 1 << 16


class Rewriter:
    """Copies what a Plan keeps of ``file`` to the new file at ``path``, column by column."""

    def __init__(self, file: StoredFile, plan: Plan, journal: Journal, path: Path) -> None:
        self._file = file
        self._plan = plan
        self._journal = journal
        self._path = path

    def write(self) -> None:
        """Raises OSError."""
        with import_h5py().File(self._path, "w-") as new:
            build(new, *self._description(), min(self._file.layout, spec.NEWEST))
            for number, table in enumerate(self._file.tables):
                self._journal.doing(path_of(table), 0.5 + 0.5 * number / len(self._file.tables))
                self._table(new, table)
            self._end_time(new)

    def _table(self, new: Hdf5File, table: Table) -> None:
        if table is spec.NAMES:
            self._names(new)
        elif table is spec.TEXTS:
            self._texts(new)
        elif table is not spec.TEXT_BYTES:
            rows = self._plan.rows(table)
            for column in self._file.columns_of(table):
                _append(new[path_of(table, column.name)], self._kept(table, column, rows))

    def _kept(self, table: Table, column: Column, rows: Values) -> Iterator[Values]:
        """The kept rows of a column, in pieces of bounded size."""
        computed = self._computed(table, column)
        for first in range(0, len(rows), _BATCH_ROWS):
            wanted = rows[first : first + _BATCH_ROWS]
            if wanted.any() and computed is None:
                yield self._batch(table, column, first, wanted)
        if computed is not None:
            yield computed

    def _computed(self, table: Table, column: Column) -> Values | None:
        """Columns that follow from the plan."""
        if table is spec.POLLS and column.name.endswith("_end"):
            (owner,) = (one for one in spec.ROW_TABLES if f"{one.name}_end" == column.name)
            return np.cumsum(self._plan.rows_a_poll(owner))
        if table is spec.POLLS and column.name == "time":
            return self._seconds()
        if column.name == "poll":
            numbers = self._numbers()
            if table is spec.POLLS:
                return numbers
            return np.repeat(numbers, self._plan.rows_a_poll(table))
        return None

    def _numbers(self) -> Values:
        if path_of(spec.POLLS, "poll") in self._plan.lost:
            return 1 + np.flatnonzero(self._plan.keep)
        return self._poll_column("poll")

    def _seconds(self) -> Values:
        """``time``, where it is lost from the monotonic clock."""
        column = next(one for one in spec.POLLS.columns if one.name == "time")
        seconds = self._poll_values(column)
        monotonic = self._poll_column("monotonic_ns") / 1e9
        start = np.nanmedian(monotonic - seconds) if np.isfinite(seconds).any() else monotonic[:1]
        wrong = ~(np.abs(monotonic - start - seconds) <= 1e-3)
        return np.where(wrong, monotonic - start, seconds)

    def _poll_column(self, name: str) -> Values:
        return self._poll_values(next(one for one in spec.POLLS.columns if one.name == name))

    def _poll_values(self, column: Column) -> Values:
        pieces = [
            self._batch(spec.POLLS, column, first, self._plan.keep[first : first + _BATCH_ROWS])
            for first in range(0, self._plan.polls, _BATCH_ROWS)
        ]
        return np.concatenate([np.zeros(0, column.kind.value), *pieces])

    def _batch(self, table: Table, column: Column, first: int, wanted: Values) -> Values:
        values = np.full(len(wanted), self._stand_in(column), column.kind.value)
        path = path_of(table, column.name)
        stored = None if self._journal.deadly(path) else self._file.column(table, column.name)
        if stored is not None and path not in self._plan.lost:
            end = first + len(wanted)
            for chunk in stored.chunks(first, end):
                if chunk.values is None:
                    if wanted[max(0, chunk.first - first) : chunk.first + chunk.rows - first].any():
                        self._journal.lose_chunk(path, chunk)
                    continue
                begin, stop = max(chunk.first, first), min(chunk.first + chunk.rows, end)
                values[begin - first : stop - first] = chunk.values[begin - chunk.first : stop - chunk.first]
        if column.kind is Kind.FLOAT:
            values = _possible(column, values)
        return self._known_codes(table, column, values[wanted])

    def _known_codes(self, table: Table, column: Column, values: Values) -> Values:
        """-1, for unknown, where the word that tells it cannot be read, or is no code."""
        for owner, name, allowed in CODES:
            if (owner, name) == (table, column.name):
                different = np.unique(values[(values >= 0) & (values < self._plan.names)])
                texts = self._file.texts_of(different)
                wrong = [code for code, text in zip(different, texts, strict=True) if text not in allowed]
                if wrong:
                    self._journal.lose(path_of(table, name), "codes that cannot be read")
                return np.where(np.isin(values, wrong), -1, values)
        return values

    def _stand_in(self, column: Column) -> Any:
        if column.kind is Kind.FLOAT:
            return np.nan
        if column.kind is Kind.FLAG:
            return 0
        if column.kind is Kind.NAME and not column.nullable:
            return self._plan.names  # the row of LOST_NAME
        return -1 if column.kind is Kind.NAME else column.missing

    def _names(self, new: Hdf5File) -> None:
        """Every row stays where it is, as others refer to it; behind them LOST_NAME, if a column needs it."""
        text = self._file.column(spec.NAMES, "text")
        continues = self._file.column(spec.NAMES, "continues")
        rows, states = self._plan.names, self._states()
        for first in range(0, rows, _BATCH_ROWS):
            end = min(first + _BATCH_ROWS, rows)
            names = np.array([self._instead(row, states) for row in range(first, end)], Kind.TEXT.value)
            goes_on = np.zeros(end - first, np.uint8)
            for chunk in text.chunks(first, end) if text is not None else ():
                if chunk.values is None:
                    self._journal.lose_chunk(path_of(spec.NAMES, "text"), chunk)
                    continue
                begin, stop = max(chunk.first, first), min(chunk.first + chunk.rows, end)
                names[begin - first : stop - first] = [
                    _utf8(one) for one in chunk.values[begin - chunk.first : stop - chunk.first]
                ]
            for chunk in continues.chunks(first, end) if continues is not None else ():
                if chunk.values is None:
                    self._journal.lose_chunk(path_of(spec.NAMES, "continues"), chunk)
                    continue
                begin, stop = max(chunk.first, first), min(chunk.first + chunk.rows, end)
                goes_on[begin - first : stop - first] = (
                    chunk.values[begin - chunk.first : stop - chunk.first] == 1
                )
            goes_on[: first == 0] = 0
            _append(new[path_of(spec.NAMES, "text")], [names])
            _append(new[path_of(spec.NAMES, "continues")], [goes_on])
        if self._plan.lost:
            _append(new[path_of(spec.NAMES, "text")], [np.array([LOST_NAME.encode()], Kind.TEXT.value)])
            _append(new[path_of(spec.NAMES, "continues")], [np.zeros(1, np.uint8)])

    def _instead(self, row: int, states: dict[int, ServerState]) -> bytes:
        """What stands for the name in this row if it cannot be read."""
        return states[row].encode() if row in states else f"{LOST_NAME[:-1]} {row})".encode()

    def _states(self) -> dict[int, ServerState]:
        """States by row of ``names``. Who answered in a poll is monitored, whatever the word for it was."""
        state, age = self._all_kept(spec.SERVERS, "state"), self._all_kept(spec.SERVERS, "age_seconds")
        return {
            int(code): ServerState.MONITORED if (age[state == code] == 0).any() else ServerState.UNREACHABLE
            for code in np.unique(state)
        }

    def _all_kept(self, table: Table, name: str) -> Values:
        column = next(one for one in table.columns if one.name == name)
        pieces = list(self._kept(table, column, self._plan.rows(table)))
        return np.concatenate([np.zeros(0, column.kind.value), *pieces])

    def _texts(self, new: Hdf5File) -> None:
        """Replies that cannot be read are empty."""
        rows = self._plan.rows(spec.TEXTS)
        ends = self._file.column(spec.TEXTS, "end")
        data = self._file.column(spec.TEXT_BYTES, "data")
        written, new_ends, lengths = 0, [], []
        for row in np.flatnonzero(rows):
            reply = _reply(ends, data, int(row))
            if reply is None:
                self._journal.lose(path_of(spec.TEXTS), "a reply")
            piece = reply or b""
            _append(new[path_of(spec.TEXT_BYTES, "data")], [np.frombuffer(piece, np.uint8)])
            written += len(piece)
            new_ends.append(written)
            lengths.append(len(piece.decode()))
        computed = {"end": np.array(new_ends, np.int64), "characters": np.array(lengths, np.int64)}
        for column in self._file.columns_of(spec.TEXTS):
            pieces = (
                [computed[column.name]] if column.name in computed else self._kept(spec.TEXTS, column, rows)
            )
            _append(new[path_of(spec.TEXTS, column.name)], pieces)

    def _description(self) -> tuple[RecordingContext, Part]:
        read = _Metadata(self._file, self._journal)
        context = RecordingContext(
            label=read.text("context/label"),
            targets=tuple(read.texts("context/targets")),
            properties=dict(
                zip(read.texts("context/property_names"), read.texts("context/property_values"), strict=False)
            ),
            host=read.text("context/host"),
            versions=dict(
                zip(read.texts("context/version_names"), read.texts("context/version_values"), strict=False)
            ),
        )
        begun = read.time("start_time")
        part = Part(
            recording_id=read.identity(),
            number=read.part(),
            started_utc_ns=read.time("context/recording_start_time") or begun,
            started_monotonic_ns=0,
            begun_utc_ns=begun or read.time("context/recording_start_time"),
        )
        return context, part

    def _end_time(self, new: Hdf5File) -> None:
        stamp = _Metadata(self._file, self._journal).end_time()
        if stamp:
            _append(new[f"/{ENTRY}/context/end_time"], [np.array([stamp.encode()])])


class _Metadata:
    """What the entry says; what is lost is empty."""

    def __init__(self, file: StoredFile, journal: Journal) -> None:
        self._file = file
        self._journal = journal

    def text(self, name: str) -> str:
        found = self.value(name)
        return found if isinstance(found, str) else ""

    def value(self, name: str) -> Any:
        path = f"/{ENTRY}/{name}"
        self._journal.doing(path)
        return None if self._journal.deadly(path) else self._file.value(path)

    def texts(self, name: str) -> list[str]:
        path = f"/{ENTRY}/{name}"
        self._journal.doing(path)
        known = not self._journal.deadly(path) and self._file.is_small(path)
        dataset = self._file.dataset(path) if known else None
        try:
            return [] if dataset is None else [one.decode("utf-8", "replace") for one in dataset[:1000]]
        except (*H5_ERRORS, AttributeError):
            return []

    def time(self, name: str) -> int:
        try:
            moment = datetime.fromisoformat(self.text(name)).astimezone(UTC)
        except ValueError:
            return 0
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        utc_ns = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
        return utc_ns if 0 <= utc_ns <= MAX_TIME_NS else 0

    def part(self) -> int:
        found = self.value("context/part")
        return found if isinstance(found, int) and 0 < found <= MAX_PARTS else 1

    def identity(self) -> str:
        found = self.text("entry_identifier")
        try:
            return str(uuid.UUID(found))
        except ValueError:
            return str(uuid.uuid4())

    def end_time(self) -> str:
        found = self.texts("context/end_time")
        try:
            moment = datetime.fromisoformat(found[0])
            return found[0] if moment.tzinfo and 1970 <= moment.year < 2262 else ""
        except (IndexError, ValueError):
            return ""


def _append(dataset: Hdf5Dataset, pieces: Iterable[Values]) -> None:
    """Add rows. The type in memory is that of the file: nothing is converted, texts least of all."""
    h5s = import_h5py().h5s
    for piece in pieces:
        first = dataset.shape[0]
        if len(piece):
            dataset.resize((first + len(piece),))
            there = dataset.id.get_space()
            there.select_hyperslab((first,), (len(piece),))
            here = h5s.create_simple((len(piece),))
            values = np.ascontiguousarray(piece, dataset.dtype)
            dataset.id.write(here, there, values, mtype=dataset.id.get_type())


def _possible(column: Column, values: Values) -> Values:
    """NaN for numbers that no float column has."""
    wrong = np.abs(values) > MAX_COUNT
    if column.name == "sample_coverage":
        wrong |= (values < 0) | (values > 1)
    return np.where(wrong, np.nan, values)


def _utf8(text: bytes) -> bytes:
    cut: bytes = text.decode("utf-8", "replace").encode()[:NAME_BYTES]
    return cut.decode("utf-8", "ignore").encode()


def _reply(ends: Any, data: Any, row: int) -> bytes | None:
    """None if it cannot be read, or is no text."""
    if ends is None or data is None:
        return None
    before = ends.read(row - 1, row) if row else np.zeros(1, np.int64)
    end = ends.read(row, row + 1)
    if before is None or end is None or not 0 <= int(before[0]) <= int(end[0]) <= data.rows:
        return None
    piece = data.read(int(before[0]), int(end[0]))
    try:
        return None if piece is None else piece.tobytes().decode().encode()
    except UnicodeError:
        return None

"""One file of a recording: what it says of itself, and slices of its columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from stem_device.errors import OptionError, RefusedFileError, UnreadableRecordingError
from stem_device.model.limits import MAX_COUNT, max_read_bytes
from stem_device.reading.access import FileAccess
from stem_device.reading.times import parse_iso8601
from stem_device.recording import format as spec
from stem_device.recording.gate import (
    Budget,
    attribute,
    open_dataset,
    open_hdf5,
    refuse_odd_file,
    refuse_swollen_chunks,
    small,
    text_of,
    texts_of,
)
from stem_device.recording.h5_typing import Hdf5File, import_h5py
from stem_device.recording.kinds import (
    MAX_PARTS,
    MAX_TIME_NS,
    Column,
    Kind,
    Version,
    bounds_of,
    version_of,
)
from stem_device.recording.layout import ENTRY
from stem_device.text import visible

Values = npt.NDArray[Any]
Ranges = Sequence[tuple[int, int]]
"""Rows from the first to before the second number, in rising order, none twice."""

_MOST_KEPT_OPEN = 128
"""Files; others are opened for every look, because a process may have few hundred files open."""
_MAJOR = spec.FORMAT_VERSION.split(".", maxsplit=1)[0]
_SINCE = {
    (table.name, column.name): (column, max(table.since, column.since))
    for table in spec.TABLES
    for column in table.columns
}
"""Every column, and the version of the format that brought it."""
_FIRST_COLUMNS = {table.name: table.columns[0].name for table in spec.TABLES}
_T = TypeVar("_T")

_COLUMNS_AT_A_TIME = 8
"""Statistics hold so many columns of a table, and what they compute of them, at the same time."""
_POLL_BYTES = 512
"""What readers remember of a poll or mark: the moment, and for each table where its rows end."""
_NAME_BYTES = 512
"""Of a row of names: as bytes, as text, and where it is looked up."""
_LISTS = ("targets", "property_names", "property_values", "version_names", "version_values")


@dataclass(frozen=True, slots=True)
class FileContext:
    """What a file says about how it was made."""

    label: str
    host: str
    targets: tuple[str, ...]
    properties: Mapping[str, str]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartFile:
    """An open file. ``polls`` is how many it had when it was opened; more are never shown.

    ``ended_utc_ns`` is None while it grows, or if its writer died. ``version`` is that of the format.
    """

    path: Path
    recording_id: str
    part: int
    started_utc_ns: int
    ended_utc_ns: int | None
    polls: int
    marks: int
    version: Version
    budget: Budget
    _access: FileAccess

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._access.close()

    def steadily(self, work: Callable[[], _T]) -> _T:
        """What ``work`` makes of several looks into the same state of the file; it may be called again."""
        return self._access.steadily(work)

    def context(self) -> FileContext:
        """Read label, host, targets, properties and versions."""
        return self._read(lambda file: _context(file, self.path), f"{ENTRY}/context")

    def first_poll(self) -> int:
        """The number of its first poll; it must have one."""
        return int(self.column("polls", "poll", [(0, 1)])[0])

    def ends(self, table: str) -> npt.NDArray[np.int64]:
        """Row after the last one of each poll, shape (polls,)."""
        everything = [(0, self.polls)] if self.polls else []
        return self.column("polls", f"{table}_end", everything).astype(np.int64, copy=False)

    def column(self, table: str, column: str, ranges: Ranges) -> Values:
        """The rows of ``ranges``, one after the other, as they are stored.

        Of a column that came with a later version of the format: what all rows had then, or that there is no
        value.
        """
        told, since = _SINCE[table, column]
        rows = sum(end - begin for begin, end in ranges)
        if not rows:
            return np.empty(0, dtype=told.kind.value)
        path = f"{ENTRY}/{table}/{column}"
        size = np.dtype(told.kind.value).itemsize
        self.budget.check(path, rows, size, _COLUMNS_AT_A_TIME * size)
        if since > self.version:
            return np.full(rows, _of_old_files(told), told.kind.value)
        values = self._read(lambda file: self._slices(file, path, ranges), path)
        self._check_values(path, told, values)
        return values

    def rows(self, table: str) -> int:
        """How many rows the first column of a table has, which may be more than belong to polls."""
        column = _FIRST_COLUMNS[table]
        if _SINCE[table, column][1] > self.version:
            return 0
        path = f"{ENTRY}/{table}/{column}"
        return self._read(lambda file: int(open_dataset(file, self.path, path).shape[0]), path)

    def knows(self, table: str, column: str) -> bool:
        """Whether the file tells what is in this column, or it is known without."""
        told, since = _SINCE[table, column]
        return since <= self.version or told.before is not None

    def names(self) -> list[str | None]:
        """The name that begins in each row of ``names``; None for rows that continue the one before."""
        texts, continues = self._read(self._name_rows, f"{ENTRY}/names")
        names: list[str | None] = [visible(text.decode("utf-8", "replace")) for text in texts]
        first = -1
        for row in np.flatnonzero(continues).tolist():
            first = first if row and continues[row - 1] else row - 1
            if first < 0:
                raise self.damaged("the first row of entry/names continues another one")
            names[first], names[row] = f"{names[first]}{names[row]}", None
        return names

    def _name_rows(self, file: Hdf5File) -> tuple[list[bytes], Values]:
        rows = _shortest(file, self.path, "names")
        text, continues = (self._dataset(file, f"{ENTRY}/names/{name}") for name in ("text", "continues"))
        size = text.get_type().get_size()
        self.budget.check(f"{ENTRY}/names/text", rows, size, size + _NAME_BYTES)
        high = import_h5py("reading recordings").Dataset
        return high(text)[:rows].tolist(), high(continues)[:rows]

    def _dataset(self, file: Hdf5File, path: str) -> Any:
        """A column, in h5py's lower interface; ValueError if it holds something else than the format says."""
        dataset = open_dataset(file, self.path, path)
        told, _ = _SINCE[tuple(path.split("/")[1:])]  # type: ignore[index]
        wanted, found = np.dtype(told.kind.value), dataset.dtype
        if found != wanted and not found.kind == wanted.kind == "S":
            raise ValueError(f"it has values of the type {found}, not {wanted}")
        return dataset

    def _slices(self, file: Hdf5File, path: str, ranges: Ranges) -> Values:
        """By h5py's lower interface: the upper one takes longer than HDF5 for a few thousand rows."""
        library = import_h5py("reading recordings")
        dataset = self._dataset(file, path)
        (length,) = dataset.shape
        if ranges[-1][1] > length:
            raise self.damaged(f"{path} has {length} rows, but by the polls it has {ranges[-1][1]}")
        refuse_swollen_chunks(dataset, ranges)
        out = np.empty(sum(end - begin for begin, end in ranges), dtype=dataset.dtype)
        space, position = dataset.get_space(), len(out)
        # From the end: the last chunk of a growing file moves, the others stay where they are.
        for begin, end in reversed(self._cut(ranges, dataset, length)):
            position -= end - begin
            space.select_hyperslab((begin,), (end - begin,))
            target = library.h5s.create_simple((end - begin,))
            dataset.read(target, space, out[position : position + end - begin])
        return out

    def _check_values(self, path: str, column: Column, values: Values) -> None:
        """Numbers that nobody can have counted lead to endless loops and overflows later on."""
        if column.kind is Kind.FLOAT and (np.abs(values) > MAX_COUNT).any():  # NaN is not
            raise self.damaged(f"{path} has a number that cannot be true, {np.nanmax(np.abs(values)):g}")
        if column.kind is not Kind.INTEGER or not len(values):
            return
        least, most = bounds_of(column)
        lowest, highest = int(values.min()), int(values.max())
        if lowest == column.missing:
            told = values[values != column.missing]
            if not len(told):
                return
            lowest = int(told.min())
        for number in (lowest, highest):
            if not least <= number <= most:
                raise self.damaged(f"{path} has a number that cannot be true, {number}")

    def _cut(self, ranges: Ranges, dataset: Any, length: int) -> Ranges:
        """With a range of its own for rows of the last chunk, if the file may grow."""
        if self.ended_utc_ns is not None or not ranges:
            return ranges
        chunk = dataset.get_create_plist().get_chunk()[0]
        (begin, end), cut = ranges[-1], length // chunk * chunk
        return [*ranges[:-1], (begin, cut), (cut, end)] if begin < cut < end else ranges

    def damaged(self, what: str) -> UnreadableRecordingError:
        """The error for content that cannot be right."""
        return UnreadableRecordingError(self.path, f"it is damaged: {what}", DAMAGED_ADVICE)

    def _read(self, look: Callable[[Hdf5File], _T], where: str) -> _T:
        try:
            return self._access.read(look)
        except MemoryError as error:
            reason = f"there is not enough memory for {where}"
            raise RefusedFileError(self.path, reason, "select less of it") from error
        except (OSError, KeyError, RuntimeError, ValueError, TypeError, OverflowError) as error:
            raise self.damaged(f"{where}: {_sentence(error)}") from error


DAMAGED_ADVICE = "`stem validate` tells what is wrong, `stem recover` saves what can be read"
_OTHER_ADVICE = "JSON lines are converted by `stem import`"


def _of_old_files(column: Column) -> float:
    """The value of a column that a file does not have yet."""
    if column.before is not None:
        return column.before
    return np.nan if column.kind is Kind.FLOAT else column.missing


def open_part(path: Path, *, keep_open: bool = True, max_bytes: int | None = None) -> PartFile:
    """Open a file and read what identifies it. Raises UnreadableRecordingError, MissingExtraError.

    ``max_bytes`` of memory is what it may make a reader take, as :class:`Budget` has it.
    """
    budget = Budget(path, _check_hdf5(path), max_read_bytes() if max_bytes is None else max_bytes)
    access = FileAccess(path)
    try:
        return access.read(lambda file: _identify(budget, file, access, keep_open=keep_open))
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, OptionError) as error:
        raise UnreadableRecordingError(path, f"it is damaged: {_sentence(error)}", DAMAGED_ADVICE) from error


def part_number(path: Path) -> tuple[str, int]:
    """Id of the recording and number of the part; ("", 0) if it is none, or cannot be read just now."""
    try:
        with open_hdf5(path) as file:
            _check_version(path, file)
            return _identifier(file, path), _number(file, path)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, UnreadableRecordingError):
        return "", 0


def open_parts(paths: Sequence[Path], max_bytes: int | None = None) -> list[PartFile]:
    """Open several files; all are closed if one of them cannot be read."""
    parts: list[PartFile] = []
    try:
        for path in paths:
            kept = len(parts) < _MOST_KEPT_OPEN
            parts.append(open_part(path, keep_open=kept, max_bytes=max_bytes))
    except BaseException:
        for part in parts:
            part.close()
        raise
    return parts


def _check_hdf5(path: Path) -> int:
    """Bytes of the file, if it may be one of HDF5."""
    try:
        refuse_odd_file(path)
        with path.open("rb") as file:
            begin = file.read(8)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableRecordingError(path, reason.lower(), "check the path") from error
    if begin != b"\x89HDF\r\n\x1a\n":
        raise UnreadableRecordingError(path, "it is no HDF5 file", _OTHER_ADVICE)
    return size


def _identify(budget: Budget, file: Hdf5File, access: FileAccess, *, keep_open: bool) -> PartFile:
    path = budget.path
    version = _check_version(path, file)
    ended = small(file, path, f"{ENTRY}/context/end_time")[:]
    polls = _length(file, path, "polls", "poll", ended=bool(len(ended)))
    budget.check(f"{ENTRY}/polls", polls, 8, _POLL_BYTES)
    marks = 0
    if "marks" in file[ENTRY]:  # files of format 1.0 have none
        marks = _length(file, path, "marks", "kind", ended=bool(len(ended)))
        budget.check(f"{ENTRY}/marks", marks, 4, _POLL_BYTES)
    part = PartFile(
        path=path,
        recording_id=_identifier(file, path),
        part=_number(file, path),
        started_utc_ns=_moment("recording_start_time", text_of(file, path, "context/recording_start_time")),
        ended_utc_ns=_moment("end_time", ended[0].decode()) if len(ended) else None,
        polls=polls,
        marks=marks,
        version=version,
        budget=budget,
        _access=access,
    )
    if len(ended) and keep_open:
        access.keep(file)
    return part


def _length(file: Hdf5File, path: Path, table: str, column: str, *, ended: bool) -> int:
    """Rows. A file that was closed has columns of equal length: to open all of them takes a while."""
    if not ended:
        return _shortest(file, path, table)
    return int(open_dataset(file, path, f"{ENTRY}/{table}/{column}").shape[0])


def _identifier(file: Hdf5File, path: Path) -> str:
    return text_of(file, path, "entry_identifier")


def _number(file: Hdf5File, path: Path) -> int:
    number = int(small(file, path, f"{ENTRY}/context/part")[()])
    if not 0 < number <= MAX_PARTS:
        raise ValueError(f"{ENTRY}/context/part is {number}")
    return number


def _moment(what: str, text: str) -> int:
    """Nanoseconds since 1970."""
    moment = parse_iso8601(what, text)
    if not 0 <= moment <= MAX_TIME_NS:
        raise ValueError(f"{what} is {text[:60]!r}, which cannot be true")
    return moment


def _check_version(path: Path, file: Hdf5File) -> Version:
    """The version of the format, if this program can read it."""
    if attribute(file, "stem_format") != spec.FORMAT_NAME:
        reason = "it is an HDF5 file, but no recording of stem-device (it has no attribute stem_format)"
        raise UnreadableRecordingError(path, reason, "check the path")
    told = str(attribute(file, "stem_format_version"))
    version = version_of(told)
    if version is None:
        reason = f"its format is version {told}, and this program reads {_MAJOR}.x"
        raise UnreadableRecordingError(path, reason, "use a newer stem-device")
    return version


def _context(file: Hdf5File, path: Path) -> FileContext:
    lists = {name: texts_of(file, path, f"context/{name}") for name in _LISTS}
    return FileContext(
        label=text_of(file, path, "context/label"),
        host=text_of(file, path, "context/host"),
        targets=tuple(lists["targets"]),
        properties=dict(zip(lists["property_names"], lists["property_values"], strict=True)),
        versions=dict(zip(lists["version_names"], lists["version_values"], strict=True)),
    )


def _shortest(file: Hdf5File, path: Path, table: str) -> int:
    """Rows of the shortest column, by h5py's lower interface: it is asked for at each look."""
    group = import_h5py("reading recordings").h5g.open(file.id, f"{ENTRY}/{table}".encode())
    names = [name.decode("utf-8", "replace") for name in group]
    return min(int(open_dataset(file, path, f"{ENTRY}/{table}/{name}").shape[0]) for name in names)


def _sentence(error: Exception) -> str:
    """What a library says, in one line."""
    return " ".join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())

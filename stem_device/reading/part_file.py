"""One file of a recording: what it says of itself, and slices of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from stem_device.errors import OptionError, UnreadableRecordingError
from stem_device.reading.access import FileAccess
from stem_device.reading.times import parse_iso8601
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind, Version, version_of
from stem_device.recording.layout import ENTRY
from stem_device.recording.untyped import Hdf5File, Hdf5Group, import_h5py
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
_T = TypeVar("_T")


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
    _access: FileAccess

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._access.close()

    def steadily(self, work: Callable[[], _T]) -> _T:
        """What ``work`` makes of several looks into the same state of the file; it may be called again."""
        return self._access.steadily(work)

    def context(self) -> FileContext:
        """Read label, host, targets, properties and versions."""
        return self._read(lambda file: _context(file[ENTRY]["context"]), f"{ENTRY}/context")

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
        if since > self.version:
            return np.full(rows, _of_old_files(told), told.kind.value)
        path = f"{ENTRY}/{table}/{column}"
        return self._read(lambda file: self._slices(file, path, ranges), path)

    def knows(self, table: str, column: str) -> bool:
        """Whether the file tells what is in this column, or it is known without."""
        told, since = _SINCE[table, column]
        return since <= self.version or told.before is not None

    def names(self) -> list[str | None]:
        """The name that begins in each row of ``names``; None for rows that continue the one before."""
        texts, continues = self._read(lambda file: _name_rows(file[ENTRY]["names"]), f"{ENTRY}/names")
        names: list[str | None] = [visible(text.decode("utf-8", "replace")) for text in texts]
        first = -1
        for row in np.flatnonzero(continues).tolist():
            first = first if row and continues[row - 1] else row - 1
            if first < 0:
                raise self.damaged("the first row of entry/names continues another one")
            names[first], names[row] = f"{names[first]}{names[row]}", None
        return names

    def _slices(self, file: Hdf5File, path: str, ranges: Ranges) -> Values:
        """By h5py's lower interface: the upper one takes longer than HDF5 for a few thousand rows."""
        library = import_h5py("reading recordings")
        dataset = library.h5d.open(file.id, path.encode())
        (length,) = dataset.shape
        if ranges and ranges[-1][1] > length:
            raise self.damaged(f"{path} has {length} rows, but polls tell of {ranges[-1][1]}")
        out = np.empty(sum(end - begin for begin, end in ranges), dtype=dataset.dtype)
        space, position = dataset.get_space(), len(out)
        # From the end: the last chunk of a growing file moves, the others stay where they are.
        for begin, end in reversed(self._cut(ranges, dataset, length)):
            position -= end - begin
            space.select_hyperslab((begin,), (end - begin,))
            target = library.h5s.create_simple((end - begin,))
            dataset.read(target, space, out[position : position + end - begin])
        return out

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
        except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
            raise self.damaged(f"{where}: {_sentence(error)}") from error


DAMAGED_ADVICE = "`stem validate` tells what is wrong, `stem recover` saves what can be read"
_OTHER_ADVICE = "JSON lines are converted by `stem import`"


def _of_old_files(column: Column) -> float:
    """The value of a column that a file does not have yet."""
    if column.before is not None:
        return column.before
    return np.nan if column.kind is Kind.FLOAT else column.missing


def open_part(path: Path, *, keep_open: bool = True) -> PartFile:
    """Open a file and read what identifies it. Raises UnreadableRecordingError, MissingExtraError."""
    _check_hdf5(path)
    access = FileAccess(path)
    try:
        return access.read(lambda file: _identify(path, file, access, keep_open=keep_open))
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, OptionError) as error:
        raise UnreadableRecordingError(path, f"it is damaged: {_sentence(error)}", DAMAGED_ADVICE) from error


def part_number(path: Path) -> tuple[str, int]:
    """Id of the recording and number of the part; ("", 0) if it is none, or cannot be read just now."""
    try:
        with import_h5py("reading recordings").File(path, "r", locking=False) as file:
            _check_version(path, file.attrs)
            entry = file[ENTRY]
            return _text(entry["entry_identifier"]), int(entry["context/part"][()])
    except (OSError, KeyError, RuntimeError, ValueError, UnreadableRecordingError):
        return "", 0


def open_parts(paths: Sequence[Path]) -> list[PartFile]:
    """Open several files; all are closed if one of them cannot be read."""
    parts: list[PartFile] = []
    try:
        for path in paths:
            parts.append(open_part(path, keep_open=len(parts) < _MOST_KEPT_OPEN))
    except BaseException:
        for part in parts:
            part.close()
        raise
    return parts


def _check_hdf5(path: Path) -> None:
    try:
        with path.open("rb") as file:
            begin = file.read(8)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableRecordingError(path, reason.lower(), "check the path") from error
    if begin != b"\x89HDF\r\n\x1a\n":
        raise UnreadableRecordingError(path, "it is no HDF5 file", _OTHER_ADVICE)


def _identify(path: Path, file: Hdf5File, access: FileAccess, *, keep_open: bool) -> PartFile:
    version = _check_version(path, file.attrs)
    entry = file[ENTRY]
    context = entry["context"]
    ended = context["end_time"][:]
    part = PartFile(
        path=path,
        recording_id=_text(entry["entry_identifier"]),
        part=int(context["part"][()]),
        started_utc_ns=parse_iso8601("recording_start_time", _text(context["recording_start_time"])),
        ended_utc_ns=parse_iso8601("end_time", ended[0].decode()) if len(ended) else None,
        # A file that was closed has columns of equal length: to open all of them takes a while.
        polls=len(entry["polls/poll"]) if len(ended) else _shortest(entry["polls"]),
        marks=_marks(entry, ended=bool(len(ended))),
        version=version,
        _access=access,
    )
    if len(ended) and keep_open:
        access.keep(file)
    return part


def _marks(entry: Hdf5Group, *, ended: bool) -> int:
    """Files of format 1.0 have none."""
    if "marks" not in entry:
        return 0
    return len(entry["marks/kind"]) if ended else _shortest(entry["marks"])


def _check_version(path: Path, attributes: Mapping[str, Any]) -> Version:
    """The version of the format, if this program can read it."""
    if attributes.get("stem_format") != spec.FORMAT_NAME:
        reason = "it is an HDF5 file, but no recording of stem-device (it has no attribute stem_format)"
        raise UnreadableRecordingError(path, reason, "check the path")
    told = str(attributes.get("stem_format_version"))
    version = version_of(told)
    if version is None:
        reason = f"its format is version {told}, and this program reads {_MAJOR}.x"
        raise UnreadableRecordingError(path, reason, "use a newer stem-device")
    return version


def _context(group: Hdf5Group) -> FileContext:
    return FileContext(
        label=_text(group["label"]),
        host=_text(group["host"]),
        targets=tuple(_texts(group["targets"])),
        properties=dict(zip(_texts(group["property_names"]), _texts(group["property_values"]), strict=True)),
        versions=dict(zip(_texts(group["version_names"]), _texts(group["version_values"]), strict=True)),
    )


def _name_rows(group: Hdf5Group) -> tuple[list[bytes], Values]:
    rows = _shortest(group)
    return group["text"][:rows].tolist(), group["continues"][:rows]


def _shortest(group: Hdf5Group) -> int:
    """Rows of the shortest column, by h5py's lower interface: it is asked for at each look."""
    open_dataset = import_h5py("reading recordings").h5d.open
    return min(int(open_dataset(group.id, name).shape[0]) for name in group.id)


def _text(dataset: Any) -> str:
    return visible(str(dataset.asstr()[()]))


def _texts(dataset: Any) -> list[str]:
    return [visible(text.decode("utf-8", "replace")) for text in dataset[:].tolist()]


def _sentence(error: Exception) -> str:
    """What a library says, in one line."""
    return " ".join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())

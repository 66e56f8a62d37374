"""Events that were heard on the wire, read from a file of ``stem tap -o``."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from stem_device.errors import RecordingError
from stem_device.reading.importing.lines import Lines
from stem_device.recording.event_files import FORMAT, HDF5_SUFFIXES, WAITING_EVENTS, HeardEvent
from stem_device.recording.gate import refuse_odd_file
from stem_device.recording.h5_typing import import_h5py

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_COLUMNS = ("time_utc_ns", "name", "counter", "size", "about")
_H5_ERRORS = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError)
_UNREADABLE = (*_H5_ERRORS, msgspec.MsgspecError)
"""What h5py, numpy and msgspec make of files that are damaged, or that somebody else has written."""
_NO_EVENTS = "it has no events; stem tap -o writes such files"


def read_events(path: Path) -> Iterator[HeardEvent]:
    """Every event of a file, in its order. Raises RecordingError for what is none."""
    if path.suffix.lower() in HDF5_SUFFIXES:
        yield from _from_hdf5(path)
    else:
        yield from _from_lines(path)


def _from_lines(path: Path) -> Iterator[HeardEvent]:
    lines = Lines(path)
    for number, line in lines:
        try:
            event = _of_line(line)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise RecordingError(path, "read", f"line {number} is no event of stem tap: {error}") from error
        yield event
    if lines.problem:
        raise RecordingError(path, "read", lines.problem)


def _of_line(line: bytes | None) -> HeardEvent:
    """Raises ValueError, RecursionError or an error of msgspec for what is none."""
    if line is None:
        raise ValueError("it is too long")
    told = msgspec.json.decode(line, type=dict[str, Any])
    time = told.pop("time", None)
    if not isinstance(time, str):
        raise ValueError("it has no time")  # noqa: TRY004 - wrong data, whatever its type
    moment = datetime.datetime.fromisoformat(time)
    if moment.tzinfo is None:
        raise ValueError("its time has no time zone")
    since = moment - _EPOCH
    told["time_utc_ns"] = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
    return msgspec.convert(told, HeardEvent)


def _from_hdf5(path: Path) -> Iterator[HeardEvent]:
    h5py = import_h5py("reading events from HDF5")
    try:
        refuse_odd_file(path)
        with h5py.File(path, "r", locking=False) as file:
            if file.attrs.get("format") != FORMAT:
                raise RecordingError(path, "read", _NO_EVENTS)
            names = [name.decode() for name in file["names"][:]]
            count = len(file["time_utc_ns"])
            for begin in range(0, count, WAITING_EVENTS):
                end = min(count, begin + WAITING_EVENTS)
                rows = zip(*(file[name][begin:end] for name in _COLUMNS), strict=True)
                yield from (_event(names, row) for row in rows)
    except _UNREADABLE as error:
        raise RecordingError(path, "read", f"{_NO_EVENTS}, or it is damaged: {error}") from error


def _event(names: list[str], row: tuple[Any, ...]) -> HeardEvent:
    moment, name, counter, size, about = row
    if name < 0:
        raise ValueError(f"an event has the name number {name}")
    told = msgspec.json.decode(about) if about else {}
    head = {"time_utc_ns": int(moment), "name": names[name], "counter": int(counter), "size": int(size)}
    return msgspec.convert({**told, **head}, HeardEvent)

"""Events that were heard on the wire, one by one, in a file: JSON lines, or HDF5. docs/reference/tap.md."""

from __future__ import annotations

import contextlib
import datetime
import os
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
import numpy as np
from msgspec import Meta, Struct

from stem_device.errors import RecordingError
from stem_device.model.clock import MAX_UTC_NS
from stem_device.model.limits import MAX_COUNT
from stem_device.recording.disk_errors import explain_output
from stem_device.recording.growing_file import GrowingFile
from stem_device.recording.h5_typing import import_h5py
from stem_device.recording.output_path import output_file, refuse_standard_output
from stem_device.wire.frames import EVENT_FRAMES, MAX_FRAME_BYTES, MAX_TOPIC_BYTES

HDF5_SUFFIXES = (".h5", ".hdf5")
FORMAT, VERSION = "stem-device.events", 1
MAX_EVENT_BYTES = EVENT_FRAMES * MAX_FRAME_BYTES
MAX_NAME_CHARACTERS = 4 * MAX_TOPIC_BYTES
"""A byte of a topic that is no text is shown as four characters."""

WAITING_EVENTS = 5_000
"""Events that are kept until they are written together: what a full disk may cost."""

_CHUNK_ROWS = 8192
_ROOM_BYTES = 2 * _CHUNK_ROWS * 60 + 2**18
"""What a flush takes at the most besides texts: two chunks of each column written anew, which have 60 bytes a
row together, and what HDF5 needs to find them."""

_ENCODER = msgspec.json.Encoder()
_UTC = datetime.UTC


class HeardEvent(Struct, frozen=True, omit_defaults=True):
    """One event. ``name`` is its topic; ``counter`` is 0 where events carry no number; ``size`` in bytes.

    ``value``, ``written`` (the set point) and ``type`` (Tango's) are there where values were asked for,
    ``errors`` where the event is an error, ``undecoded`` says why there is none. What is read from a file is
    within the limits below, which are those of the tap: more would be memory that somebody else chose.
    """

    time_utc_ns: Annotated[int, Meta(ge=0, le=MAX_UTC_NS)]
    name: Annotated[str, Meta(max_length=MAX_NAME_CHARACTERS)]
    counter: Annotated[int, Meta(ge=0, le=MAX_COUNT)]
    size: Annotated[int, Meta(ge=0, le=MAX_EVENT_BYTES)]
    type: str = ""
    value: Any = None
    written: Any = None
    quality: str = ""
    errors: tuple[tuple[str, str, str], ...] = ()
    undecoded: str = ""


class EventFile(Protocol):
    """Takes events, and has them in the file when ``flush`` returns. Raises RecordingError."""

    def add(self, event: HeardEvent) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


def open_events(path: Path) -> EventFile:
    """A new file, HDF5 by its suffix. Raises RecordingError if it is there or cannot be made."""
    refuse_standard_output(path, "it shows what goes over the wire")
    target = output_file(path)
    if target.exists():
        raise RecordingError(target, "make", "the file is there already; choose another")
    return Hdf5Events(target) if path.suffix.lower() in HDF5_SUFFIXES else JsonLinesEvents(target)


class JsonLinesEvents:
    """One object a line; ``.gz`` and ``.zst`` compress."""

    def __init__(self, path: Path) -> None:
        self._file = GrowingFile(path)
        self._lines: list[bytes] = []

    def add(self, event: HeardEvent) -> None:
        told = msgspec.to_builtins(event)
        del told["time_utc_ns"]
        self._lines.append(_ENCODER.encode({"time": _iso(event.time_utc_ns), **told}) + b"\n")
        if len(self._lines) >= WAITING_EVENTS:
            self.flush()

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._file.write(b"".join(lines))

    def close(self) -> None:
        self.flush()
        self._file.close()


class Hdf5Events:
    """Columns ``time_utc_ns``, ``name`` (index into ``names``), ``counter``, ``size``; ``about``: the rest as
    JSON, where values were asked for. Complete after every flush.

    Room on the disk is taken before HDF5 writes: where a write of its own fails, the library is left in a
    state that ends the process later on.
    """

    def __init__(self, path: Path) -> None:
        h5py = import_h5py()
        self._path = path
        self._names: dict[str, int] = {}
        self._new_names: list[str] = []
        self._rows: list[tuple[int, int, int, int]] = []
        self._about: list[bytes] = []
        self._failed = False
        try:
            _make(path)
            self._file = h5py.File(path, "w", locking=False)
            self._take_room(_ROOM_BYTES)
            self._file.attrs["format"], self._file.attrs["version"] = FORMAT, VERSION
            text = h5py.string_dtype()
            for name, kind in (
                ("time_utc_ns", np.int64),
                ("name", np.int32),
                ("counter", np.uint64),
                ("size", np.int64),
                ("about", text),
                ("names", text),
            ):
                self._file.create_dataset(
                    name, shape=(0,), maxshape=(None,), dtype=kind, chunks=(_CHUNK_ROWS,), compression="gzip"
                )
            self._file.flush()
        except OSError as error:
            raise RecordingError(path, "make", explain_output(error, path)) from error

    def add(self, event: HeardEvent) -> None:
        number = self._names.get(event.name)
        if number is None:
            number = self._names[event.name] = len(self._names)
            self._new_names.append(event.name)
        self._rows.append((event.time_utc_ns, number, event.counter, event.size))
        about = msgspec.to_builtins(event)
        for name in ("time_utc_ns", "name", "counter", "size"):
            del about[name]
        self._about.append(_ENCODER.encode(about) if about else b"")
        if len(self._rows) >= WAITING_EVENTS:
            self.flush()

    def flush(self) -> None:
        rows, self._rows = self._rows, []
        about, self._about = self._about, []
        names, self._new_names = self._new_names, []
        if not rows or self._failed:
            return
        try:
            texts = sum(map(len, about)) + sum(4 * len(name) for name in names)
            self._take_room(_ROOM_BYTES + 2 * texts)
            self._append("names", names)
            self._append("about", about)
            for name, values in zip(
                ("name", "counter", "size"), list(zip(*rows, strict=True))[1:], strict=True
            ):
                self._append(name, values)
            self._append("time_utc_ns", [row[0] for row in rows])
            self._file.flush()
        except OSError as error:
            self._failed = True
            raise RecordingError(self._path, "write", explain_output(error, self._path)) from error

    def close(self) -> None:
        try:
            self.flush()
        finally:
            if self._file:  # it is False once it is closed
                size = self._file.id.get_filesize()
                self._file.close()
                self._give_room_back(size)

    def _take_room(self, size: int) -> None:
        """Have the disk hold so many bytes more. Raises OSError."""
        os.posix_fallocate(self._file.id.get_vfd_handle(), 0, self._file.id.get_filesize() + size)

    def _give_room_back(self, size: int) -> None:
        """What was taken and not used, behind the end of the file; it harms nobody where it stays."""
        with contextlib.suppress(OSError):
            if self._path.stat().st_size > size:
                os.truncate(self._path, size)

    def _append(self, name: str, values: Any) -> None:
        data = self._file[name]
        begin = len(data)
        data.resize((begin + len(values),))
        data[begin:] = values


def _make(path: Path) -> None:
    """A new file where there is room for the beginning of one; none otherwise. Raises OSError."""
    with path.open("xb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, 2 * _ROOM_BYTES)
        except OSError:
            path.unlink()
            raise


def _iso(time_utc_ns: int) -> str:
    seconds, nanos = divmod(time_utc_ns, 1_000_000_000)
    text = datetime.datetime.fromtimestamp(seconds, _UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{nanos // 1000:06d}Z"

"""Events that were heard on the wire, one by one, in a file: JSON lines, or HDF5. docs/reference/tap.md."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from msgspec import Struct

from stem_device.errors import RecordingError
from stem_device.recording.advice import explain_output
from stem_device.recording.growing_file import GrowingFile
from stem_device.recording.output_path import output_file, refuse_standard_output
from stem_device.recording.untyped import import_h5py

HDF5_SUFFIXES = (".h5", ".hdf5")
FORMAT, VERSION = "stem-device.events", 1
WAITING_EVENTS = 5_000
"""Events that are kept until they are written together: what a full disk may cost."""

_ENCODER = msgspec.json.Encoder()
_UTC = datetime.UTC


class HeardEvent(Struct, frozen=True, omit_defaults=True):
    """One event. ``name`` is its topic; ``counter`` is 0 where events carry no number; ``size`` in bytes.

    ``value``, ``written`` (the set point) and ``type`` (Tango's) are there where values were asked for,
    ``errors`` where the event is an error, ``undecoded`` says why there is none.
    """

    time_utc_ns: int
    name: str
    counter: int
    size: int
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
    """

    def __init__(self, path: Path) -> None:
        h5py = import_h5py()
        self._path = path
        self._names: dict[str, int] = {}
        self._new_names: list[str] = []
        self._rows: list[tuple[int, int, int, int]] = []
        self._about: list[bytes] = []
        try:
            self._file = h5py.File(path, "x", locking=False)
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
                    name, shape=(0,), maxshape=(None,), dtype=kind, chunks=(8192,), compression="gzip"
                )
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
        if not rows:
            return
        try:
            self._append("names", names)
            self._append("about", about)
            for name, values in zip(
                ("name", "counter", "size"), list(zip(*rows, strict=True))[1:], strict=True
            ):
                self._append(name, values)
            self._append("time_utc_ns", [row[0] for row in rows])
            self._file.flush()
        except OSError as error:
            raise RecordingError(self._path, "write", explain_output(error, self._path)) from error

    def close(self) -> None:
        self.flush()
        self._file.close()

    def _append(self, name: str, values: Any) -> None:
        data = self._file[name]
        begin = len(data)
        data.resize((begin + len(values),))
        data[begin:] = values


def _iso(time_utc_ns: int) -> str:
    seconds, nanos = divmod(time_utc_ns, 1_000_000_000)
    text = datetime.datetime.fromtimestamp(seconds, _UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{nanos // 1000:06d}Z"

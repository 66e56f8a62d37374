"""A damaged file as HDF5 can open it; the original is only read."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

from stem_device.recording.gate import open_hdf5
from stem_device.recording.h5_typing import Hdf5File, import_h5py

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCK_BYTES = 96
"""Of version 0 (HDF5 format specification II.A), which recordings have."""
_END_OF_FILE_OFFSET = 40
_END_OF_FILE = struct.Struct("<Q")
_OLDEST = b"\0"
_NEWER = (b"\2", b"\3")
"""Versions that closed short recordings have. A checksum forbids any change of the bytes."""
_NEWER_END_OF_FILE_OFFSET = 28
_MAX_MISSING_BYTES = 10_000_000
"""More than a short recording has."""


class MendedFile(io.RawIOBase):
    """The bytes of ``path``, apart from those at its beginning, for h5py's ``fileobj`` driver.

    Up to ``size`` there are zeros where the file has ended.
    """

    def __init__(self, path: Path, beginning: bytes, size: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._beginning = beginning
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = os.pread(self._file.fileno(), len(view), self._position).ljust(len(view), b"\0")
        fresh = self._beginning[self._position : self._position + len(view)]
        view[:] = fresh + data[len(fresh) :]
        self._position += len(view)
        return len(view)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_mended(path: Path) -> tuple[Hdf5File, list[str]]:
    """The file opened for reading, and what had to be mended for that. Raises OSError if nothing helps."""
    library = import_h5py()
    try:
        return open_hdf5(path), []
    except OSError as error:
        reason = str(error)
    with path.open("rb") as file:
        beginning = file.read(_SUPERBLOCK_BYTES).ljust(_SUPERBLOCK_BYTES, b"\0")
    size = path.stat().st_size
    for attempt, end, sentences in _attempts(beginning, size):
        try:
            return library.File(MendedFile(path, attempt, end), "r"), sentences
        except OSError:
            continue
    raise OSError(f"HDF5 cannot open it: {reason}")


def _attempts(beginning: bytes, size: int) -> list[tuple[bytes, int, list[str]]]:
    """Beginning, end and what is mended by them. First the least change, then all of the superblock."""
    attempts = []
    if beginning.startswith(_SIGNATURE + _OLDEST):
        (told,) = _END_OF_FILE.unpack_from(beginning, _END_OF_FILE_OFFSET)
        ended = _with_end(beginning, size)
        what = _early(told - size) if told > size else "the end that the file tells was wrong"
        attempts.append((ended, size, [what]))
    if beginning.startswith(tuple(_SIGNATURE + version for version in _NEWER)):
        (told,) = _END_OF_FILE.unpack_from(beginning, _NEWER_END_OF_FILE_OFFSET)
        if size < told <= size + _MAX_MISSING_BYTES:
            attempts.append((beginning, told, [_early(told - size)]))
    attempts.append((_with_end(_superblock(), size), size, ["the superblock was damaged"]))
    return attempts


def _early(missing: int) -> str:
    return f"the file ends {missing} bytes early"


def _with_end(beginning: bytes, size: int) -> bytes:
    changed = bytearray(beginning)
    _END_OF_FILE.pack_into(changed, _END_OF_FILE_OFFSET, size)
    return bytes(changed)


def _superblock() -> bytes:
    """As the recorder writes it; only the end of the file differs between recordings."""
    memory = io.BytesIO()
    with import_h5py().File(memory, "w", libver=("earliest", "v110")):
        pass
    return memory.getvalue()[:_SUPERBLOCK_BYTES]

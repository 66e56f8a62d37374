"""Compressed text that is complete after every piece, for files that grow.

A compressor writes a *piece* (flushed to a byte boundary) and an *ending* that makes everything so far
a complete file. The next piece goes where the ending was. Compared with one gzip member or
zstd frame a piece, the dictionary lives on: polls repeat the same long names again and again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from stem_device.errors import MissingExtraError

_BLOCK_BYTES = 1 << 16
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, unknown system
_LAST_EMPTY_DEFLATE_BLOCK = b"\x03\x00"
_LAST_EMPTY_ZSTD_BLOCK = b"\x01\x00\x00"


class Compressor(Protocol):
    """One gzip member or zstd frame that is being written."""

    def opening(self) -> bytes:
        """What the file begins with."""

    def piece(self, data: bytes) -> bytes:
        """``data`` compressed, all of it."""

    def ending(self) -> bytes:
        """What makes the pieces so far complete."""


class Uncompressed:
    """Every line as it is."""

    def opening(self) -> bytes:
        return b""

    def piece(self, data: bytes) -> bytes:
        return data

    def ending(self) -> bytes:
        return b""


class Gzip:
    """One gzip member (RFC 1952); each piece ends in a sync flush."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        self._crc = 0
        self._size = 0

    def opening(self) -> bytes:
        return _GZIP_HEADER

    def piece(self, data: bytes) -> bytes:
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def ending(self) -> bytes:
        return _LAST_EMPTY_DEFLATE_BLOCK + struct.pack("<LL", self._crc, self._size & 0xFFFFFFFF)


class Zstd:
    """One zstd frame (RFC 8878) without size and checksum; each piece ends with its block.

    The library writes the frame's header with the first piece only: until then the file
    is one empty frame of its own.
    """

    def __init__(self) -> None:
        self._library = _zstandard()
        self._stream: Any = None

    def opening(self) -> bytes:
        empty: bytes = self._library.ZstdCompressor().compress(b"")
        return empty

    def piece(self, data: bytes) -> bytes:
        if self._stream is None:
            self._stream = self._library.ZstdCompressor(write_checksum=False).compressobj()
        flush = self._library.COMPRESSOBJ_FLUSH_BLOCK
        compressed: bytes = self._stream.compress(data) + self._stream.flush(flush)
        return compressed

    def ending(self) -> bytes:
        return b"" if self._stream is None else _LAST_EMPTY_ZSTD_BLOCK


def compressor_for(path: Path) -> Compressor:
    """By the suffix. Raises MissingExtraError for ``.zst`` without its package."""
    if path.suffix == ".gz":
        return Gzip()
    if path.suffix == ".zst":
        return Zstd()
    return Uncompressed()


def last_byte(path: Path, file: BinaryIO) -> bytes | None:
    """Last byte of the text in a compressed file, empty without text; None if it is damaged or cut off."""
    start: Callable[[], Any] = lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # noqa: E731
    broken: tuple[type[Exception], ...] = (zlib.error,)
    if path.suffix == ".zst":
        library = _zstandard()
        start, broken = library.ZstdDecompressor().decompressobj, (library.ZstdError,)
    try:
        return _last_byte(file, start)
    except broken:
        return None


def _last_byte(file: BinaryIO, start: Callable[[], Any]) -> bytes | None:
    """Goes from member to member (frame to frame); the last one must be complete."""
    last = b""
    member: Any = None
    rest = file.read(_BLOCK_BYTES)
    while rest:
        member = member or start()
        last = member.decompress(rest)[-1:] or last
        rest = member.unused_data if member.eof else b""
        finished = member.eof
        member = None if finished else member
        rest = rest or file.read(_BLOCK_BYTES)
    return last if member is None else None


def _zstandard() -> Any:
    try:
        import zstandard  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingExtraError("zstd", "a recording in a .zst file") from error
    return zstandard

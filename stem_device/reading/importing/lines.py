"""Lines of a text file, compressed or not, with their numbers; however the file ends."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from stem_device.errors import MissingExtraError, RecordingError
from stem_device.recording.gate import refuse_odd_file

MAX_LINE_BYTES = 1 << 27
"""Replies of a thousand servers with full sample buffers are half of this. It is in memory four times."""
_BLOCK_BYTES = 1 << 16
_STEP_BYTES = 1 << 13
"""Inflated at a time: where it turns out to be damaged, zlib gives nothing of the step. Python 3.14 asks for
16 times as much at once."""
_ANY_GZIP = 16 + zlib.MAX_WBITS


class Lines:
    """Iterates over (number from 1, line with its end). ``problem`` says why it ended early, if it did.

    A line that is too long is None. ``done`` is the share of the file that was read, 0 to 1.
    Raises RecordingError if the file cannot be opened or read, RefusedFileError, which is one too, if it is
    no regular file, MissingExtraError for ``.zst`` without its
    package.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self._broken: tuple[type[Exception], ...] = ()
        try:
            refuse_odd_file(path)
            self._raw = path.open("rb")
            self._size = max(path.stat().st_size, 1)
        except OSError as error:
            raise RecordingError(path, "read", error.strerror or str(error)) from error
        self._gzip: _GzipReader | None = None
        self._text = self._decompressed()

    @property
    def done(self) -> float:
        return 1.0 if self._raw.closed else min(self._raw.tell() / self._size, 1.0)

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        number = 0
        with self._raw:
            while (line := self._next()) != b"":
                number += 1
                yield number, line
        self.problem = self.problem or (self._gzip.problem if self._gzip else "")

    def _next(self) -> bytes | None:
        try:
            line = self._text.readline(MAX_LINE_BYTES)
            if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
                return line
            while line and not line.endswith(b"\n"):
                line = self._text.readline(MAX_LINE_BYTES)
        except self._broken as error:
            self.problem = f"the compressed file is damaged: {error}"
            return b""
        except OSError as error:
            raise RecordingError(self.path, "read", error.strerror or str(error)) from error
        return None

    def _decompressed(self) -> IO[bytes]:
        if self.path.suffix == ".gz":
            self._gzip = _GzipReader(self._raw)
            return io.BufferedReader(self._gzip)
        if self.path.suffix == ".zst":
            return self._zstd()
        return self._raw

    def _zstd(self) -> IO[bytes]:
        try:
            import zstandard  # noqa: PLC0415 - an optional part
        except ImportError as error:
            raise MissingExtraError("zstd", f"reading {self.path.name}") from error
        self._broken = (zstandard.ZstdError,)
        reader: Any = zstandard.ZstdDecompressor().stream_reader(self._raw, read_across_frames=True)
        return io.BufferedReader(reader)


class _GzipReader(io.RawIOBase):
    """Member after member; everything before the place where it is damaged or cut off."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._member: Any = None
        self._rest = b""
        self.problem = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = b""
        while not data and not self.problem:
            self._rest = self._rest or self._file.read(_BLOCK_BYTES)
            if not self._rest:
                self.problem = "the compressed file is cut off" if self._member else ""
                break
            data = self._decompress(len(view))
        view[: len(data)] = data
        return len(data)

    def _decompress(self, size: int) -> bytes:
        self._member = self._member or zlib.decompressobj(_ANY_GZIP)
        try:
            data: bytes = self._member.decompress(self._rest, min(size, _STEP_BYTES))
        except zlib.error as error:
            self.problem = f"the compressed file is damaged: {error}"
            return b""
        self._rest = self._member.unconsumed_tail or self._member.unused_data
        self._member = None if self._member.eof else self._member
        return data

"""A file of lines that is complete between any two writes, whatever happens to the process."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

import msgspec

from stem_device.errors import RecordingError
from stem_device.recording.compressed_text import Compressor, Uncompressed, compressor_for, last_byte
from stem_device.recording.disk_errors import explain_output

_BLOCK_BYTES = 1 << 16
_MODE = 0o666  # the umask takes away what it wants


class GrowingFile:
    """Opens ``path`` at once; raises RecordingError, also if the file exists and ``append`` is false.

    Data is handed to the operating system with each write, which survives SIGKILL of this process
    (a loss of power is another matter). A failed write leaves what was there before.
    """

    def __init__(self, path: Path, append: bool = False) -> None:
        self.path = path
        self._compressor: Compressor = compressor_for(path)
        self._descriptor = _open(path, append=append)
        self._failed = False
        try:
            self._lock()
            self._start = self._position = self._end_to_continue() if append else 0
            self._put(self._compressor.opening())
        except OSError as error:
            self._abandon()
            raise RecordingError(path, "open", error.strerror or str(error)) from error
        except RecordingError:
            self._abandon()
            raise

    @property
    def bytes_written(self) -> int:
        """Bytes by which the file has grown."""
        return self._position + len(self._compressor.ending()) - self._start

    def write(self, data: bytes) -> None:
        """Add ``data``, which ends with a line break. Once this has raised RecordingError it always does."""
        if self._failed:
            raise RecordingError(self.path, "write", "an earlier write failed")
        if self._descriptor < 0:
            raise RecordingError(self.path, "write", "it is closed")
        ending = self._compressor.ending()
        try:
            self._check_in_place(len(ending))
            self._put(self._compressor.piece(data))
        except OSError as error:
            self._failed = True
            if error.errno != errno.ESTALE:  # otherwise it is somebody else's
                self._restore(ending)
            raise RecordingError(self.path, "write", _reason(error, self.path)) from error

    def close(self) -> None:
        """Safe to call twice. Raises RecordingError if the operating system reports a late failure."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.close(descriptor)
        except OSError as error:
            raise RecordingError(self.path, "close", error.strerror or str(error)) from error

    def _put(self, piece: bytes) -> None:
        """Write the piece over the ending of the previous one, with the new ending."""
        self._write_at(self._position, piece + self._compressor.ending())
        self._position += len(piece)

    def _check_in_place(self, ending: int) -> None:
        """A file that was removed or cut short would swallow everything without an error."""
        own = os.fstat(self._descriptor)
        try:
            found = self.path.stat()
        except FileNotFoundError:
            found = None
        same = found is not None and (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)
        if not same or own.st_size != self._position + ending:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(self.path))

    def _write_at(self, position: int, data: bytes) -> None:
        """One system call in all but a full disk; the rest of a short write tells its reason."""
        while data:
            written = os.pwrite(self._descriptor, data, position)
            data = data[written:]
            position += written

    def _restore(self, ending: bytes) -> None:
        """Back to the state before the failed write, as far as the file lets us."""
        try:
            self._write_at(self._position, ending)
            os.ftruncate(self._descriptor, self._position + len(ending))
        except OSError:
            # What was written before is still readable: every earlier piece was flushed.
            return

    def _lock(self) -> None:
        """Two writers would overwrite each other. A file system without locks is no obstacle."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RecordingError(self.path, "open", "another process is writing to it") from error
        except OSError:
            return

    def _end_to_continue(self) -> int:
        """Where to go on: the end of the last whole line. Refuses to continue what is not whole."""
        size = os.fstat(self._descriptor).st_size
        if isinstance(self._compressor, Uncompressed):
            return self._end_of_last_line(size)
        with open(self._descriptor, "rb", closefd=False) as file:
            last = last_byte(self.path, file)
        if last is None:
            raise RecordingError(
                self.path, "append to", "it is damaged or cut off at its end; record to a new file"
            )
        if last not in {b"", b"\n"}:
            raise RecordingError(self.path, "append to", "its last line is not complete")
        return size

    def _end_of_last_line(self, size: int) -> int:
        """A line that a killed process left unfinished is cut off; nothing else is ever removed."""
        tail = self._after_last_line_break(size)
        if not tail:
            return size
        try:
            msgspec.json.decode(tail)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if not tail.startswith(b'{"time":'):
                raise RecordingError(self.path, "append to", "its last line is none of a recording") from None
            os.ftruncate(self._descriptor, size - len(tail))
            return size - len(tail)
        self._write_at(size, b"\n")
        return size + 1

    def _after_last_line_break(self, size: int) -> bytes:
        blocks: list[bytes] = []
        position = size
        while position > 0 and (not blocks or b"\n" not in blocks[0]):
            start = max(0, position - _BLOCK_BYTES)
            blocks.insert(0, os.pread(self._descriptor, position - start, start))
            position = start
        return b"".join(blocks).rpartition(b"\n")[2]

    def _abandon(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1


def _reason(error: OSError, path: Path) -> str:
    return explain_output(error, path) if error.errno == errno.ESTALE else error.strerror or str(error)


def _open(path: Path, *, append: bool) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if append else os.O_EXCL)
    try:
        descriptor = os.open(path, flags, _MODE)
    except OSError as error:
        raise RecordingError(path, "open", error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RecordingError(path, "open", "it is no regular file")
    return descriptor

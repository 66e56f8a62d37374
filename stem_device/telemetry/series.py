"""One series of files: the present one grows in place, and the next is begun when it is large enough."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path

from stem_device.telemetry.lines import HEADER, complete, fitting, rows_in

_FILE_IS_OF_NO_USE = {errno.EFBIG, errno.ESTALE, errno.EBADF, errno.EIO, errno.ENODEV}
"""After these the next attempt is made with a new file; a full disk gets no second one."""


HIDDEN = ".tmp"
"""End of the name of a file that has no row yet."""


class Series:
    """Appends rows to ``<prefix>.<uuid4 hex>.csv`` in ``directory``. One thread alone may use it.

    A file gets its name with its first rows, so that none is empty, and never ends within a row for longer
    than a write takes: what a full disk cuts off is taken back.
    ``written`` counts rows; ``removed`` those of them in files that were deleted while they were written.
    """

    def __init__(self, directory: Path, prefix: str, file_bytes: int) -> None:
        self.directory = directory
        self.file_bytes = file_bytes
        self.written = 0
        self.removed = 0
        self.files = 0
        self.unwritten = b""
        self._prefix = prefix
        self._fd = -1
        self._path = Path()
        self._size = 0
        self._rows = 0
        self._counts_links = True

    def append(self, chunk: bytes) -> None:
        """Write rows. Raises OSError, after which :attr:`unwritten` holds what is not in the file."""
        self.unwritten = chunk
        while self.unwritten:
            self._append_some()

    def _append_some(self) -> None:
        if self._rows and self._size + len(self.unwritten) > self.file_bytes:
            self.close()
        if self._fd < 0:
            self._open()
        head = HEADER if self._size == 0 else b""
        room = self.file_bytes - self._size - len(head)
        chunk = self.unwritten[: fitting(self.unwritten, room)]
        try:
            kept = self._write(head + chunk) - len(head)
        except OSError as error:
            if error.errno in _FILE_IS_OF_NO_USE or not self._rows:
                self.close()
            raise
        if kept <= 0:
            self._no_row_fits()
            return
        if self._was_deleted() or (not self._rows and not self._shown()):
            return  # and so are the rows: once more, to a new file
        rows = rows_in(chunk[:kept])
        self.written += rows
        self._rows += rows
        self.unwritten = self.unwritten[kept:]
        if not self._is_in_place():
            self.close()

    def _write(self, data: bytes) -> int:
        """How many bytes of complete rows were written."""
        wrote = os.write(self._fd, data)
        kept = wrote if wrote == len(data) else complete(data, wrote)
        if kept < wrote:
            os.ftruncate(self._fd, self._size + kept)
        self._size += kept
        return kept

    def _no_row_fits(self) -> None:
        """The disk is full, or the file as long as a process may make one: a new one may do."""
        full = not self._rows
        self.close()
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def _open(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._path = self.directory / f"{self._prefix}.{uuid.uuid4().hex}.csv"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._path.with_suffix(HIDDEN), flags, 0o666)
        self._size = self._rows = 0
        self._counts_links = os.fstat(self._fd).st_nlink > 0
        self.files += 1

    def _shown(self) -> bool:
        """Give the file its name: it has rows now. False if it was deleted before."""
        try:
            self._path.with_suffix(HIDDEN).rename(self._path)
        except FileNotFoundError:
            self.close()
            return False
        return True

    def _was_deleted(self) -> bool:
        """Whether nobody can find the file any more; then its rows are lost."""
        if os.fstat(self._fd).st_nlink > 0 or not self._counts_links:
            return False
        self.removed += self._rows
        self.written -= self._rows
        self._rows = 0
        self.close()
        return True

    def _is_in_place(self) -> bool:
        """Whether the file still has its name; one that was moved keeps its rows, and gets no more."""
        try:
            there = self._path.stat()
        except OSError:
            return False
        here = os.fstat(self._fd)
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def close(self) -> None:
        """The next row begins a new file. An empty file is not left behind."""
        if self._fd < 0 or (self._rows and self._was_deleted()):
            return
        fd, self._fd = self._fd, -1
        os.close(fd)
        if not self._rows:
            self._path.with_suffix(HIDDEN).unlink(missing_ok=True)
            self.files -= 1

    def forget(self) -> None:
        """After a fork: the file is the parent's."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        self.written = self.removed = self.files = 0
        self.unwritten = b""

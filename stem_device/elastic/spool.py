"""Batches of documents on a disk, for as long as the cluster does not take them.

A batch is a file, written beside its place and renamed, so that a process that is killed leaves whole files
alone. Its first line says how many bytes follow, and their checksum: after a power failure some may be torn.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import stat
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stem_device.elastic.documents import Document
from stem_device.errors import SendError, shown_path

MAX_FILES = 20_000
"""Names of all files are kept in memory: 100 bytes each. At a period of 10 s they bridge two days."""
MAX_DAMAGED = 10
"""Files that cannot be read and are kept for a person to look at."""

_NAME = re.compile(r"(\d{20})\.batch")
_HEAD = re.compile(rb"stem-spool 1 (\d{1,12}) ([0-9a-f]{32})")
_LOCK = ".lock"


class DamagedBatchError(SendError):
    """A file of the spool that is not as it was written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__("the spool", f"{shown_path(path)} {reason}; it is skipped")


class SpoolError(SendError):
    """The disk does not keep what is spooled."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__("the spool", f"{shown_path(path)} cannot be used: {reason}")


class _Entry(NamedTuple):
    number: int
    size: int


class Spool:
    """A queue of batches in a directory of its own, bounded in bytes. One thread at a time, one process.

    The directory is made; the one above must exist. What another process left in it comes first.
    ``dropped`` counts batches that had to make room for younger ones, ``damaged`` those that could not be
    read.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._entries: deque[_Entry] = deque()
        self._bytes = 0
        self._next = 0
        self._lock: int | None = None
        self.dropped = 0
        self.damaged = 0

    def __len__(self) -> int:
        return len(self._entries)

    def open(self) -> None:
        """Take the directory into use; does nothing if it is. Raises SpoolError."""
        if self._lock is not None:
            return
        try:
            if not self._directory.parent.is_dir():
                raise SpoolError(self._directory.parent, "there is no such directory")
            self._directory.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self._directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolError(self._directory, error.strerror or str(error)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._find()
        except OSError as error:
            os.close(lock)
            busy = isinstance(error, BlockingIOError)
            raise SpoolError(
                self._directory, "another process uses it" if busy else error.strerror or str(error)
            ) from error
        self._lock = lock

    def close(self) -> None:
        """Give the directory back; what is in it stays."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def add(self, batch: Sequence[Document]) -> None:
        """Keep a batch behind all others; the oldest go where there is no room. Raises SpoolError."""
        self.open()
        content = _content(batch)
        if len(content) > self._max_bytes:
            raise SpoolError(self._directory, f"one poll has {len(content)} bytes, more than may wait there")
        while self._entries and (
            self._bytes + len(content) > self._max_bytes or len(self._entries) >= MAX_FILES
        ):
            self.remove_first()
            self.dropped += 1
        try:
            self._write(self._next, content)
        except OSError as error:
            raise SpoolError(self._directory, error.strerror or str(error)) from error
        self._entries.append(_Entry(self._next, len(content)))
        self._bytes += len(content)
        self._next += 1

    def first(self) -> list[Document] | None:
        """The oldest batch; None if there is none. Raises DamagedBatchError, and is rid of that one then."""
        if not self._entries:
            return None
        path = self._path(self._entries[0].number)
        try:
            return _batch(_read(path, self._max_bytes))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self._put_aside(path)
            self._forget_first()
            self.damaged += 1
            raise DamagedBatchError(path, reason or "cannot be read") from error

    def replace_first(self, batch: Sequence[Document]) -> None:
        """Keep these documents in place of the oldest batch. Raises SpoolError."""
        entry, content = self._entries[0], _content(batch)
        try:
            self._write(entry.number, content)
        except OSError as error:
            raise SpoolError(self._directory, error.strerror or str(error)) from error
        self._entries[0] = _Entry(entry.number, len(content))
        self._bytes += len(content) - entry.size

    def remove_first(self) -> None:
        """Be rid of the oldest batch."""
        with contextlib.suppress(OSError):
            self._path(self._entries[0].number).unlink()
        self._forget_first()

    def _forget_first(self) -> None:
        self._bytes -= self._entries.popleft().size

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:020d}.batch"

    def _find(self) -> None:
        """What is there already; remains of a process that was killed while it wrote are removed."""
        found = []
        for entry in os.scandir(self._directory):
            if match := _NAME.fullmatch(entry.name):
                found.append(_Entry(int(match[1]), entry.stat(follow_symlinks=False).st_size))
            elif entry.name.endswith(".part") and _NAME.fullmatch(entry.name.removesuffix(".part")):
                Path(entry.path).unlink()
        self._entries = deque(sorted(found))
        self._bytes = sum(one.size for one in found)
        self._next = self._entries[-1].number + 1 if found else 0
        while self._bytes > self._max_bytes or len(self._entries) > MAX_FILES:
            self.remove_first()
            self.dropped += 1

    def _write(self, number: int, content: bytes) -> None:
        path = self._path(number)
        part = path.with_name(f"{path.name}.part")
        try:
            descriptor = os.open(
                part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
                file.write(content)
            part.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()
            raise

    def _put_aside(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.rename(path.with_suffix(".damaged"))
            kept = sorted(self._directory.glob("*.damaged"))
            for old in kept[:-MAX_DAMAGED]:
                old.unlink()


def _content(batch: Sequence[Document]) -> bytes:
    lines = b"".join(b"%b\n%b\n" % (one.action, one.body) for one in batch)
    return b"stem-spool 1 %d %b\n%b" % (len(lines), _checksum(lines).encode(), lines)


def _batch(content: bytes) -> list[Document]:
    """Raises ValueError for what was not written here."""
    head, _, rest = content.partition(b"\n")
    match = _HEAD.fullmatch(head)
    if match is None:
        raise ValueError("is no batch of documents of this version")
    if len(rest) != int(match[1]) or _checksum(rest) != match[2].decode():
        raise ValueError("is damaged")
    lines = rest.split(b"\n")[:-1]
    return [Document(action, body) for action, body in zip(lines[::2], lines[1::2], strict=True)]


def _checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _read(path: Path, max_bytes: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("is no regular file")
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError("is larger than all that may wait there")
    return content

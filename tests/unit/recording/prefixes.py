"""Rebuilds a file as it is after every prefix of the writes that made it, and after every torn write.

A process that dies leaves a prefix of its writes behind, and of the last one possibly only the pages that
the kernel had copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE_BYTES = 4096


@dataclass(frozen=True)
class Write:
    address: int
    data: bytes


@dataclass(frozen=True)
class Resize:
    size: int


@dataclass(frozen=True)
class Reported:
    """Not a write: at this moment so many polls (or rows) and marks had been reported as recorded."""

    polls: int
    marks: int = 0


Operation = Write | Resize | Reported


@dataclass
class LoggingDisk:
    """The Disk of an OrderedFile: in memory, and it remembers every change in order."""

    content: bytearray = field(default_factory=bytearray)
    log: list[Operation] = field(default_factory=list)

    def read_at(self, address: int, size: int) -> bytes:
        return bytes(self.content[address : address + size])

    def write_at(self, address: int, data: bytes) -> None:
        self.log.append(Write(address, data))
        self.content.extend(bytes(max(0, address + len(data) - len(self.content))))
        self.content[address : address + len(data)] = data

    def resize(self, size: int) -> None:
        self.log.append(Resize(size))
        del self.content[size:]
        self.content.extend(bytes(size - len(self.content)))

    def size(self) -> int:
        return len(self.content)

    def close(self) -> None:
        pass


@dataclass
class LoggingFile(LoggingDisk):
    """A plain file object for h5py's ``fileobj`` driver: HDF5's own order of writes."""

    position: int = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = {0: 0, 1: self.position, 2: len(self.content)}[whence] + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: memoryview) -> int:
        data = self.read_at(self.position, len(buffer))
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)

    def write(self, data: memoryview) -> int:
        self.write_at(self.position, bytes(data))
        self.position += len(data)
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        self.resize(self.position if size is None else size)
        return len(self.content)

    def flush(self) -> None:
        pass


def replay(log: list[Operation], path: Path, check: Callable[[Reported], None], *, first: int = 0) -> int:
    """Call ``check(what was reported)`` with the file at ``path`` in every state; return how many there were.

    States before operation ``first`` are built but not checked.
    """
    states, reported = 0, Reported(0)
    with path.open("w+b", buffering=0) as file:
        for number, operation in enumerate(log):
            if isinstance(operation, Reported):
                reported = operation
                continue
            for _ in _steps(file.fileno(), operation, torn=number >= first):
                if number >= first:
                    check(reported)
                    states += 1
    return states


def _steps(descriptor: int, operation: Write | Resize, *, torn: bool) -> Iterator[None]:
    """Do the operation; pause where a torn write may end (first and last page boundary), and at its end."""
    if isinstance(operation, Resize):
        os.ftruncate(descriptor, operation.size)
        yield
        return
    begin, end = operation.address, operation.address + len(operation.data)
    boundaries = range(begin // PAGE_BYTES * PAGE_BYTES + PAGE_BYTES, end, PAGE_BYTES)
    done = begin
    for boundary in sorted({*boundaries[:1], *boundaries[-1:]}) if torn else ():
        os.pwrite(descriptor, operation.data[done - begin : boundary - begin], done)
        done = boundary
        yield
    os.pwrite(descriptor, operation.data[done - begin :], done)
    yield

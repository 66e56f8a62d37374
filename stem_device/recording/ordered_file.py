"""The order of writes that makes a growing HDF5 file survive the death of its writer at any moment.

HDF5 writes through this file object (h5py's ``fileobj`` driver) into memory; ``commit`` brings the changes to
disk in an order in which the file is complete and readable after every single write:

1. space that nothing on disk refers to yet: data, new nodes of chunk indexes;
2. the file's length, then the superblock that tells it;
3. nodes of chunk indexes, parents before children, because a node that was split loses its upper half last;
4. object headers (the lengths of the data sets).

If the file shrinks, superblock and length come last. A write of the third or fourth kind changes bytes of one
page only: HDF5 is told to begin each index node on a page, the fields that change in a header are aligned
words, and the oldest HDF5 format, used here, has no checksums that would tie distant bytes together. The
kernel ends a write early for SIGKILL between pages, never within one: no such change is ever half done.

HDF5 itself never sees an error of the disk: they are raised by ``commit``, and ``abandon`` lets HDF5 close
what it has open without touching the file again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Protocol

PAGE_BYTES = 4096
INDEX_NODE_BYTES = 2096
"""Size of a chunk index node for one-dimensional data sets, with HDF5's default of 64 chunks a node."""

_SUPERBLOCK_ADDRESS = 0
_INDEX_NODE = b"TREE\x01"
_LEVEL_OFFSET = 5


class Disk(Protocol):
    """The file on disk; swapped in tests. Raises OSError."""

    def read_at(self, address: int, size: int) -> bytes:
        """At most ``size`` bytes; fewer at the end of the file."""

    def write_at(self, address: int, data: bytes) -> None:
        """Write all of ``data``."""

    def resize(self, size: int) -> None:
        """Cut the file, or extend it with zeros."""

    def close(self) -> None:
        """Close the file."""


class DescriptorDisk:
    """The file behind a descriptor, which it owns from now on."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read_at(self, address: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, address)

    def write_at(self, address: int, data: bytes) -> None:
        written = os.pwrite(self._descriptor, data, address)
        while written < len(data):
            written += os.pwrite(self._descriptor, data[written:], address + written)

    def resize(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def close(self) -> None:
        os.close(self._descriptor)


class OrderedFile:
    """The file object that HDF5 writes to. Not thread-safe: its owner serialises the calls."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._position = 0
        self._size = 0
        self._size_on_disk = 0
        self._pending: list[tuple[int, bytes]] = []
        self._headers: set[int] = set()
        self._nodes: set[int] = set()
        self._abandoned = False

    @property
    def size(self) -> int:
        """Bytes on disk after the last commit."""
        return self._size_on_disk

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:
        """Read what HDF5 believes to have written, on disk already or not."""
        size = min(len(buffer), max(0, self._size - self._position))
        data = bytearray(self._disk.read_at(self._position, size).ljust(size, b"\0"))
        for address, written in self._pending:
            begin, end = max(address, self._position), min(address + len(written), self._position + size)
            if begin < end:
                data[begin - self._position : end - self._position] = written[begin - address : end - address]
        buffer[:size] = data
        self._position += size
        return size

    def write(self, data: memoryview) -> int:
        self.write_at(self._position, bytes(data))
        self._position += len(data)
        return len(data)

    def write_at(self, address: int, data: bytes) -> None:
        """Write data of the recorder into space that HDF5 has allotted to it."""
        if self._abandoned:
            return
        self._pending.append((address, data))
        self._size = max(self._size, address + len(data))

    def truncate(self, size: int | None = None) -> int:
        self._size = self._position if size is None else size
        return self._size

    def flush(self) -> None:
        """Do nothing when HDF5 asks: only ``commit`` writes."""

    def commit_structure(self) -> None:
        """Write the groups and empty data sets of a new file; from now on they change in place only."""
        structure = {address for address, _ in self._pending}
        self.commit()
        self._headers = structure

    def commit(self) -> None:
        """Bring all changes to disk, in order.

        Raises OSError. The file then holds all that was committed before, and this one may only be abandoned.
        """
        changes = self._sort()
        grows = self._size > self._size_on_disk
        self._write(changes.fresh)
        if grows:
            self._disk.resize(self._size)
            self._write(changes.superblock)
        self._write(sorted(changes.nodes.items(), key=lambda node: -node[1][_LEVEL_OFFSET]))
        self._write(list(changes.headers.items()))
        if not grows:
            self._write(changes.superblock)
        if self._size < self._size_on_disk:
            self._disk.resize(self._size)
        self._size_on_disk = self._size
        self._nodes.update(address for address, data in changes.fresh if _is_index_node(address, data))
        self._pending.clear()

    def abandon(self) -> None:
        """Forget the changes, and all that HDF5 is going to write."""
        self._abandoned = True
        self._pending.clear()

    def _sort(self) -> _Changes:
        changes = _Changes()
        for address, data in self._pending:
            if address == _SUPERBLOCK_ADDRESS:
                changes.superblock = [(address, data)]
            elif address in self._headers:
                changes.headers[address] = data
            elif address in self._nodes:
                changes.nodes[address] = data
            else:
                changes.fresh.append((address, data))
        return changes

    def _write(self, changes: list[tuple[int, bytes]]) -> None:
        for address, data in changes:
            self._disk.write_at(address, data)


@dataclass(slots=True)
class _Changes:
    """Writes of one commit by kind; of a header or a node only the last one counts."""

    fresh: list[tuple[int, bytes]] = field(default_factory=list)
    superblock: list[tuple[int, bytes]] = field(default_factory=list)
    nodes: dict[int, bytes] = field(default_factory=dict)
    headers: dict[int, bytes] = field(default_factory=dict)


def _is_index_node(address: int, data: bytes) -> bool:
    return address % PAGE_BYTES == 0 and len(data) == INDEX_NODE_BYTES and data.startswith(_INDEX_NODE)

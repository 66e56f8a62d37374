"""The order of writes that makes a growing HDF5 file survive the death of its writer at any moment.

HDF5 writes through this file object (h5py's ``fileobj`` driver) into memory; ``commit`` brings the changes to
disk in an order in which the file is complete and readable after every single write:

1. space that nothing on disk refers to yet: data, new nodes of chunk indexes;
2. the file's length, then the superblock that tells it;
3. nodes of chunk indexes, parents before children, because a node that was split loses its upper half last;
4. object headers (the lengths of the data sets); those that tell what is complete come last. One in which
   more than the length changes is written before, with the length that it had.

If the file shrinks, superblock and length come last. A write of the third or fourth kind changes bytes of one
page only: HDF5 is told to begin each index node on a page, the fields that change in a header are aligned
words, and the oldest HDF5 format, used here, has no checksums that would tie distant bytes together. The
kernel ends a write early for SIGKILL between pages, never within one: no such change is ever half done.

Nothing that the file on disk refers to is ever freed, because HDF5 would use it again at once. An
incomplete chunk, which is going to be replaced by a compressed one, therefore lies in space that HDF5 does
not know to be a chunk: HDF5 has allotted one byte to it, and the index nodes are changed on their way to
disk (``divert``).

HDF5 itself never sees an error of the disk: they are raised by ``commit``, and ``abandon`` lets HDF5 close
what it has open without touching the file again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from stem_device.recording import chunk_index, object_header
from stem_device.recording.object_header import LENGTH_BYTES

_SUPERBLOCK_ADDRESS = 0
PLACEHOLDER = b"\0"
"""What HDF5 is given for a chunk that lies elsewhere: see ``divert``."""


class Disk(Protocol):
    """The file on disk; swapped in tests. Raises OSError."""

    def read_at(self, address: int, size: int) -> bytes:
        """At most ``size`` bytes; fewer at the end of the file."""

    def write_at(self, address: int, data: bytes) -> None:
        """Write all of ``data``."""

    def resize(self, size: int) -> None:
        """Cut the file, or extend it with zeros."""

    def size(self) -> int:
        """Bytes of the file, whoever changed it."""

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

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

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
        self._last_headers: frozenset[int] = frozenset()
        self._nodes: set[int] = set()
        self._data: list[tuple[int, bytes]] = []
        self._places: dict[int, tuple[int, int]] = {}
        self._written: dict[int, bytes] = {}
        self._length_places: dict[int, int | None] = {}
        self._placeholder: int | None = None
        self._abandoned = False

    @property
    def size(self) -> int:
        """Bytes on disk after the last commit."""
        return self._size_on_disk

    def starts_as_written(self) -> bool:
        """Whether superblock and length on disk are those of the last commit. Raises OSError."""
        same = self._is_as_written(_SUPERBLOCK_ADDRESS, self._written.get(_SUPERBLOCK_ADDRESS, b""))
        return same and self._disk.size() == self._size_on_disk

    def is_as_written(self) -> bool:
        """The same for all headers too: another file that is written over this one changes them."""
        return self.starts_as_written() and all(
            self._is_as_written(address, data) for address, data in self._written.items()
        )

    def _is_as_written(self, address: int, data: bytes) -> bool:
        return self._disk.read_at(address, len(data)) == data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:
        """Read what HDF5 believes to have written, on disk already or not."""
        size = min(len(buffer), max(0, self._size - self._position))
        on_disk = self._disk.read_at(self._position, size).ljust(size, b"\0")
        if chunk_index.is_node(self._position, on_disk):
            back = {place: (alias, len(PLACEHOLDER)) for alias, (place, _) in self._places.items()}
            on_disk = chunk_index.divert(on_disk, back)
        data = bytearray(on_disk)
        for address, written in self._pending:
            begin, end = max(address, self._position), min(address + len(written), self._position + size)
            if begin < end:
                data[begin - self._position : end - self._position] = written[begin - address : end - address]
        buffer[:size] = data
        self._position += size
        return size

    def write(self, data: memoryview) -> int:
        if not self._abandoned:
            self._pending.append((self._position, bytes(data)))
        size = len(data)
        if size == len(PLACEHOLDER):
            self._placeholder = self._position
        self._position += size
        self._size = max(self._size, self._position)
        return size

    def take_placeholder(self) -> int | None:
        """Where HDF5 has put the chunk that it was given a placeholder of; None if it has written none since
        the last call. Nothing else that it writes is as short.
        """
        address, self._placeholder = self._placeholder, None
        return address

    def write_data(self, address: int, data: bytes) -> None:
        """Write into space that HDF5 has allotted and will neither read nor write."""
        self._data.append((address, data))

    def divert(self, alias: int, address: int, size: int) -> None:
        """Have the index on disk say ``address`` and ``size`` of the chunk that HDF5 has put at ``alias``."""
        self._places[alias] = (address, size)

    def end_diversion(self, alias: int) -> None:
        """HDF5 has stored that chunk anew."""
        del self._places[alias]

    def truncate(self, size: int | None = None) -> int:
        self._size = self._position if size is None else size
        return self._size

    def flush(self) -> None:
        """Do nothing when HDF5 asks: only ``commit`` writes."""

    def commit_structure(self, last_headers: Iterable[int]) -> None:
        """Write the groups and empty data sets of a new file; from now on they change in place only.

        ``last_headers`` are the addresses of the object headers that every commit writes last.
        """
        structure = {address for address, _ in self._pending}
        self.commit()
        self._headers, self._last_headers = structure, frozenset(last_headers)

    def commit(self) -> None:
        """Bring all changes to disk, in order.

        Raises OSError. The file then holds all that was committed before, and this one may only be abandoned.
        """
        changes = self._sort()
        grows = self._size > self._size_on_disk
        self._write(self._data)
        self._write(changes.fresh)
        if grows:
            self._disk.resize(self._size)
            self._write(changes.superblock)
        self._write(sorted(changes.nodes.items(), key=lambda node: -chunk_index.level(node[1])))
        headers = sorted(changes.headers.items(), key=lambda header: header[0] in self._last_headers)
        self._write(self._with_former_lengths(headers))
        self._write(headers)
        if not grows:
            self._write(changes.superblock)
        if self._size < self._size_on_disk:
            self._disk.resize(self._size)
        self._size_on_disk = self._size
        self._written.update(changes.superblock)
        self._written.update(changes.headers)
        self._nodes.update(changes.new_nodes)
        self._pending.clear()
        self._data.clear()

    def _with_former_lengths(self, headers: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Those in which more changes than the length: as they will be, but for the length.

        That is so once in the life of a column, when it gets an index. The index's address may lie across
        two pages; where its write is torn, the length still says that there is nothing to look up.
        """
        found = []
        for address, data in headers:
            former = self._written.get(address) or self._disk.read_at(address, len(data))
            if address not in self._length_places:
                self._length_places[address] = object_header.length_place(data)
            place = self._length_places[address]
            if place is None or len(former) != len(data):
                continue
            kept = data[:place] + former[place : place + LENGTH_BYTES] + data[place + LENGTH_BYTES :]
            if kept != former:
                found.append((address, kept))
        return found

    def abandon(self) -> None:
        """Forget the changes, and all that HDF5 is going to write."""
        self._abandoned = True
        self._pending.clear()
        self._data.clear()

    def _sort(self) -> _Changes:
        changes = _Changes()
        for address, written in self._pending:
            is_node = chunk_index.is_node(address, written)
            data = chunk_index.divert(written, self._places) if is_node else written
            if address == _SUPERBLOCK_ADDRESS:
                changes.superblock = [(address, data)]
            elif address in self._headers:
                changes.headers[address] = data
            elif address in self._nodes:
                changes.nodes[address] = data
            else:
                changes.fresh.append((address, data))
                changes.new_nodes += [address] * is_node
        return changes

    def _write(self, changes: list[tuple[int, bytes]]) -> None:
        for address, data in changes:
            self._disk.write_at(address, data)


@dataclass(slots=True)
class _Changes:
    """Writes of one commit by kind; of a header or a node only the last one counts."""

    fresh: list[tuple[int, bytes]] = field(default_factory=list)
    superblock: list[tuple[int, bytes]] = field(default_factory=list)
    new_nodes: list[int] = field(default_factory=list)
    nodes: dict[int, bytes] = field(default_factory=dict)
    headers: dict[int, bytes] = field(default_factory=dict)

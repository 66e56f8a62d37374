"""Growing columns of an HDF5 file that never change a byte of what was recorded before."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.recording.h5_typing import Hdf5Dataset, import_isal
from stem_device.recording.ordered_file import PLACEHOLDER, OrderedFile

COMPRESSION_LEVEL = 1
"""Of ISA-L, which writes what gzip reads: half the time of zlib at any level, and no more bytes."""
PLACES = 2
"""For the incomplete chunk of a column."""
_UNFILTERED = 0b11
"""Filter mask of a chunk stored without shuffling (first filter) and compression (second filter)."""

Values = npt.NDArray[Any]


class GrowingColumn:
    """A one-dimensional chunked, shuffled and compressed data set that rows are appended to.

    The last, incomplete chunk is stored as it is in a place of its own, so that a new row only fills bytes
    that were unused. When it is full, it is stored again, compressed, somewhere else. There are two such
    places (from ``tails_address`` on), which take turns: on disk a full chunk may still be in one of them
    when the next chunk begins in the other.
    """

    def __init__(self, dataset: Hdf5Dataset, file: OrderedFile, tails_address: int) -> None:
        self._dataset = dataset.id
        self._compress = import_isal().compress
        self._file = file
        self._chunk_rows = int(dataset.chunks[0])
        self._dtype = dataset.dtype
        self._row_bytes = int(dataset.dtype.itemsize)
        self._chunk_bytes = self._chunk_rows * self._row_bytes
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._tail_address = tails_address
        self._next_tail_address = tails_address + self._chunk_bytes
        self._alias: int | None = None
        self._stored = self._compressed = b""
        self.rows = 0

    @property
    def tails_bytes(self) -> int:
        """Room for both incomplete chunks."""
        return PLACES * self._chunk_bytes

    @property
    def row_bytes(self) -> int:
        """All rows, uncompressed."""
        return self.rows * self._row_bytes

    def append(self, values: Values) -> None:
        """Append rows; at most one call between two commits."""
        if len(values) == 0:
            return
        self.rows += len(values)
        self._dataset.set_extent((self.rows,))
        new = values.astype(self._dtype, copy=False).tobytes()
        if self._tail_bytes + len(new) >= self._chunk_bytes:
            new = self._complete(new)
        if new:
            self._extend(new)

    def compress_tail(self) -> None:
        """Store the incomplete chunk compressed, at the end. Nothing may be appended afterwards."""
        if self._tail:
            first = self.rows - self._tail_bytes // self._row_bytes
            self._store(first, b"".join(self._tail).ljust(self._chunk_bytes, b"\0"))

    def _complete(self, new: bytes) -> bytes:
        """Store the chunks that the first of the new rows fill; return the others."""
        filled = b"".join((*self._tail, new))
        self._tail, self._tail_bytes = [], 0
        first = self.rows - len(filled) // self._row_bytes
        end = len(filled) - len(filled) % self._chunk_bytes
        for begin in range(0, end, self._chunk_bytes):
            self._store(first + begin // self._row_bytes, filled[begin : begin + self._chunk_bytes])
        return filled[end:]

    def _extend(self, new: bytes) -> None:
        """Add rows to the incomplete chunk, which they do not fill."""
        if not self._tail:
            self._begin_tail(len(new) // self._row_bytes)
        self._file.write_data(self._tail_address + self._tail_bytes, new)
        self._tail.append(new)
        self._tail_bytes += len(new)

    def _begin_tail(self, rows: int) -> None:
        """Make HDF5 know of a chunk of one byte; the index on disk is going to say where the tail is."""
        self._tail_address, self._next_tail_address = self._next_tail_address, self._tail_address
        first = (self.rows - rows,)
        self._file.take_placeholder()
        self._dataset.write_direct_chunk(first, PLACEHOLDER, filter_mask=_UNFILTERED)
        alias = self._file.take_placeholder()
        # HDF5 itself looks through all chunks for it: half an hour of a large system are 1 ms a column.
        self._alias = self._dataset.get_chunk_info_by_coord(first).byte_offset if alias is None else alias
        self._file.divert(self._alias, self._tail_address, self._chunk_bytes)

    def _store(self, first: int, data: bytes) -> None:
        """Store a chunk compressed, in the form that HDF5's own filters give it."""
        if data != self._stored:  # most columns hardly ever change
            by_row = np.frombuffer(data, np.uint8).reshape(self._chunk_rows, self._row_bytes)
            self._stored = data
            self._compressed = self._compress(by_row.T.tobytes(), COMPRESSION_LEVEL)
        self._dataset.write_direct_chunk((first,), self._compressed, filter_mask=0)
        if self._alias is not None:
            self._file.end_diversion(self._alias)
            self._alias = None

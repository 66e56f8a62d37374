"""Growing columns of an HDF5 file that never change a byte of what was recorded before."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.recording.ordered_file import OrderedFile
from stem_device.recording.untyped import Hdf5Dataset, import_isal

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
        self._tail = np.zeros(self._chunk_rows, dtype=dataset.dtype)
        self._tail_address = tails_address
        self._next_tail_address = tails_address + self._tail.nbytes
        self._alias: int | None = None
        self._stored = self._compressed = b""
        self.rows = 0

    @property
    def tails_bytes(self) -> int:
        """Room for both incomplete chunks."""
        return PLACES * self._tail.nbytes

    def append(self, values: Values) -> None:
        """Append rows; at most one call between two commits."""
        if len(values) == 0:
            return
        used = self.rows % self._chunk_rows
        self.rows += len(values)
        self._dataset.set_extent((self.rows,))
        if used + len(values) >= self._chunk_rows:
            values, used = self._complete(used, values), 0
        if len(values):
            self._extend(used, values)

    def compress_tail(self) -> None:
        """Store the incomplete chunk compressed, at the end. Nothing may be appended afterwards."""
        used = self.rows % self._chunk_rows
        if used:
            self._tail[used:] = np.zeros((), dtype=self._tail.dtype)
            self._store(self.rows - used, self._tail)

    def _complete(self, used: int, values: Values) -> Values:
        """Store the chunks that the first of ``values`` fill; return the others."""
        filled = np.concatenate((self._tail[:used], values), dtype=self._tail.dtype)
        rest = len(filled) % self._chunk_rows
        begin = self.rows - len(filled)
        for first in range(0, len(filled) - rest, self._chunk_rows):
            self._store(begin + first, filled[first : first + self._chunk_rows])
        return filled[len(filled) - rest :]

    def _extend(self, used: int, values: Values) -> None:
        """Add values to the incomplete chunk, which they do not fill."""
        new = self._tail[used : used + len(values)]
        new[:] = values
        if used == 0:
            self._begin_tail()
        self._file.write_data(self._tail_address + used * self._tail.itemsize, new.tobytes())

    def _begin_tail(self) -> None:
        """Make HDF5 know of a chunk of one byte; the index on disk is going to say where the tail is."""
        first = (self.rows - self.rows % self._chunk_rows,)
        self._tail_address, self._next_tail_address = self._next_tail_address, self._tail_address
        self._dataset.write_direct_chunk(first, b"\0", filter_mask=_UNFILTERED)
        self._alias = self._dataset.get_chunk_info_by_coord(first).byte_offset
        self._file.divert(self._alias, self._tail_address, self._tail.nbytes)

    def _store(self, first: int, chunk: Values) -> None:
        """Store a chunk compressed, in the form that HDF5's own filters give it."""
        data = chunk.tobytes()
        if data != self._stored:  # most columns hardly ever change
            by_byte = chunk.view(np.uint8).reshape(self._chunk_rows, chunk.itemsize).T.tobytes()
            self._stored, self._compressed = data, self._compress(by_byte, COMPRESSION_LEVEL)
        self._dataset.write_direct_chunk((first,), self._compressed, filter_mask=0)
        if self._alias is not None:
            self._file.end_diversion(self._alias)
            self._alias = None

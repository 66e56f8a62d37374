"""Growing columns of an HDF5 file that never change a byte of what was recorded before."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.recording.ordered_file import OrderedFile
from stem_device.recording.untyped import Hdf5Dataset

COMPRESSION_LEVEL = 2
_UNFILTERED = 0b11
"""Filter mask of a chunk stored without shuffling (first filter) and compression (second filter)."""

Values = npt.NDArray[Any]


class GrowingColumn:
    """A one-dimensional chunked, shuffled and compressed data set that rows are appended to.

    The last, incomplete chunk is stored as it is in a place of its own (``tail_address``), so that a new row
    only fills bytes that were unused. When it is full, it is stored again, compressed, somewhere else. To
    append is ``complete``, then a commit if that took any values, then ``extend`` with the others, then a
    commit: the one between makes the file on disk forget the old tail before a new one takes its place.
    """

    def __init__(self, dataset: Hdf5Dataset, file: OrderedFile, tail_address: int) -> None:
        self._dataset = dataset.id
        self._file = file
        self._chunk_rows = int(dataset.chunks[0])
        self._tail = np.zeros(self._chunk_rows, dtype=dataset.dtype)
        self._tail_address = tail_address
        self._alias: int | None = None
        self.rows = 0

    @property
    def tail_bytes(self) -> int:
        """Room for one chunk."""
        return self._tail.nbytes

    def complete(self, values: Values) -> int:
        """Take the first of ``values`` as far as they fill chunks; return how many that are."""
        used = self.rows % self._chunk_rows
        taken = (used + len(values)) // self._chunk_rows * self._chunk_rows - used
        if taken <= 0:
            return 0
        filled = np.concatenate((self._tail[:used], values[:taken]), dtype=self._tail.dtype)
        self.rows += taken
        self._dataset.set_extent((self.rows,))
        for first in range(0, len(filled), self._chunk_rows):
            self._store(self.rows - len(filled) + first, filled[first : first + self._chunk_rows])
        return taken

    def extend(self, values: Values) -> None:
        """Append values that do not fill the incomplete chunk."""
        if len(values) == 0:
            return
        used = self.rows % self._chunk_rows
        new = self._tail[used : used + len(values)]
        new[:] = values
        self.rows += len(values)
        self._dataset.set_extent((self.rows,))
        if used == 0:
            self._begin_tail()
        self._file.write_data(self._tail_address + used * self._tail.itemsize, new.tobytes())

    def compress_tail(self) -> None:
        """Store the incomplete chunk compressed, at the end. Nothing may be appended afterwards."""
        used = self.rows % self._chunk_rows
        if used:
            self._tail[used:] = np.zeros((), dtype=self._tail.dtype)
            self._store(self.rows - used, self._tail)

    def _begin_tail(self) -> None:
        """Make HDF5 know of a chunk of one byte; the index on disk is going to say where the tail is."""
        first = (self.rows - self.rows % self._chunk_rows,)
        self._dataset.write_direct_chunk(first, b"\0", filter_mask=_UNFILTERED)
        self._alias = self._dataset.get_chunk_info_by_coord(first).byte_offset
        self._file.divert(self._alias, self._tail_address, self._tail.nbytes)

    def _store(self, first: int, chunk: Values) -> None:
        """Store a chunk compressed, in the form that HDF5's own filters give it."""
        by_byte = chunk.view(np.uint8).reshape(self._chunk_rows, chunk.itemsize).T.tobytes()
        compressed = zlib.compress(by_byte, COMPRESSION_LEVEL)
        self._dataset.write_direct_chunk((first,), compressed, filter_mask=0)
        if self._alias is not None:
            self._file.end_diversion(self._alias)
            self._alias = None

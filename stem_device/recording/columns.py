"""Growing columns of an HDF5 file that never change a byte of what was recorded before."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.recording.ordered_file import OrderedFile
from stem_device.recording.untyped import Hdf5Dataset

COMPRESSION_LEVEL = 4
_UNFILTERED = 0b11
"""Filter mask of a chunk stored without shuffling (first filter) and compression (second filter)."""

Values = npt.NDArray[Any]


class GrowingColumn:
    """A one-dimensional chunked, shuffled and compressed data set that rows are appended to.

    The last, incomplete chunk is stored as it is, so that a new row only fills bytes that were unused.
    Once full, it is written again, compressed, to another place; ``commit`` is called then, because HDF5
    gives the old place to the next chunk, and before that the file on disk must have ceased to refer to it.
    """

    def __init__(self, dataset: Hdf5Dataset, file: OrderedFile, commit: Callable[[], None]) -> None:
        self._dataset = dataset.id
        self._file = file
        self._commit = commit
        self._chunk_rows = int(dataset.chunks[0])
        self._tail = np.zeros(self._chunk_rows, dtype=dataset.dtype)
        self._tail_address = 0
        self.rows = 0

    def append(self, values: Values) -> None:
        """Append ``values`` (one dimension, any length). On disk after the next commit."""
        values = np.ascontiguousarray(values, dtype=self._tail.dtype)
        position = self._complete_tail(values)
        while len(values) - position >= self._chunk_rows:
            self._grow(self._chunk_rows)
            self._write_chunk(values[position : position + self._chunk_rows])
            position += self._chunk_rows
        if position < len(values):
            self._extend_tail(values[position:])

    def compress_tail(self) -> None:
        """Compress the incomplete chunk, at the end of the recording. Nothing may be appended afterwards."""
        if self.rows % self._chunk_rows:
            self._write_chunk(self._tail)
            self._commit()

    def _complete_tail(self, values: Values) -> int:
        """Fill the incomplete chunk if there are values enough; return how many it took."""
        used = self.rows % self._chunk_rows
        missing = self._chunk_rows - used
        if used == 0 or len(values) < missing:
            return 0
        self._tail[used:] = values[:missing]
        self._grow(missing)
        self._write_chunk(self._tail)
        self._commit()
        return missing

    def _extend_tail(self, values: Values) -> None:
        used = self.rows % self._chunk_rows
        self._grow(len(values))
        self._tail[used : used + len(values)] = values
        if used:
            self._file.write_at(self._tail_address + used * self._tail.itemsize, values.tobytes())
        else:
            self._begin_tail(len(values))

    def _begin_tail(self, used: int) -> None:
        self._tail[used:] = np.zeros((), dtype=self._tail.dtype)
        first = (self.rows - used,)
        self._dataset.write_direct_chunk(first, self._tail.tobytes(), filter_mask=_UNFILTERED)
        self._tail_address = self._dataset.get_chunk_info_by_coord(first).byte_offset

    def _grow(self, rows: int) -> None:
        self.rows += rows
        self._dataset.set_extent((self.rows,))

    def _write_chunk(self, chunk: Values) -> None:
        """Store the last chunk compressed, in the form that HDF5's own filters give it."""
        first = (self.rows - 1) // self._chunk_rows * self._chunk_rows
        by_byte = chunk.view(np.uint8).reshape(self._chunk_rows, chunk.itemsize).T.tobytes()
        compressed = zlib.compress(by_byte, COMPRESSION_LEVEL)
        self._dataset.write_direct_chunk((first,), compressed, filter_mask=0)

"""One column of a recording, read chunk by chunk, so that a damaged chunk spoils no other.

HDF5 only looks up where a chunk is; it is decompressed here, with a bound on its size: what a damaged
file says of itself can fill no memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.recording.h5_typing import Hdf5Dataset

Values = npt.NDArray[Any]

MAX_CHUNK_BYTES = 1 << 26
"""A chunk of a recording has 8 kB; one beyond this is not read."""
MAX_LOST_IN_A_ROW = 2000
"""After so many chunks that cannot be found the rest is given up: the length of the column is damaged."""

_SHUFFLED, _COMPRESSED = 0b01, 0b10
"""Bits of the filter mask: this step was left out for the chunk."""
_PLAIN_ROWS = 1 << 14

H5_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, MemoryError, zlib.error)
"""What h5py and zlib raise for damaged files."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a column from ``first`` on; without ``values`` they cannot be read, and ``error`` says why."""

    first: int
    rows: int
    values: Values | None
    error: str = ""


class StoredColumn:
    """A one-dimensional data set. Raises what h5py raises if even its shape cannot be read."""

    def __init__(self, dataset: Hdf5Dataset) -> None:
        self._dataset = dataset
        self.dtype: np.dtype[Any] = dataset.dtype
        self.shape: tuple[int, ...] = dataset.shape
        self.rows = int(self.shape[0]) if len(self.shape) == 1 else 0
        self._chunk_rows = int(dataset.chunks[0]) if dataset.chunks else 0
        self._ours = bool(self._chunk_rows) and _has_our_filters(dataset)

    def chunks(self, begin: int = 0, end: int | None = None) -> Iterator[Chunk]:
        """All chunks that have rows from ``begin`` to before ``end``, whole."""
        step = self._chunk_rows if self._ours else _PLAIN_ROWS
        end = self.rows if end is None else min(end, self.rows)
        lost = 0
        for first in range(begin - begin % step, end, step):
            chunk = self._chunk(first, min(step, self.rows - first))
            lost = 0 if chunk.values is not None else lost + 1
            if lost > MAX_LOST_IN_A_ROW:
                yield Chunk(first, self.rows - first, None, "no chunk of these rows can be found")
                return
            yield chunk

    def read(self, begin: int, end: int) -> Values | None:
        """Rows ``begin`` to ``end``; None if any of them cannot be read."""
        pieces = []
        for chunk in self.chunks(begin, end):
            if chunk.values is None:
                return None
            pieces.append(chunk.values[max(0, begin - chunk.first) : max(0, end - chunk.first)])
        return np.concatenate(pieces) if pieces else np.zeros(0, self.dtype)

    def _chunk(self, first: int, rows: int) -> Chunk:
        try:
            values = self._decoded(first, rows) if self._ours else self._dataset[first : first + rows]
        except H5_ERRORS as error:
            return Chunk(first, rows, None, _first_line(error))
        return Chunk(first, rows, values)

    def _decoded(self, first: int, rows: int) -> Values:
        size = self._chunk_rows * self.dtype.itemsize
        if size > MAX_CHUNK_BYTES:
            raise ValueError(f"a chunk of {size} bytes")
        mask, data = self._dataset.id.read_direct_chunk((first,))
        if not mask & _COMPRESSED:
            data = _inflated(data, size)
        if len(data) != size:
            raise ValueError(f"the chunk has {len(data)} bytes, not {size}")
        if not mask & _SHUFFLED and self.dtype.itemsize > 1:
            by_byte = np.frombuffer(data, np.uint8).reshape(self.dtype.itemsize, self._chunk_rows)
            data = by_byte.T.tobytes()
        return np.frombuffer(data, self.dtype)[:rows]


def _inflated(data: bytes, size: int) -> bytes:
    """The decompressed chunk; zlib's own checksum tells whether it is what was written."""
    inflate = zlib.decompressobj()
    plain = inflate.decompress(data, size + 1)
    if not inflate.eof:
        raise ValueError("the compressed chunk is cut off or too long")
    return plain


def _has_our_filters(dataset: Hdf5Dataset) -> bool:
    """Shuffled, then compressed with gzip, and nothing else; other programs may have packed it anew."""
    return bool(
        dataset.shuffle
        and dataset.compression == "gzip"
        and not dataset.fletcher32
        and dataset.scaleoffset is None
        and dataset.dtype.kind in "iufS"
    )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

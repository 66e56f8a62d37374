"""HDF5's object headers of version 1 (format specification IV.A.1.a), as bytes."""

from __future__ import annotations

import struct

LENGTH_BYTES = 8
"""Of the length of a one-dimensional data set."""

_VERSION = 1
_PREFIX_BYTES = 16
_MESSAGE = struct.Struct("<HHB3x")
_DATASPACE = 1
_DIMENSIONS_OFFSET = 8
"""In a dataspace message of version 1, behind version, rank, flags and what is reserved."""


def length_place(header: bytes) -> int | None:
    """Where the length of a one-dimensional data set stands; None where this is no header of one."""
    if len(header) < _PREFIX_BYTES or header[0] != _VERSION:
        return None
    at = _PREFIX_BYTES
    while at + _MESSAGE.size <= len(header):
        kind, size, _ = _MESSAGE.unpack_from(header, at)
        at += _MESSAGE.size
        if kind == _DATASPACE and header[at : at + 2] == b"\x01\x01":
            return at + _DIMENSIONS_OFFSET
        at += size
    return None

"""Nodes of HDF5's chunk index (version 1 B-tree, format specification III.A.1), as bytes.

A leaf refers to up to 64 chunks: their sizes in bytes, filters skipped, positions and addresses.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

NODE_BYTES = 2096
"""Size for one-dimensional data sets, with HDF5's default of 64 chunks a node."""
PAGE_BYTES = 4096

_SIGNATURE = b"TREE\x01"
_LEVEL_OFFSET = 5
_ENTRIES = struct.Struct("<H")
_ENTRIES_OFFSET = 6
_FIRST_ENTRY_OFFSET = 24
_ENTRY_BYTES = 32
_SIZE = struct.Struct("<I")
_ADDRESS = struct.Struct("<Q")
_ADDRESS_OFFSET = 24

Places = Mapping[int, tuple[int, int]]
"""By the address of a chunk: which address and size to give it instead."""


def is_node(address: int, data: bytes) -> bool:
    """Whether HDF5 wrote a node here. Compressed chunks begin otherwise, and nodes begin on pages."""
    return address % PAGE_BYTES == 0 and len(data) == NODE_BYTES and data.startswith(_SIGNATURE)


def level(node: bytes) -> int:
    """0 for a leaf."""
    return node[_LEVEL_OFFSET]


def divert(node: bytes, places: Places) -> bytes:
    """The leaf with another place for its last chunk, the only one that may be incomplete.

    Any other node is returned as it is.
    """
    (entries,) = _ENTRIES.unpack_from(node, _ENTRIES_OFFSET)
    if level(node) or not entries:
        return node
    entry = _FIRST_ENTRY_OFFSET + (entries - 1) * _ENTRY_BYTES
    (address,) = _ADDRESS.unpack_from(node, entry + _ADDRESS_OFFSET)
    if address not in places:
        return node
    changed = bytearray(node)
    address, size = places[address]
    _SIZE.pack_into(changed, entry, size)
    _ADDRESS.pack_into(changed, entry + _ADDRESS_OFFSET, address)
    return bytes(changed)

"""From records and Python numbers to columns, which are made anew in every poll.

``struct.pack`` takes a third of the time of ``np.fromiter`` or ``np.array`` for the same list of integers.
The arrays cannot be written to.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import astuple


def by_field(kind: type[Struct], groups: Iterable[Sequence[Struct]]) -> Mapping[str, list[Any]]:
    """The values of every field of records that are all of one kind, in their order.

    For records of many fields: a fifth less time than asking each record for each field (measured; of two
    fields it takes longer). In groups, so that each is read while it is in the processor's cache.
    """
    columns: list[list[Any]] = [[] for _ in kind.__struct_fields__]
    for records in groups:
        for column, values in zip(columns, zip(*map(astuple, records), strict=True), strict=False):
            column.extend(values)
    return dict(zip(kind.__struct_fields__, columns, strict=True))


def integers(values: Sequence[int]) -> npt.NDArray[np.int64]:
    """One-dimensional; raises struct.error for what is no integer of 64 bits."""
    return np.frombuffer(_packed("q", values), np.int64)


def small_integers(values: Sequence[int]) -> npt.NDArray[np.int32]:
    """As ``integers``, of 32 bits."""
    return np.frombuffer(_packed("i", values), np.int32)


def flags(values: Sequence[bool]) -> npt.NDArray[np.bool_]:
    """One-dimensional."""
    return np.frombuffer(bytes(values), np.bool_)


def floats(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    """One-dimensional, NaN for None; integers are the quickest."""
    for kind, dtype in (("q", np.int64), ("d", np.float64)):
        try:
            return np.frombuffer(_packed(kind, values), dtype).astype(np.float64, copy=False)
        except struct.error:  # a float, None
            continue
    return np.array(values, dtype=np.float64)


def _packed(kind: str, values: Sequence[Any]) -> bytes:
    """All values in bytes. Most columns are the same from end to end, and then it takes a third of the time;
    whether it pays to look tell the first and the last."""
    if values and values[0] is values[-1] and values.count(values[0]) == len(values):
        return struct.pack(f"={kind}", values[0]) * len(values)
    return struct.pack(f"={len(values)}{kind}", *values)

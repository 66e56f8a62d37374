"""How many rows each part of the screen gets."""

from __future__ import annotations

from collections.abc import Sequence


def share_rows(wanted: Sequence[int], available: int) -> tuple[int, ...]:
    """Give every part the rows it wants; when they do not fit, cut the longest parts to one length.

    The sum of the result is at most ``available``.
    """
    granted = [0] * len(wanted)
    for _ in range(max(0, min(available, sum(wanted)))):
        hungry = [index for index, rows in enumerate(granted) if rows < wanted[index]]
        granted[min(hungry, key=granted.__getitem__)] += 1
    return tuple(granted)

"""Points in the order of their coming, as growing arrays."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stem_device.model.snapshot import Floats, Integers
from stem_device.telemetry.metrics.points import LATEST_NS, nanoseconds

_FEW = 16
"""Points from which on numpy is faster than Python."""
_LEAST_NS = 10**17
"""Whole numbers from here on are nanoseconds already."""


class Block(NamedTuple):
    """Points as columns of equal length; ``series`` is its number."""

    series: Integers
    at_utc_ns: Integers
    value: Floats


class Growing:
    """Points that came since it was made. Not thread-safe."""

    def __init__(self) -> None:
        self._index, self._at, self._value = array("q"), array("q"), array("d")

    def __len__(self) -> int:
        return len(self._at)

    def add(self, series: int, at: Sequence[int], values: Sequence[float]) -> None:
        """Points of one series."""
        self._at.extend(at)
        self._value.extend(values)
        self._index.extend(array("q", (series,)) * len(at))

    def block(self) -> Block:
        """A copy."""
        return Block(
            np.array(self._index, np.int64), np.array(self._at, np.int64), np.array(self._value, np.float64)
        )


def checked_points(
    times: Sequence[float], values: Sequence[float]
) -> tuple[Sequence[int], Sequence[float], str]:
    """Times in ns and values of those that can be points, and why the others cannot ("" if all can)."""
    if len(times) >= _FEW and _all_good(times, values):
        return times, values, ""  # type: ignore[return-value]
    at: list[int] = []
    kept: list[float] = []
    problem = ""
    for time, value in zip(times, values, strict=True):
        moment = nanoseconds(time)
        if moment is None:
            problem = f"a time must be since 1970 UTC in s, ms, us or ns, and is {time!r:.60}"
        elif value - value != 0.0 or abs(value) > _GREATEST:
            problem = f"a value must be a finite number, and is {value!r:.60}"
        else:
            at.append(moment)
            kept.append(float(value))
    return at, kept, problem


_GREATEST = 1.7e308
"""A whole number may have any number of digits."""


def _all_good(times: Sequence[float], values: Sequence[float]) -> bool:
    try:
        moments, numbers = np.array(times), np.array(values, np.float64)
    except (OverflowError, ValueError):
        return False
    return (
        moments.dtype == np.int64
        and bool((moments >= _LEAST_NS).all())
        and bool((moments < LATEST_NS).all())
        and bool((np.abs(numbers) <= _GREATEST).all())
    )

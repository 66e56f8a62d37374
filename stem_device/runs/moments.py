"""Minimum, maximum, mean and standard deviation, of all values or group by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.runs.marks import Floats, Integers


@dataclass(frozen=True, slots=True)
class Moments:
    """Of ``count`` values. All NaN without values; the standard deviation also of a single one.

    ``standard_deviation`` is that of a sample: the squares are divided by ``count - 1``.
    """

    count: int
    minimum: float
    maximum: float
    mean: float
    standard_deviation: float


def moments(values: Floats) -> Moments:
    """Of all values."""
    return moments_by(values, np.zeros(len(values), dtype=np.int64), 1)[0]


def moments_by(values: Floats, group: Integers, groups: int) -> list[Moments]:
    """Of the values of each group, which are numbered from 0."""
    by_group = np.argsort(group, kind="stable")
    ordered = values[by_group]
    count = np.bincount(group, minlength=groups)
    some = count > 0
    start = (np.cumsum(count) - count)[some]
    minimum, maximum, mean, variance = np.full((4, groups), np.nan)
    if len(ordered):
        minimum[some] = np.minimum.reduceat(ordered, start)
        maximum[some] = np.maximum.reduceat(ordered, start)
        mean[some] = np.add.reduceat(ordered, start) / count[some]
        # In two passes: durations differ by far less than they are long.
        squares = np.bincount(group, weights=(values - mean[group]) ** 2, minlength=groups)
        variance[count > 1] = squares[count > 1] / (count[count > 1] - 1)
    columns = (count, minimum, maximum, mean, np.sqrt(variance))
    return [Moments(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

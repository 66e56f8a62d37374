"""Series put side by side at the moments of all of them, and aggregated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stem_device.opentsdb.aggregators import Aggregator, Interpolation
from stem_device.opentsdb.limits import Budget
from stem_device.opentsdb.series import Floats, Integers

_CELLS_AT_ONCE = 1_000_000
"""8 MB a copy, of which there are a few; larger pieces are not quicker."""


class Points(NamedTuple):
    """Of one series: ``times_ms`` (int64, rising) and ``values`` (float64) of equal length."""

    times_ms: Integers
    values: Floats


def merged(series: list[Points], aggregator: Aggregator, budget: Budget, *, steps: bool) -> Points:
    """One series of several: a value at every moment at which any of them has one.

    A series counts from its first to its last point; where it has none in between, as the aggregator says.
    ``steps``: it keeps its value instead until its next point, as OpenTSDB has it for rates.
    """
    moments = np.unique(np.concatenate([one.times_ms for one in series]))
    budget.check_cells(len(series), len(moments))
    interpolation = Interpolation.PREVIOUS if steps else aggregator.interpolation
    at_once = max(1, _CELLS_AT_ONCE // len(series))
    pieces = []
    for begin in range(0, len(moments), at_once):
        budget.check_time()
        piece = moments[begin : begin + at_once]
        matrix = np.vstack([_at(one, piece, interpolation) for one in series])
        pieces.append(aggregator.over_columns(matrix))
    return Points(moments, np.concatenate(pieces))


def _at(points: Points, moments: Integers, interpolation: Interpolation) -> Floats:
    """The values of a series at these moments; NaN where it does not count."""
    times, values = points
    before = np.searchsorted(times, moments, side="right") - 1
    inside = (before >= 0) & (moments <= times[-1])
    before = np.clip(before, 0, None)
    exact = inside & (times[before] == moments)
    result = np.full(len(moments), np.nan)
    result[exact] = values[before[exact]]
    between = inside & ~exact
    if between.any():
        result[between] = _between(points, moments[between], before[between], interpolation)
    return result


def _between(
    points: Points, moments: Integers, before: Integers, interpolation: Interpolation
) -> Floats | float:
    times, values = points
    if interpolation is Interpolation.ZERO:
        return 0.0
    if interpolation is Interpolation.NOTHING:
        return np.nan
    if interpolation is Interpolation.PREVIOUS:
        return values[before]
    x0, x1, y0, y1 = times[before], times[before + 1], values[before], values[before + 1]
    return np.asarray(y0 + (moments - x0) * (y1 - y0) / (x1 - x0))

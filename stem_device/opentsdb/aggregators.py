"""OpenTSDB's aggregators: many values to one, in a bucket of time or over series at one moment.

Each reduces *segments*: ``values`` (float64, shape (n,)) without NaN, segment after segment, of which none is
empty; ``starts`` (shape (k,)) is the index of the first value of each. Names, interpolation and meaning are
those of OpenTSDB 2.4 (https://opentsdb.net/docs/build/html/user_guide/query/aggregators.html).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stem_device.errors import TsdbQueryError
from stem_device.opentsdb.series import Floats

Starts = npt.NDArray[np.intp]
Reduce = Callable[[Floats, Starts], Floats]


class Interpolation(enum.Enum):
    """What a series counts as at a moment at which it has no point, between its first and its last one."""

    LINEAR = "linear"
    ZERO = "zero"
    NOTHING = "nothing"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class Aggregator:
    """``empty`` is what it makes of no value at all."""

    name: str
    interpolation: Interpolation
    reduce: Reduce
    empty: float = math.nan

    def over_columns(self, matrix: Floats) -> Floats:
        """Each column (shape (rows, columns)) to one value; NaN counts as no value."""
        there = ~np.isnan(matrix)
        counts = there.sum(axis=0)
        result = np.full(matrix.shape[1], self.empty)
        if not matrix.size or not counts.any():
            return result
        some = counts > 0
        ends = np.cumsum(counts[some])
        result[some] = self.reduce(matrix.T[there.T], ends - counts[some])
        return result


def _lengths(values: Floats, starts: Starts) -> Starts:
    return np.diff(starts, append=len(values))


def _lasts(values: Floats, starts: Starts) -> Starts:
    return starts + _lengths(values, starts) - 1


def _sum(values: Floats, starts: Starts) -> Floats:
    return np.asarray(np.add.reduceat(values, starts))


def _average(values: Floats, starts: Starts) -> Floats:
    return _sum(values, starts) / _lengths(values, starts)


def _deviation(values: Floats, starts: Starts) -> Floats:
    """Of the whole population, as in OpenTSDB."""
    means = np.repeat(_average(values, starts), _lengths(values, starts))
    return np.asarray(np.sqrt(_average((values - means) ** 2, starts)))


def _difference(values: Floats, starts: Starts) -> Floats:
    return np.asarray(values[_lasts(values, starts)] - values[starts])


def _sorted(values: Floats, starts: Starts) -> Floats:
    """Each segment in order."""
    segment = np.repeat(np.arange(len(starts)), _lengths(values, starts))
    return values[np.lexsort((values, segment))]


def _median(values: Floats, starts: Starts) -> Floats:
    """The upper one of two in the middle, as in OpenTSDB."""
    return np.asarray(_sorted(values, starts)[starts + _lengths(values, starts) // 2])


def _between(position: Floats, values: Floats, starts: Starts) -> Floats:
    """The value at a position in each sorted segment, counted from 1, interpolated and kept within it."""
    ordered, lengths = _sorted(values, starts), _lengths(values, starts)
    position = np.clip(position, 1, lengths)
    lower = np.floor(position).astype(np.intp)
    below = ordered[starts + lower - 1]
    above = ordered[starts + np.minimum(lower, lengths - 1)]
    return np.asarray(below + (position - lower) * (above - below))


def _percentile(share: float) -> Reduce:
    """Position (n + 1) p: what Apache Commons Math calls LEGACY, and R type 6."""
    return lambda values, starts: _between(
        (_lengths(values, starts).astype(np.float64) + 1) * share, values, starts
    )


def _nearest(share: float) -> Reduce:
    """R type 3: the value nearest to position n p, the even one of two."""
    return lambda values, starts: _between(
        np.rint(_lengths(values, starts).astype(np.float64) * share), values, starts
    )


def _estimated(share: float) -> Reduce:
    """R type 7: position 1 + (n - 1) p."""
    return lambda values, starts: _between(
        1 + (_lengths(values, starts).astype(np.float64) - 1) * share, values, starts
    )


def _simple() -> list[Aggregator]:
    linear, zero = Interpolation.LINEAR, Interpolation.ZERO
    nothing, previous = Interpolation.NOTHING, Interpolation.PREVIOUS

    def multiply(values: Floats, starts: Starts) -> Floats:
        return np.asarray(np.multiply.reduceat(values, starts))

    def smallest(values: Floats, starts: Starts) -> Floats:
        return np.asarray(np.minimum.reduceat(values, starts))

    def largest(values: Floats, starts: Starts) -> Floats:
        return np.asarray(np.maximum.reduceat(values, starts))

    return [
        Aggregator("sum", linear, _sum),
        Aggregator("pfsum", previous, _sum),
        Aggregator("zimsum", zero, _sum),
        Aggregator("squareSum", zero, lambda values, starts: _sum(values**2, starts)),
        Aggregator("avg", linear, _average),
        Aggregator("min", linear, smallest),
        Aggregator("mimmin", nothing, smallest),
        Aggregator("max", linear, largest),
        Aggregator("mimmax", nothing, largest),
        Aggregator("mult", linear, multiply),
        Aggregator("multiply", linear, multiply),
        Aggregator("count", zero, lambda values, starts: _lengths(values, starts).astype(float), 0.0),
        Aggregator("dev", linear, _deviation),
        Aggregator("diff", linear, _difference),
        Aggregator("first", zero, lambda values, starts: values[starts]),
        Aggregator("last", zero, lambda values, starts: values[_lasts(values, starts)]),
        Aggregator("median", linear, _median),
        Aggregator("none", nothing, lambda values, starts: values[_lasts(values, starts)]),
    ]


def _percentiles() -> list[Aggregator]:
    made = []
    for text in ("50", "75", "90", "95", "99", "999"):
        share = float(f"0.{text}")
        for name, reduce in (
            (f"p{text}", _percentile(share)),
            (f"ep{text}r3", _nearest(share)),
            (f"ep{text}r7", _estimated(share)),
        ):
            made.append(Aggregator(name, Interpolation.LINEAR, reduce))
    return made


AGGREGATORS = {one.name: one for one in (*_simple(), *_percentiles())}
"""All of them by name; ``none`` keeps series apart."""

NONE = AGGREGATORS["none"]


def aggregator(name: str | None) -> Aggregator:
    """One by its name; raises TsdbQueryError for one that does not exist."""
    if not name:
        raise TsdbQueryError("Missing the aggregation function", "as sum; see /api/aggregators")
    if name not in AGGREGATORS:
        known = ", ".join(AGGREGATORS)
        raise TsdbQueryError(f"No such aggregation function: {name:.60}", f"there are {known}")
    return AGGREGATORS[name]

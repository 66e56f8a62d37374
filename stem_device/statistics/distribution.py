"""Count, mean, spread and quantiles of values, overall and by group, by sorting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]
"""Floats, NaN where missing; or whole numbers, -1 where missing."""
Codes = npt.NDArray[np.integer[Any]]

QUANTILES = {
    "p1": 0.01,
    "p10": 0.10,
    "p25": 0.25,
    "median": 0.50,
    "p75": 0.75,
    "p90": 0.90,
    "p99": 0.99,
    "p99_9": 0.999,
}
_SHARES = np.array([*QUANTILES.values()])


@dataclass(frozen=True, slots=True)
class Distribution:
    """Numbers that describe ``count`` values, in the unit of the values; NaN where there are too few.

    ``standard_deviation`` is that of a sample (n - 1 below), ``standard_error`` that of the mean,
    s / sqrt(n), right for independent values only. Quantiles are interpolated between neighbours (Hyndman
    and Fan 1996, type 7, as numpy, pandas and R do).
    """

    count: int
    mean: float
    standard_deviation: float
    standard_error: float
    minimum: float
    p1: float
    p10: float
    p25: float
    median: float
    p75: float
    p90: float
    p99: float
    p99_9: float
    maximum: float


_NAN = float("nan")
EMPTY = Distribution(0, *[_NAN] * 13)


def describe(values: Values) -> Distribution:
    """Describe ``values`` (n). Missing ones (NaN, or below 0 where they are whole numbers) do not count."""
    ordered = present(np.sort(narrow(values)))
    return _describe_ordered(ordered, _moments(ordered))


class Grouping:
    """Rows in order of their group: made once, used for every column of a table.

    ``codes`` (n) has the group of every row, from 0 to ``groups - 1``; -1 for none. With ``lengths`` (n)
    each code is that of so many rows.
    """

    def __init__(self, codes: Codes, groups: int, lengths: Codes | None = None) -> None:
        self.groups = groups
        codes, lengths = _runs(codes, lengths)
        self._order = _stable_order(codes, lengths)
        rows = np.bincount(codes + 1, lengths, minlength=groups + 1)
        self._ends = np.cumsum(rows.astype(np.int64))

    def describe(self, values: Values) -> tuple[Distribution, list[Distribution]]:
        """``values`` (n) of all groups together, and of each."""
        arranged = narrow(values)[self._order]
        parts = [arranged[self._ends[group] : self._ends[group + 1]] for group in range(self.groups)]
        for part in parts:
            part.sort()
        parts = [present(part) for part in parts]
        groups = [_describe_ordered(part, _moments(part)) for part in parts]
        return _describe_together(parts, groups), groups

    def quantiles(
        self, values: Values, shares: npt.NDArray[np.float64], fewest: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Quantiles of every group, (shares, groups); NaN in groups with less than its ``fewest`` values."""
        arranged = values[self._order]
        found = np.full((len(shares), self.groups), np.nan)
        for group in range(self.groups):
            known = present(np.sort(arranged[self._ends[group] : self._ends[group + 1]]))
            enough = len(known) >= fewest
            if enough.any():
                found[enough, group] = quantile_sorted(known, shares[enough])
        return found


def quantile_sorted(ordered: Values, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Quantiles of values in order, at least one, without NaN."""
    return _between(len(ordered), shares, lambda ranks: ordered[ranks])


def _between(
    count: int, shares: npt.NDArray[np.float64], at: Callable[[npt.NDArray[np.int64]], Values]
) -> npt.NDArray[np.float64]:
    """Interpolate between the values ``at`` ranks (from 0) next to each quantile of ``count`` values."""
    ranks = shares * (count - 1)
    below = np.floor(ranks).astype(np.int64)
    low, high = (
        at(np.concatenate((below, np.minimum(below + 1, count - 1)))).astype(np.float64).reshape(2, -1)
    )
    found: npt.NDArray[np.float64] = low + (high - low) * (ranks - below)
    return found


def narrow(values: Values) -> Values:
    """Whole numbers of 32 bits, -1 where missing, if that holds all values exactly: they sort in a third of
    the time. 32 bits of microseconds are 35 minutes.
    """
    with np.errstate(invalid="ignore"):
        small = values.astype(np.int32)
    if values.dtype.kind != "f":
        return small if (small == values).all() else values
    missing = np.isnan(values)
    small[missing] = -1
    exact = (small == values) & (small >= 0)
    return small if (exact | missing).all() else values


def present(ordered: Values) -> Values:
    """``ordered`` without what is missing: NaN stands at its end, -1 of whole numbers at its beginning."""
    if ordered.dtype.kind == "f":
        return ordered[: np.searchsorted(ordered, np.nan)]
    return ordered[np.searchsorted(ordered, ordered.dtype.type(0)) :]


def _runs(codes: Codes, lengths: Codes | None) -> tuple[Codes, Codes]:
    """Each code that is another one than that before it, and how many rows have it from there on."""
    rows = np.arange(len(codes) + 1) if lengths is None else np.append(0, np.cumsum(lengths))
    starts = np.flatnonzero(np.diff(codes, prepend=codes[:1] - 1))
    return codes[starts], np.diff(rows[starts], append=rows[-1])


def _stable_order(codes: Codes, lengths: Codes) -> npt.NDArray[np.int64]:
    """Rows by code. Recorded rows of one group stand together in runs: to sort the runs is enough."""
    starts = np.cumsum(lengths) - lengths
    runs = np.argsort(codes, kind="stable")
    lengths = lengths[runs]
    ends = np.cumsum(lengths)
    rows = np.arange(ends[-1] if len(ends) else 0)
    rows += np.repeat(starts[runs] - ends + lengths, lengths)
    return rows


def _moments(known: Values) -> tuple[float, float]:
    """Mean, and sum of the squared distances from it."""
    if not len(known):
        return _NAN, 0.0
    mean = float(known.mean())
    apart = known - mean
    np.square(apart, out=apart)  # not by BLAS: its threads cost more than they save
    return mean, float(apart.sum())


def _describe_ordered(known: Values, moments: tuple[float, float]) -> Distribution:
    if not len(known):
        return EMPTY
    quantiles = quantile_sorted(known, _SHARES)
    return _distribution(len(known), moments, (float(known[0]), float(known[-1])), quantiles)


def _describe_together(parts: list[Values], groups: list[Distribution]) -> Distribution:
    """All groups as one; ``parts`` are their values in order."""
    told = [one for one in groups if one.count]
    if not told:
        return EMPTY
    count = sum(one.count for one in told)
    quantiles = _between(count, _SHARES, lambda ranks: _at_ranks(parts, ranks))
    extremes = min(one.minimum for one in told), max(one.maximum for one in told)
    return _distribution(count, _moments_of_all(told), extremes, quantiles)


def _at_ranks(parts: list[Values], ranks: npt.NDArray[np.int64]) -> Values:
    """The values at ``ranks`` (from 0) of all parts together, each of which is in order.

    Whole numbers are found by bisection, without putting all in order.
    """
    if any(part.dtype.kind == "f" for part in parts):
        return np.asarray(np.sort(np.concatenate(parts))[ranks])
    parts = [part for part in parts if len(part)]
    count = sum(map(len, parts))
    # The value at rank k of all lies between the least and the greatest of those at its share of each part.
    near = [part[ranks * len(part) // count].astype(np.int64) for part in parts]
    low: Values = np.min(near, axis=0)
    high: Values = np.max(near, axis=0)
    while (low < high).any():
        middle = low + (high - low) // 2
        # Of the type of the parts, or all of them would be converted for each look.
        not_above = np.sum(
            [np.searchsorted(part, middle.astype(part.dtype), side="right") for part in parts], axis=0
        )
        reached = not_above > ranks
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle + 1)
    return low


def _distribution(
    count: int,
    moments: tuple[float, float],
    extremes: tuple[float, float],
    quantiles: npt.NDArray[np.float64],
) -> Distribution:
    mean, squares = moments
    deviation = math.sqrt(squares / (count - 1)) if count > 1 else _NAN
    return Distribution(
        count=count,
        mean=mean,
        standard_deviation=deviation,
        standard_error=deviation / math.sqrt(count),
        minimum=extremes[0],
        maximum=extremes[1],
        **dict(zip(QUANTILES, quantiles.tolist(), strict=True)),
    )


def _moments_of_all(told: list[Distribution]) -> tuple[float, float]:
    """Mean and sum of squared distances of all values, from those of groups (Chan et al. 1983)."""
    counts = np.array([one.count for one in told], dtype=np.float64)
    means = np.array([one.mean for one in told])
    within = np.nan_to_num([one.standard_deviation for one in told]) ** 2 * (counts - 1)
    mean = float(counts @ means / counts.sum())
    return mean, float(within.sum() + counts @ (means - mean) ** 2)

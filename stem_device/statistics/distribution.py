"""Count, mean, spread and quantiles of values, overall and by group, by sorting."""

from __future__ import annotations

import math
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
    return _describe_sorted(np.sort(values))


class Grouping:
    """Rows in order of their group: made once, used for every column of a table.

    ``codes`` (n) has the group of every row, from 0 to ``groups - 1``; -1 for none.
    """

    def __init__(self, codes: Codes, groups: int) -> None:
        self.groups = groups
        self._order = _stable_order(codes)
        self._ends = np.cumsum(np.bincount(codes + 1, minlength=groups + 1))

    def describe(self, values: Values) -> tuple[Distribution, list[Distribution]]:
        """``values`` (n) of all groups together, and of each."""
        arranged = values[self._order]
        groups = [
            _describe_sorted(np.sort(arranged[self._ends[group] : self._ends[group + 1]]))
            for group in range(self.groups)
        ]
        together = present(np.sort(arranged[self._ends[0] :]))
        return _describe_ordered(together, *_moments_of_all(groups)), groups

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
    ranks = shares * (len(ordered) - 1)
    below = np.floor(ranks).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    low = ordered[below].astype(np.float64)
    found: npt.NDArray[np.float64] = low + (ordered[above] - low) * (ranks - below)
    return found


def present(ordered: Values) -> Values:
    """``ordered`` without what is missing: NaN stands at its end, -1 of whole numbers at its beginning."""
    if ordered.dtype.kind == "f":
        return ordered[: np.searchsorted(ordered, np.nan)]
    return ordered[np.searchsorted(ordered, 0) :]


def _stable_order(codes: Codes) -> npt.NDArray[np.int64]:
    """Rows by code. Recorded rows of one group stand together in runs: to sort the runs is enough."""
    if not len(codes):
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
    lengths = np.diff(starts, append=len(codes))
    runs = np.argsort(codes[starts], kind="stable")
    lengths = lengths[runs]
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts[runs] - before, lengths) + np.arange(len(codes))


def _describe_sorted(ordered: Values) -> Distribution:
    known = present(ordered)
    if not len(known):
        return EMPTY
    mean = float(known.mean())
    apart = known - mean
    np.square(apart, out=apart)  # not by BLAS: its threads cost more than they save
    return _describe_ordered(known, mean, float(apart.sum()))


def _describe_ordered(known: Values, mean: float, squares: float) -> Distribution:
    """``squares`` is the sum of the squared distances from the mean."""
    count = len(known)
    if not count:
        return EMPTY
    deviation = math.sqrt(squares / (count - 1)) if count > 1 else _NAN
    quantiles = quantile_sorted(known, _SHARES).tolist()
    return Distribution(
        count=count,
        mean=mean,
        standard_deviation=deviation,
        standard_error=deviation / math.sqrt(count),
        minimum=float(known[0]),
        maximum=float(known[-1]),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    )


def _moments_of_all(groups: list[Distribution]) -> tuple[float, float]:
    """Mean and sum of squared distances of all values, from those of groups (Chan et al. 1983)."""
    told = [one for one in groups if one.count]
    if not told:
        return _NAN, 0.0
    counts = np.array([one.count for one in told], dtype=np.float64)
    means = np.array([one.mean for one in told])
    within = np.nan_to_num([one.standard_deviation for one in told]) ** 2 * (counts - 1)
    mean = float(counts @ means / counts.sum())
    return mean, float(within.sum() + counts @ (means - mean) ** 2)

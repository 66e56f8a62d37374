"""Whether two rows of pieces differ: tests, effect sizes and intervals. Needs the extra "statistics".

Everything here takes values of pieces (see :mod:`stem_device.statistics.batches`), never single events or
samples: those come in bursts and are not independent. Where neighbouring pieces still have something in
common, they count as fewer: with a correlation r between neighbours, n pieces tell as much as n (1 - r) /
(1 + r) independent ones (Bayley and Hammersley 1946), so z values are multiplied, and intervals divided,
by the root of (1 - r) / (1 + r). Random numbers are seeded: the same files give the same answer.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from stem_device.errors import MissingExtraError
from stem_device.statistics.polls import Floats

SEED = 20_251
RESAMPLES = 9_999
DRAWS = 2_000
CONFIDENCE = 0.95
FEWEST_PIECES = 4
"""With fewer pieces on one side no test can be sure of anything: of three and three, 2 in 20 ways to divide
them are as far apart as can be, of four and four 2 in 70. With more, short recordings would be told less of
than can be known."""
MOST_CORRELATED = 0.9
"""20 pieces count as one then. At 1 nothing would be known, however large a change is; at half of it a
timing that drifts through the whole recording would count as 8 independent pieces."""
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How B differs from A.

    ``difference`` is b - a with its confidence interval, ``ratio`` is b / a with its own; NaN where there
    is none. ``effect`` is Cliff's delta of the pieces: the share of pairs of pieces in which B is higher
    less the share in which A is, from -1 to 1. ``p_value`` is two-sided; NaN where there are too few
    pieces.
    """

    a: float
    b: float
    difference: float
    difference_low: float
    difference_high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    effect: float
    p_value: float


def import_stats() -> Any:
    """``scipy.stats``; MissingExtraError if it is not installed."""
    try:
        return importlib.import_module("scipy.stats")
    except ImportError as error:
        raise MissingExtraError("statistics", "comparing recordings") from error


def compare_shares(part_a: Floats, whole_a: Floats, part_b: Floats, whole_b: Floats) -> list[Evidence]:
    """Compare sum(part) / sum(whole) of A and B, for many subjects at once.

    Shapes: (subjects, pieces of A) and (subjects, pieces of B). The test permutes whole pieces between A and
    B; the intervals are percentiles of a bootstrap of pieces.
    """
    p_values = _permutation_p_values(part_a, whole_a, part_b, whole_b)
    draws_a, draws_b = _resampled(part_a, whole_a, SEED), _resampled(part_b, whole_b, SEED + 1)
    return [
        _share_evidence(
            (part_a[row], whole_a[row], draws_a[row]),
            (part_b[row], whole_b[row], draws_b[row]),
            float(p_values[row]),
        )
        for row in range(len(part_a))
    ]


def compare_values(a: Floats, b: Floats) -> Evidence:
    """Compare the values of the pieces of A with those of B, where each piece has one; NaN is left out.

    Mann-Whitney test; the difference is Hodges and Lehmann's (the median of all differences b - a) with the
    interval that belongs to this test; ``a`` and ``b`` are medians of pieces.
    """
    trust = _trust(a, b)
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if not len(a) or not len(b):
        return Evidence(*[math.nan] * 10)
    pairs = np.sort((b[:, None] - a[None, :]).ravel())
    low, high = _rank_interval(pairs, len(a), len(b), trust)
    middle_a, middle_b = float(np.median(a)), float(np.median(b))
    difference = float(np.median(pairs))
    return Evidence(
        a=middle_a,
        b=middle_b,
        difference=difference,
        difference_low=low,
        difference_high=high,
        ratio=_quotient(middle_a + difference, middle_a),
        ratio_low=_quotient(middle_a + low, middle_a),
        ratio_high=_quotient(middle_a + high, middle_a),
        effect=float(np.sign(pairs).mean()),
        p_value=_weakened(_mann_whitney(a, b), trust),
    )


def adjusted(p_values: Floats) -> Floats:
    """Benjamini and Hochberg: among the changes called sure, at most this share is expected to be none."""
    known = ~np.isnan(p_values)
    result = np.full(len(p_values), np.nan)
    if known.any():
        result[known] = import_stats().false_discovery_control(p_values[known])
    return result


def _permutation_p_values(part_a: Floats, whole_a: Floats, part_b: Floats, whole_b: Floats) -> Floats:
    subjects = len(part_a)
    if min(part_a.shape[1], part_b.shape[1]) < FEWEST_PIECES or not subjects:
        return np.full(subjects, np.nan)
    # A piece's part and whole travel together through the permutations as one complex number.
    a, b = whole_a + 1j * part_a, whole_b + 1j * part_b
    found = import_stats().permutation_test(
        (a, b),
        _share_difference,
        vectorized=True,
        axis=-1,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // (subjects * (a.shape[1] + b.shape[1]))),
        rng=np.random.default_rng(SEED),
    )
    p_values: Floats = np.real(found.pvalue)
    return p_values


def _share_difference(a: Any, b: Any, axis: int = -1) -> Any:
    total_a, total_b = a.sum(axis=axis), b.sum(axis=axis)
    share_a = np.divide(total_a.imag, total_a.real, out=np.zeros(total_a.shape), where=total_a.real > 0)
    share_b = np.divide(total_b.imag, total_b.real, out=np.zeros(total_b.shape), where=total_b.real > 0)
    return share_b - share_a


def _resampled(part: Floats, whole: Floats, seed: int) -> Floats:
    """Shares of pieces drawn with replacement: (subjects, draws)."""
    pieces = part.shape[1]
    if not pieces:
        return np.zeros((len(part), DRAWS))
    weights = np.random.default_rng(seed).multinomial(pieces, np.full(pieces, 1 / pieces), DRAWS).T
    numerator, denominator = part @ weights, whole @ weights
    shares: Floats = np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)
    return shares


def _share_evidence(
    side_a: tuple[Floats, Floats, Floats], side_b: tuple[Floats, Floats, Floats], p_value: float
) -> Evidence:
    (part_a, whole_a, draws_a), (part_b, whole_b, draws_b) = side_a, side_b
    a, b = _quotient(part_a.sum(), whole_a.sum()), _quotient(part_b.sum(), whole_b.sum())
    each_a, each_b = _per_piece(part_a, whole_a), _per_piece(part_b, whole_b)
    trust = _trust(each_a, each_b)
    low, high = _widened(b - a, draws_b - draws_a, trust)
    ratio, ratio_low, ratio_high = _quotient(b, a), math.nan, math.nan
    if a > 0 and b > 0 and draws_a.all() and draws_b.all():
        logs = _widened(math.log(ratio), np.log(draws_b / draws_a), trust)
        ratio_low, ratio_high = math.exp(logs[0]), math.exp(logs[1])
    return Evidence(
        a=a,
        b=b,
        difference=b - a,
        difference_low=low,
        difference_high=high,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        effect=_cliff(each_a[~np.isnan(each_a)], each_b[~np.isnan(each_b)]),
        p_value=_weakened(p_value, trust),
    )


def _widened(middle: float, draws: Floats, trust: float) -> tuple[float, float]:
    """The interval that holds CONFIDENCE of the draws, as much wider as they are less to be trusted."""
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()
    return middle - (middle - low) / trust, middle + (high - middle) / trust


def _trust(a: Floats, b: Floats) -> float:
    """The root of the share of pieces that are as good as independent; above 0, at most 1.

    From the correlation of neighbouring pieces within A and within B, and what its estimate is too low by in
    short series (Kendall 1954).
    """
    together, spread = np.add(_neighbours(a), _neighbours(b))
    size = (len(a) + len(b)) / 2
    if spread <= 0 or size < FEWEST_PIECES:
        return 1.0
    correlation = (size * together / spread + 1) / (size - 3)
    correlation = min(max(correlation, 0.0), MOST_CORRELATED)
    return math.sqrt((1 - correlation) / (1 + correlation))


def _neighbours(values: Floats) -> tuple[float, float]:
    """Sums of the products of neighbours, and of the squares, around the mean; NaN counts as average."""
    known = ~np.isnan(values)
    if not known.any():
        return 0.0, 0.0
    apart = np.where(known, values - values[known].mean(), 0.0)
    return float(apart[1:] @ apart[:-1]), float(apart @ apart)


def _weakened(p_value: float, trust: float) -> float:
    """The p value of a z value ``trust`` times as large."""
    if math.isnan(p_value) or trust == 1.0:
        return p_value
    normal = NormalDist()
    return min(1.0, 2 * normal.cdf(trust * normal.inv_cdf(max(p_value, 1e-300) / 2)))


def _per_piece(part: Floats, whole: Floats) -> Floats:
    shares: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return shares


def _cliff(a: Floats, b: Floats) -> float:
    return float(np.sign(b[:, None] - a[None, :]).mean()) if len(a) and len(b) else math.nan


def _mann_whitney(a: Floats, b: Floats) -> float:
    if min(len(a), len(b)) < FEWEST_PIECES:
        return math.nan
    if np.ptp(np.concatenate([a, b])) == 0:
        return 1.0
    return float(import_stats().mannwhitneyu(a, b).pvalue)


def _rank_interval(pairs: Floats, size_a: int, size_b: int, trust: float) -> tuple[float, float]:
    """Moses' interval: the pairs at the ranks at which the Mann-Whitney test just says nothing."""
    if min(size_a, size_b) < FEWEST_PIECES:
        return math.nan, math.nan
    number = len(pairs)
    spread = _Z * math.sqrt(number * (size_a + size_b + 1) / 12) / trust
    rank = max(0, math.floor(number / 2 - spread))
    return float(pairs[rank]), float(pairs[number - 1 - rank])


def _quotient(value: float, by: float) -> float:
    return float(value / by) if by > 0 else math.nan

"""Latency, processing and push time: how they are distributed, and how that changes over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stem_device.report.page.bins import Floats, Integers, TimeBins
from stem_device.report.page.report_data import Samples

BINS_A_DECADE = 10
_LOWEST, _HIGHEST = 0, 8
EDGES_MICROS: Floats = 10.0 ** np.linspace(_LOWEST, _HIGHEST, (_HIGHEST - _LOWEST) * BINS_A_DECADE + 1)
"""The fixed bins of every histogram: 1 µs to 100 s, ten a decade. The outer ones take what is beyond them."""
BAND_QUANTILES = (0.1, 0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Distribution:
    """One kind of timing. ``counts`` are by bin of EDGES_MICROS; quantiles are exact, NaN without samples."""

    samples: int
    unknown: int
    counts: Integers
    mean_micros: float
    median_micros: float
    p90_micros: float
    p99_micros: float
    maximum_micros: float


@dataclass(frozen=True, slots=True)
class Bands:
    """Quantiles of each step, shape (quantiles, n); NaN where there is no sample. ``samples`` is (n,)."""

    bins: TimeBins
    samples: Integers
    micros: Floats


def distribution(samples: Samples) -> Distribution:
    """All samples of one kind."""
    known = samples.micros[~np.isnan(samples.micros)]
    bins = np.clip(np.searchsorted(EDGES_MICROS, known, side="right") - 1, 0, len(EDGES_MICROS) - 2)
    counts = np.bincount(bins, minlength=len(EDGES_MICROS) - 1).astype(np.int64)
    median, p90, p99, maximum = _quantiles(known, (0.5, 0.9, 0.99, 1.0))
    mean = float(known.mean()) if len(known) else float("nan")
    unknown = len(samples.micros) - len(known)
    return Distribution(len(known), unknown, counts, mean, median, p90, p99, maximum)


def bands(samples: Samples, bins: TimeBins) -> Bands:
    """Quantiles over time."""
    known = ~np.isnan(samples.micros)
    steps, micros = bins.of(samples.time_utc_ns[known]), samples.micros[known]
    counts = np.zeros(len(bins), dtype=np.int64)
    found = np.full((len(BAND_QUANTILES), len(bins)), np.nan)
    for step, values in slices(steps, micros):
        if 0 <= step < len(bins):
            counts[step] = len(values)
            found[:, step] = np.quantile(values, BAND_QUANTILES)
    return Bands(bins, counts, found)


def slices(keys: Integers, values: Floats) -> Iterator[tuple[int, Floats]]:
    """(key, values with that key) for every key that occurs."""
    if len(keys) == 0:
        return
    if np.any(np.diff(keys) < 0):
        order = np.argsort(keys, kind="stable")
        keys, values = keys[order], values[order]
    begins = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    ends = np.append(begins[1:], len(keys))
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        yield int(keys[begin]), values[begin:end]


def _quantiles(values: Floats, quantiles: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) == 0:
        return (float("nan"),) * len(quantiles)
    return tuple(float(value) for value in np.quantile(values, quantiles))

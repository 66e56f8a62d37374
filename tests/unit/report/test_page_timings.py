"""Distributions and quantiles of samples, against numpy's own on the same values."""

from __future__ import annotations

import math

import numpy as np

from stem_device.report.page.bins import time_bins
from stem_device.report.page.report_data import Samples
from stem_device.report.page.timings import BAND_QUANTILES, EDGES_MICROS, bands, distribution, slices
from tests.unit.report.page_evidence import at, ints


def samples(times: list[int], micros: list[float]) -> Samples:
    return Samples(ints(times), ints([0] * len(times)), np.array(micros, dtype=np.float64))


def test_distribution() -> None:
    values = np.random.default_rng(1).lognormal(6, 1, 5000)
    found = distribution(samples([at(0)] * 5000, values.tolist()))
    assert found.samples == found.counts.sum() == 5000
    assert found.counts.tolist() == np.histogram(values, EDGES_MICROS)[0].tolist()
    assert found.p99_micros == np.quantile(values, 0.99)
    assert (found.median_micros, found.maximum_micros) == (np.median(values), values.max())


def test_an_edge_belongs_to_the_bin_that_it_begins() -> None:
    found = distribution(samples([at(0)] * 3, EDGES_MICROS[[5, 6, 9]].tolist()))
    assert np.flatnonzero(found.counts).tolist() == [5, 6, 9]


def test_what_is_beyond_the_bins_is_in_the_outer_ones() -> None:
    found = distribution(samples([at(0)] * 4, [0.0, -3.0, 1e9, 5.0]))
    assert (found.counts[0], found.counts[-1], found.counts.sum()) == (2, 1, 4)


def test_unknown_samples_are_counted_apart() -> None:
    found = distribution(samples([at(0)] * 3, [math.nan, 10.0, math.nan]))
    assert (found.samples, found.unknown, found.median_micros) == (1, 2, 10.0)


def test_without_samples_the_quantiles_are_not_a_number() -> None:
    found = distribution(samples([], []))
    assert found.samples == 0
    assert math.isnan(found.median_micros)


def test_bands_by_step() -> None:
    random = np.random.default_rng(2)
    times = [at(10 * poll) for poll in (1, 1, 2, 2, 2, 4) for _ in range(50)]
    micros = random.lognormal(5, 1, len(times))
    order = random.permutation(len(times))  # several monitors: not in the order of time
    polls = ints([at(10 * poll) for poll in range(5)])
    found = bands(
        samples([times[i] for i in order], [float(micros[i]) for i in order]), time_bins(polls, limit=10)
    )
    assert found.samples.tolist() == [100, 150, 0, 50]
    for step, poll in enumerate(range(1, 5)):
        own = micros[np.array(times) == at(10 * poll)]
        if len(own):
            assert found.micros[:, step].tolist() == np.quantile(own, BAND_QUANTILES).tolist()
        else:
            assert np.isnan(found.micros[:, step]).all()


def test_slices_of_nothing() -> None:
    assert list(slices(ints([]), np.zeros(0))) == []

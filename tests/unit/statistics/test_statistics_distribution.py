from __future__ import annotations

import math
import statistics
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.statistics.distribution import EMPTY, QUANTILES, Grouping, describe

micros = st.lists(st.integers(0, 10**9), min_size=2, max_size=60)


@given(micros)
def test_numbers_are_those_of_the_standard_library(values) -> None:
    found = describe(np.array(values))
    assert found.count == len(values)
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.standard_deviation == pytest.approx(statistics.stdev(values), abs=1e-6)
    assert found.standard_error == pytest.approx(statistics.stdev(values) / math.sqrt(len(values)), abs=1e-6)
    assert (found.minimum, found.maximum) == (min(values), max(values))
    assert found.median == pytest.approx(statistics.median(values))
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    assert [found.p25, found.median, found.p75] == pytest.approx(quartiles)


def test_all_quantiles() -> None:
    values = np.random.default_rng(3).lognormal(6, 1, 5001)
    found = asdict(describe(values))
    for name, share in QUANTILES.items():
        assert found[name] == pytest.approx(np.quantile(values, share), rel=1e-12)


def test_what_is_missing_does_not_count() -> None:
    floats = describe(np.array([3.0, np.nan, -1.0, np.nan]))
    assert (floats.count, floats.minimum, floats.maximum, floats.mean) == (2, -1.0, 3.0, 1.0)
    integers = describe(np.array([4, -1, 2, -1]))
    assert (integers.count, integers.minimum, integers.maximum, integers.mean) == (2, 2.0, 4.0, 3.0)


@pytest.mark.parametrize("values", [np.array([], dtype=np.int64), np.array([np.nan]), np.array([-1])])
def test_nothing_is_described_as_nothing(values) -> None:
    assert repr(describe(values)) == repr(EMPTY)


def test_one_value_has_no_spread() -> None:
    found = describe(np.array([7]))
    assert (found.count, found.mean, found.median, found.maximum) == (1, 7.0, 7.0, 7.0)
    assert math.isnan(found.standard_deviation)
    assert math.isnan(found.standard_error)


def test_groups_are_described_apart() -> None:
    random = np.random.default_rng(5)
    values, codes = random.lognormal(5, 1, 999), random.integers(-1, 4, 999).astype(np.int32)
    codes[codes == 2] = 0
    together, found = Grouping(codes, 4).describe(values)
    assert [repr(one) for one in found] == [repr(describe(values[codes == code])) for code in range(4)]
    assert found[2].count == 0
    for name, value in asdict(describe(values[codes >= 0])).items():
        assert getattr(together, name) == pytest.approx(value, rel=1e-12)


def test_runs_of_rows_are_the_same_as_single_rows() -> None:
    random = np.random.default_rng(6)
    codes = np.repeat(random.integers(-1, 3, 40), random.integers(1, 9, 40))
    values = random.integers(0, 1000, len(codes))
    together, found = Grouping(codes, 3).describe(values)
    assert [repr(one) for one in found] == [repr(describe(values[codes == code])) for code in range(3)]
    assert together.median == np.median(values[codes >= 0])


def test_no_rows_no_groups() -> None:
    together, found = Grouping(np.empty(0, dtype=np.int64), 2).describe(np.empty(0))
    assert [one.count for one in (together, *found)] == [0, 0, 0]
    assert Grouping(np.array([-1]), 0).describe(np.array([3]))[1] == []


def test_more_groups_than_a_small_number_holds() -> None:
    _, found = Grouping(np.array([32_999, 0, 32_999, 7]), 33_000).describe(np.array([5, 2, 9, 4]))
    assert [(one.count, one.maximum) for one in (found[0], found[7], found[32_999])] == [
        (1, 2),
        (1, 4),
        (2, 9),
    ]


def test_quantiles_of_groups_with_enough_values() -> None:
    codes, values = np.repeat([0, 1, 2], [99, 100, 3]), np.arange(202.0)
    median, p99 = Grouping(codes, 3).quantiles(values, np.array([0.5, 0.99]), np.array([4, 100]))
    assert median.tolist()[:2] == [49.0, 148.5]
    assert p99[1] == pytest.approx(np.quantile(values[99:199], 0.99))
    assert np.isnan([median[2], p99[0], p99[2]]).all()

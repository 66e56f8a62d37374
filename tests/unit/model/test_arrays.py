"""Columns from Python numbers: the same whether all values are alike or not."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from stem_device.model.arrays import flags, floats, integers, small_integers


@pytest.mark.parametrize("values", [[], [7], [7, 7, 7], [7, 8, 7], [-(2**63), 2**63 - 1], [0] * 1000])
def test_integers_are_as_they_were(values: list[int]) -> None:
    made = integers(values)
    assert made.dtype == np.int64
    assert made.tolist() == values


@pytest.mark.parametrize("values", [[], [7, 7, 7], [7, -8, 7]])
def test_small_integers_are_as_they_were(values: list[int]) -> None:
    made = small_integers(values)
    assert made.dtype == np.int32
    assert made.tolist() == values


@pytest.mark.parametrize("values", [[2**63] * 3, [1, 2**63], [None] * 3, [1, None, 1]])
def test_what_is_no_integer_of_64_bits_is_refused(values: list[int]) -> None:
    with pytest.raises(struct.error):
        integers(values)


@pytest.mark.parametrize(
    "values",
    [[], [0.5] * 3, [0.5, 1.5, 0.5], [1, 2, 1], [1, 1], [None] * 3, [None, 1, None], [1, 0.5], [0.5, None]],
)
def test_floats_have_nan_for_none(values: list[float | None]) -> None:
    made = floats(values)
    assert made.dtype == np.float64
    assert np.array_equal(made, [math.nan if value is None else value for value in values], equal_nan=True)


def test_flags() -> None:
    assert flags([True, False, True]).tolist() == [True, False, True]

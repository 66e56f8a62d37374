"""Comparison of Snapshots field by field: values, types, and types of arrays."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import msgspec
import numpy as np


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """NaN is NaN; anything else must be equal and of the same type."""
    assert type(one) is type(other), where
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif isinstance(one, msgspec.Struct):
        for field in one.__struct_fields__:
            assert_same(getattr(one, field), getattr(other, field), f"{where}.{field}")
    elif dataclasses.is_dataclass(one):
        for each in dataclasses.fields(one):
            assert_same(getattr(one, each.name), getattr(other, each.name), f"{where}.{each.name}")
    elif isinstance(one, tuple | list):
        assert len(one) == len(other), where
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            assert_same(first, second, f"{where}[{number}]")
    elif isinstance(one, float) and math.isnan(one):
        assert math.isnan(other), where
    else:
        assert one == other, where

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.report.layout import share_rows


@pytest.mark.parametrize(
    ("wanted", "available", "granted"),
    [
        ([3, 2], 10, (3, 2)),
        ([50, 2], 10, (8, 2)),
        ([50, 50, 50], 9, (3, 3, 3)),
        ([4, 4], 0, (0, 0)),
        ([4], -3, (0,)),
        ([], 5, ()),
    ],
)
def test_share(wanted, available, granted) -> None:
    assert share_rows(wanted, available) == granted


@given(st.lists(st.integers(0, 60), max_size=5), st.integers(-5, 100))
def test_nobody_gets_more_than_wanted_and_nothing_is_left_unused(wanted, available) -> None:
    granted = share_rows(wanted, available)
    assert all(got <= want for got, want in zip(granted, wanted, strict=True))
    assert sum(granted) == min(max(0, available), sum(wanted))

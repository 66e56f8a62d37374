"""How many points of users are sent one by one."""

from __future__ import annotations

import numpy as np

from stem_device.catalogue import sent_points
from stem_device.model.snapshot import MetricRows, MetricSeries

SERIES = tuple(MetricSeries(name) for name in ("quiet", "a", "b"))
ROWS = MetricRows(
    SERIES,
    index=np.array([1, 2, 1, 1], np.int64),
    at_utc_ns=np.array([5, 6, 9, 7], np.int64),
    value=np.array([0.5, 1.5, 2.5, 3.5]),
    latest_utc_ns=np.array([1, 9, 6], np.int64),
    latest_value=np.array([9.0, 2.5, 1.5]),
)


def rows(most: int) -> list[tuple[float, ...]]:
    return list(zip(*(column.tolist() for column in sent_points(ROWS, most)), strict=True))


def test_all_are_sent_up_to_a_limit() -> None:
    assert rows(4) == [(1, 5, 0.5, 1), (2, 6, 1.5, 1), (1, 9, 2.5, 1), (1, 7, 3.5, 1)]


def test_beyond_it_the_last_of_each_series_stands_for_the_others() -> None:
    assert rows(3) == [(1, 7, 3.5, 3), (2, 6, 1.5, 1)]

"""One order of losers, for rows of a poll and for columns of a recording."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from stem_device.analysis.worst import Badness, badness_of, rows_worst_first, worst_first
from tests.unit import plain_records

few = st.integers(0, 3)
losers = st.lists(st.tuples(few, few, few), max_size=12)


def test_what_comes_first() -> None:
    order = [Badness(2, 0, 0), Badness(1, 9, 0), Badness(1, 3, 2), Badness(1, 3, 1), Badness(0, 5, 9)]
    assert worst_first(reversed(order), lambda one: one, lambda _: 0) == order


def test_unaccounted_events_are_lost_as_well() -> None:
    record = structs.replace(
        plain_records.SUBSCRIPTION, missed_total=3, unaccounted_total=4, overdue=5, gaps_total=2
    )
    assert badness_of(record) == Badness(7, 5, 2)
    assert badness_of(structs.replace(record, overdue=None)) == Badness(7, 0, 2)


def test_equals_come_by_name() -> None:
    names = ["c", "a", "b"]
    assert worst_first(names, lambda _: Badness(1, 1), lambda name: name) == ["a", "b", "c"]


@given(losers)
def test_columns_have_the_same_order(rows: list[tuple[int, int, int]]) -> None:
    lost, overdue, gaps = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    live = worst_first(range(len(rows)), lambda row: Badness(*rows[row]), lambda row: row)
    assert rows_worst_first(lost, overdue, gaps).tolist() == live


def test_what_is_not_known_comes_before_nobody() -> None:
    unknown = np.array([np.nan, 0.0, 1.0])
    assert rows_worst_first(unknown, np.array([-1, 0, 0]), np.zeros(3)).tolist() == [2, 0, 1]
    assert rows_worst_first(np.zeros(3), np.array([0, -1, 2]), np.zeros(3)).tolist() == [2, 0, 1]


def test_of_equals_the_busiest_comes_first() -> None:
    zeros = np.zeros(3)
    assert rows_worst_first(zeros, zeros, zeros, np.array([1, 3, 2])).tolist() == [1, 2, 0]

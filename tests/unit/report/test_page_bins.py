"""Steps of the time axis: nothing is lost between them, nothing counts twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stem_device.report.page.bins import time_bins
from tests.unit.report.page_evidence import SECOND, at, ints


def test_a_step_a_poll_while_there_is_room() -> None:
    polls = ints([at(time) for time in (0, 10, 20, 35)])
    bins = time_bins(polls, limit=100)
    assert bins.edges_utc_ns.tolist() == polls.tolist()
    assert bins.seconds.tolist() == [10, 10, 15]
    assert bins.polls_a_bin == 1


def test_what_a_poll_counted_lies_in_the_step_that_it_ends() -> None:
    polls = ints([at(time) for time in (0, 10, 20, 30)])
    bins = time_bins(polls, limit=100)
    assert bins.of(polls).tolist() == [-1, 0, 1, 2]
    assert bins.sums(polls, ints([1000, 1, 2, 3])).tolist() == [1, 2, 3]


def test_a_part_of_a_recording_counts_its_first_poll() -> None:
    polls = ints([at(time) for time in (100, 110, 120)])
    bins = time_bins(polls, limit=100, before=True)
    assert bins.sums(polls, ints([5, 6, 7])).tolist() == [5, 6, 7]
    assert bins.seconds.tolist() == [10, 10, 10]


def test_more_polls_than_steps() -> None:
    polls = ints([at(time) for time in range(1001)])
    bins = time_bins(polls, limit=240)
    assert bins.polls_a_bin == 5
    assert len(bins) == 200
    assert bins.sums(polls, np.ones(1001, dtype=np.int64)).sum() == 1000


def test_no_poll_and_one_poll_have_no_steps() -> None:
    assert len(time_bins(ints([]), limit=10)) == 0
    one = time_bins(ints([START_OF_ALL]), limit=10)
    assert len(one) == 0
    assert one.sums(ints([START_OF_ALL]), ints([3])).tolist() == []


START_OF_ALL = at(0)


def test_monitors_side_by_side_have_polls_in_every_step() -> None:
    here, there = [at(10 * i) for i in range(10)], [at(10 * i + 3) for i in range(10)]
    bins = time_bins(ints([*here, *there]), limit=100, sources=2)
    for polls in (here, there):
        inside = bins.of(ints(polls))
        assert set(range(len(bins))) <= set(inside.tolist())


@given(
    times=st.lists(st.integers(0, 10_000), min_size=2, max_size=200, unique=True),
    limit=st.integers(1, 50),
    data=st.data(),
)
def test_sums_are_those_of_the_polls(times: list[int], limit: int, data: st.DataObject) -> None:
    polls = np.sort(ints(times)) * SECOND
    values = ints(data.draw(st.lists(st.integers(0, 10**12), min_size=len(times), max_size=len(times))))
    bins = time_bins(polls, limit=limit)
    assert len(bins) <= limit
    assert bins.sums(polls, values).sum() == values[1:].sum()
    assert abs(bins.seconds.sum() - (polls[-1] - polls[0]) / SECOND) < 1e-6

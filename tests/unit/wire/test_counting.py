"""What becomes of numbers: gaps, duplicates, lives, 32 bits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stem_device.wire.counting import MAX_RATE, WRAP, TopicCounter, TopicCounts

SECOND = 1_000_000_000


def counted(*numbers: int, behind: bool = False) -> TopicCounts:
    counter = TopicCounter("t")
    for moment, number in enumerate(numbers):
        counter.take(number, 100, (moment + 1) * SECOND, behind=behind)
    return counter.counts()


def test_the_first_event_twice_and_then_some() -> None:
    counts = counted(5, 5, 6, 7)
    assert (counts.first, counts.counter, counts.heard, counts.duplicates) == (5, 7, 3, 1)
    assert (counts.pushed, counts.size, counts.series) == (3, 300, 1)


def test_who_lost_what_is_missing() -> None:
    counts = counted(1, 4, 5, 11)
    assert (counts.lost_on_the_way, counts.lost_here, counts.pushed) == (7, 0, 11)
    counts = counted(1, 4, 5, 11, behind=True)
    assert (counts.lost_on_the_way, counts.lost_here, counts.pushed) == (0, 7, 11)


def test_a_counter_that_falls_is_another_life() -> None:
    counts = counted(100, 101, 3, 4, 6)
    assert (counts.series, counts.first, counts.counter, counts.pushed) == (2, 3, 6, 4)
    assert (counts.heard, counts.lost_on_the_way) == (5, 1)


def test_a_counter_that_cannot_have_come_so_far_is_another_life() -> None:
    counts = counted(1, 2 + 2 * MAX_RATE + 1)
    assert (counts.series, counts.lost_on_the_way, counts.pushed) == (2, 0, 1)
    assert counted(1, 1 + 2 * MAX_RATE).series == 1


def test_how_far_a_counter_can_come() -> None:
    """Ten million in each second, and as many for the one that has begun; half of the 32 bits at most."""
    for moment, numbers, most in ((1, 1, 20_000_000), (1, 7, 20_000_000), (300, 1, WRAP // 2)):
        for step, series in ((most, 1), (most + 1, 2)):
            counter = TopicCounter("t")
            counter.take(numbers, 100, 0, behind=False)
            counter.take(numbers + step, 100, moment * SECOND, behind=False)
            assert counter.series == series


def test_32_bits_are_no_end() -> None:
    counts = counted(WRAP - 2, WRAP - 1, 0, 1)
    assert (counts.counter, counts.pushed, counts.heard, counts.series) == (WRAP + 1, 4, 4, 1)


def test_events_without_numbers_tell_no_number() -> None:
    counts = counted(0, 0, 0)
    assert (counts.heard, counts.pushed, counts.duplicates, counts.lost_here) == (3, None, 0, 0)


@given(st.lists(st.integers(0, WRAP - 1), max_size=30))
def test_the_sums_hold_whatever_comes(numbers: list[int]) -> None:
    counts = counted(*numbers)
    assert counts.heard + counts.duplicates == len(numbers)
    if counts.series == 1 and counts.pushed is not None and 0 not in numbers[:1]:
        assert counts.pushed == counts.heard + counts.lost_here + counts.lost_on_the_way

"""Streams of which a tap heard: counters are lower bounds, and a subscription may be ahead of them."""

from __future__ import annotations

from stem_device.accounting.moment import Moment
from stem_device.accounting.stream import WRAP, StreamAccount

SECOND = 1_000_000_000


def moments() -> tuple[Moment, Moment, Moment, Moment]:
    first = Moment().next(SECOND, SECOND)
    second = first.next(2 * SECOND, 2 * SECOND)
    third = second.next(3 * SECOND, 3 * SECOND)
    return first, second, third, third.next(4 * SECOND, 4 * SECOND)


def test_it_counts_from_the_first_event_that_was_heard() -> None:
    stream = StreamAccount.heard("s", 108, 100, life=1)
    assert (stream.pushed, stream.delta, stream.record.published_total) == (107, 7, 7)
    assert not stream.is_new
    assert not stream.is_steady, "it is looked at by itself at every poll"


def test_what_a_subscription_has_received_was_pushed() -> None:
    first, second, third, fourth = moments()
    stream = StreamAccount.heard("s", 11, 0, life=1)
    stream.update(21, first)
    stream.raise_to(25, first)
    assert (stream.pushed, stream.delta, stream.record.published_total) == (25, 15, 25)
    assert not stream.falls(21), "the tap has heard of no more yet"
    stream.update(21, second)
    assert (stream.pushed, stream.delta, stream.before_mark) == (25, 0, 25)
    stream.update(24, third)
    assert (stream.pushed, stream.delta, stream.record.published_total) == (25, 0, 25)
    stream.update(31, fourth)
    assert (stream.pushed, stream.delta, stream.record.published_total) == (30, 5, 30)
    assert stream.falls(29)
    stream.raise_to(12, fourth)
    assert stream.pushed == 30


def test_a_fall_is_one_however_far_a_subscription_is_ahead() -> None:
    first, *_ = moments()
    stream = StreamAccount.heard("s", 21, 0, life=1)
    stream.raise_to(500, first)
    assert stream.falls(20)
    assert not stream.falls(21)
    assert not stream.falls(30)


def test_totals_go_on_in_the_next_life() -> None:
    first, *_ = moments()
    former = StreamAccount.heard("s", 21, 10, life=1)
    former.raise_to(25, first)
    again = former.heard_again(4, 2, life=2)
    assert (again.pushed, again.delta) == (3, 1)
    assert (again.record.published_total, again.record.resets_total) == (16, 1)


def test_32_bits_are_no_fall() -> None:
    first, *_ = moments()
    stream = StreamAccount.heard("s", WRAP - 1, WRAP - 3, life=1)
    stream.update(3, first)
    assert (stream.pushed, stream.delta) == (WRAP + 2, 4)

"""Torn replies: cppTango reads the counters of a subscription one after the other while events arrive."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from stem_device.accounting import Ledger
from tests.unit.accounting.replies import PUBLISHER, SUBSCRIBER, callback, poll, publisher, subscriber


def account(replies):
    """The counts after polls with these counters (c, e, m) of one subscription."""
    ledger = Ledger()
    for number, reply in enumerate(replies, 1):
        answers = {PUBLISHER: publisher(reply[0]), SUBSCRIBER: subscriber(callback(*reply))}
        snapshot = ledger.account(poll(number, answers))
    return snapshot.counts


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        # The first two were measured in the middle of bursts, twice in 20,000 replies.
        pytest.param([(2433, 2433, 0), (2436, 2437, 0), (2439, 2439, 0)], (6, 0, 0), id="by one"),
        pytest.param(
            [(193396, 134760, 14), (193397, 134851, 14), (193579, 134943, 14)], (183, 0, 0), id="by ninety"
        ),
        pytest.param([(100, 101, 0), (110, 110, 0)], (9, 0, 0), id="first of all"),
        pytest.param([(100, 100, 0), (101, 105, 0), (1110, 110, 1)], (10, 1000, 1), id="a gap comes next"),
        pytest.param([(100, 100, 0), (100, 100, 1), (1101, 101, 1)], (1, 1000, 1), id="gap first"),
        pytest.param([(100, 100, 0), (100, 101, 1), (1102, 102, 1)], (2, 1000, 1), id="gap and event first"),
        pytest.param([(100, 100, 0), (1101, 191, 1), (1201, 201, 1)], (101, 1000, 1), id="within a gap"),
        pytest.param([(2, 2, 0), (5, 4, 2), (7, 4, 2)], (2, 3, 2), id="the second of two gaps is ahead"),
        pytest.param([(2, 2, 0), (6, 4, 2), (10, 4, 2)], (2, 6, 2), id="as many lost as gaps"),
    ],
)
def test_torn_reply_is_settled_by_the_next(replies, expected):
    counts = account([*replies, replies[-1]])
    assert (counts.received, counts.missed, counts.gaps) == expected
    assert (counts.resets, counts.overdue) == (0, 0)


def test_renewal_is_still_told_from_a_torn_reply():
    counts = account([(110, 10, 0), (260, 30, 0)])
    assert (counts.received, counts.missed, counts.resets) == (30, 0, 1)


def test_what_stays_torn_is_a_new_series():
    """A publisher that restarted on the same port, its counter being higher than before already."""
    counts = account([(50, 50, 0), (60, 110, 0), (70, 120, 0), (80, 130, 0)])
    assert (counts.received, counts.missed, counts.resets) == (80, 0, 1)


EVENTS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=6
)  # (lost, then received) between two moments


@given(before=EVENTS, polls=st.lists(st.tuples(EVENTS, st.integers(0, 6)), min_size=1, max_size=8))
def test_sums_are_exact_however_single_replies_are_torn(before, polls):
    """Every other reply takes its first counter some moments before the others; the last one is whole."""
    moments = [(1, 1, 0)]

    def happen(events):
        for lost, received in events:
            c, e, m = moments[-1]
            moments.append((c + lost + received, e + received, m + (lost > 0)))

    happen(before)
    first = moments[-1]
    replies = [first]
    for number, (events, torn) in enumerate(polls):
        known = len(moments) - 1
        happen(events)
        earlier = max(known, len(moments) - 1 - torn) if number % 2 == 0 else len(moments) - 1
        replies.append((moments[earlier][0], *moments[-1][1:]))
    c, e, m = moments[-1]
    counts = account([*replies, (c, e, m), (c, e, m)])
    assert counts.received == e - first[1]
    assert counts.gaps == m - first[2]
    assert counts.missed == (c - e) - (first[0] - first[1])
    assert (counts.resets, counts.overdue) == (0, 0)

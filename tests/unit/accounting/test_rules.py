"""The arithmetic of one subscription between two polls, as a table. Numbers marked (m) were measured."""

import pytest
from replies import callback

from stem_device.accounting.rules import Advance, advance, begin

NEW = LEAST = True
# fmt: off
CASES = [
    ("nothing happened", callback(5, 5), callback(5, 5), Advance(0, 0, 0, 0)),
    ("all received", callback(5, 5), callback(25, 25), Advance(20, 0, 0, 0)),
    ("a duplicate", callback(5, 5, d=0), callback(5, 5, d=1), Advance(0, 0, 0, 1)),
    ("loss noticed (m)", callback(38_499, 38_499), callback(159_013, 38_500, 1), Advance(1, 1, 120_513, 0)),
    ("loss after a cut (m)", callback(10, 10), callback(215, 12, 1), Advance(2, 1, 203, 0)),
    ("two gaps", callback(10, 10), callback(40, 20, 2), Advance(10, 2, 20, 0)),
    ("late events only (m)", callback(11, 11), callback(37, 37), Advance(26, 0, 0, 0)),
    ("a renewal that overtook", callback(10, 10), callback(130, 20), Advance(20, 0, 0, 0, new_series=NEW)),
    ("a renewal, no event yet", callback(110, 110), callback(0, 0), Advance(0, 0, 0, 0, new_series=NEW)),
    ("publisher restarted (m)",
     callback(159_013, 38_500, 1), callback(4, 38_504, 1), Advance(4, 0, 0, 0, new_series=NEW)),
    (
        "publisher restarted, then a gap",
        callback(100, 100),
        callback(50, 110, 1),
        Advance(10, 1, 40, 0, missed_at_least=LEAST, new_series=NEW),
    ),
    (
        "publisher restarted, others kept its stream (m: no gap is noticed when the counter falls)",
        callback(100, 100),
        callback(30, 101),
        Advance(1, 0, 29, 0, missed_at_least=LEAST, new_series=NEW),
    ),
    ("a duplicate that was delivered",
     callback(100, 100), callback(110, 111), Advance(11, 0, 0, 0, new_series=NEW)),
    ("publisher restarted and overtook",
     callback(10, 10), callback(20, 30), Advance(20, 0, 0, 0, new_series=NEW)),
    (
        "subscriber restarted, then a gap",
        callback(100, 90, 1),
        callback(300, 20, 1),
        Advance(20, 1, 1, 0, missed_at_least=LEAST, new_series=NEW),
    ),
    (
        "renewed: never resubscribed any more",
        callback(10, 10, since="2026-11-22T03:12:31"),
        callback(50, 20),
        Advance(20, 0, 0, 0, new_series=NEW),
    ),
]
# fmt: on


@pytest.mark.parametrize(
    ("last", "now", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_table(last, now, expected):
    assert advance(last, now) == expected


def test_another_endpoint_is_a_new_series_even_if_the_counters_only_grew():
    advanced = advance(callback(10, 10), callback(20, 15), endpoint_changed=True)
    assert advanced == Advance(5, 0, 0, 0, new_series=NEW)
    advanced = advance(callback(10, 10), callback(20, 15, 2), endpoint_changed=True)
    assert advanced == Advance(5, 2, 5, 0, missed_at_least=LEAST, new_series=NEW)


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (110, Advance(15, 1, 5, 0)),
        (None, Advance(15, 1, 1, 0, missed_at_least=LEAST)),
        (130, Advance(15, 1, 1, 0, missed_at_least=LEAST)),
    ],
    ids=["base known", "base unknown", "base seen too late"],
)
def test_first_events_of_a_fresh_subscription_with_a_gap(base, expected):
    assert advance(callback(0, 0), callback(130, 15, 1), base=base) == expected


def test_first_events_of_a_fresh_subscription_without_a_gap_are_no_renewal():
    """Measured: 0, 0, 0 until the first event, then 130, 20, 0 after 110 pushes that were before its time."""
    assert advance(callback(0, 0), callback(130, 20), base=110) == Advance(20, 0, 0, 0)


def test_a_dialect_without_discarded_count_counts_none():
    assert advance(callback(5, 5, d=None), callback(6, 6, d=None)).discarded == 0


def test_begin_counts_from_zero():
    assert begin(callback(130, 20, 2, 1)) == Advance(20, 2, 2, 1, missed_at_least=LEAST, new_series=NEW)

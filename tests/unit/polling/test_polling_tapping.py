"""What is made of what the tap heard; nothing here listens to anything."""

from __future__ import annotations

from stem_device.polling.tapping import figures_of
from stem_device.wire.counting import TopicCounts
from stem_device.wire.tap import TapCounts

SECOND = 1_000_000_000
NUMBERED = TopicCounts(
    topic="tango://h:1/a/b/c/x.idl5_change",
    series=2,
    first=1,
    counter=40,
    heard=120,
    size=1200,
    duplicates=1,
    lost_here=3,
    lost_on_the_way=4,
)
UNNUMBERED = TopicCounts(
    topic="tango://h:1/a/b/c/y#dbase=no.change",
    series=1,
    first=0,
    counter=0,
    heard=50,
    size=500,
    duplicates=0,
    lost_here=0,
    lost_on_the_way=0,
)
COUNTS = TapCounts(
    at_ns=9 * SECOND,
    connected=True,
    connections=1,
    endpoint="tcp://h:2",
    heartbeats=1,
    last_heartbeat_ns=4 * SECOND,
    others=2,
    behind=False,
    topics=(),
)


def test_pushed_is_over_all_series_of_what_carries_a_number() -> None:
    both = figures_of(COUNTS, {"x": NUMBERED, "y": UNNUMBERED}, None, 10 * SECOND)
    assert (both.pushed, both.heard, both.unnumbered, both.topics) == (127, 170, 1, 2)
    assert (both.restarts, both.heartbeat_age_seconds) == (1, 6.0)
    one = figures_of(COUNTS, {"y": UNNUMBERED}, None, 10 * SECOND)
    assert (one.pushed, one.heard) == (None, 50), "not known is not 0"


def test_rates_are_those_since_the_poll_before() -> None:
    first = figures_of(COUNTS, {"y": UNNUMBERED}, None, 10 * SECOND)
    assert (first.events_per_second, first.bytes_per_second) == (None, None)
    next_one = figures_of(COUNTS, {"x": NUMBERED, "y": UNNUMBERED}, (first, 10 * SECOND), 12 * SECOND)
    assert (next_one.events_per_second, next_one.bytes_per_second) == (60.0, 600.0)

"""The monitor's own polls are among the durations of processes."""

from __future__ import annotations

import math
import os

from stem_device.model.poll import PHASE_LABELS, PollPhases
from stem_device.monitor.poll_durations import PollDurations

SECOND = 10**9
BEGAN = 1_795_000_000 * SECOND


def test_each_phase_ends_where_the_next_begins() -> None:
    durations = PollDurations()
    first = durations.of(BEGAN, 1.0, PollPhases(0.5, 0.25, 0.125, 0.0625))
    assert [(one.label, one.value, one.at_utc_ns - BEGAN) for one in first] == [
        ("poll.resolve", 0.5, 0),
        ("poll.ask", 0.25, SECOND // 4),
        ("poll.parse", 0.125, SECOND - SECOND // 16),
        ("poll.account", 0.0625, SECOND),
    ]
    assert {(one.kind, one.pid) for one in first} == {("duration", os.getpid())}


def test_what_comes_after_a_poll_is_told_with_the_next() -> None:
    durations = PollDurations()
    durations.of(BEGAN, 1.0, PollPhases())
    second = durations.of(BEGAN + 10 * SECOND, 2.0, PollPhases(0.0, 0.0, 0.0, 0.0, 3.0, 4.0))
    assert [one.label for one in second] == list(PHASE_LABELS)
    assert [one.at_utc_ns - BEGAN for one in second[4:]] == [4 * SECOND, 8 * SECOND]


def test_what_is_not_known_is_no_measurement() -> None:
    durations = PollDurations()
    assert durations.of(BEGAN, math.nan, PollPhases()) == []
    (one,) = durations.of(BEGAN, 1.0, PollPhases(parse_seconds=0.5))
    assert one.label == "poll.parse"

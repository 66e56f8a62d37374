from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.model.reply import SAMPLES_KEPT
from stem_device.polling.sampling import (
    Rate,
    Sampling,
    is_full,
    owner_after_switching_on,
    queries_needed,
    rate_of,
    sampling_of,
    switch_needed,
    times_between,
)
from stem_device.responses import parse_reply
from tests.unit.polling.polling_fakes import EMPTY, OFF, ON, publisher

CLIENT = '"client":{"event_callbacks":{},"not_connected":[],"event_channels":{},"perf":null}'
PARTLY = ON.replace('"client":null', CLIENT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(EMPTY, Sampling.UNKNOWN), (OFF, Sampling.OFF), (ON, Sampling.ON), (PARTLY, Sampling.PARTLY)],
)
def test_a_reply_tells_whether_sampling_is_on(text: str, expected: Sampling) -> None:
    assert sampling_of(parse_reply(text)) is expected


@pytest.mark.parametrize(
    ("seen", "wanted", "ours", "expected"),
    [
        (Sampling.OFF, True, False, True),
        (Sampling.OFF, True, True, True),  # restarted
        (Sampling.ON, True, False, None),  # somebody else's
        (Sampling.ON, True, True, None),
        (Sampling.PARTLY, True, False, True),
        (Sampling.PARTLY, True, True, True),
        (Sampling.UNKNOWN, True, False, True),
        (Sampling.UNKNOWN, True, True, None),
        (Sampling.ON, False, True, False),
        (Sampling.ON, False, False, None),  # somebody else's is left alone
        (Sampling.OFF, False, False, None),
        (Sampling.OFF, False, True, False),
    ],
)
def test_what_is_switched(seen: Sampling, wanted: bool, ours: bool, expected: bool | None) -> None:
    assert switch_needed(seen, wanted=wanted, ours=ours) is expected


def test_sampling_that_was_on_before_is_not_ours() -> None:
    assert owner_after_switching_on(Sampling.OFF, ours=False)
    assert owner_after_switching_on(Sampling.UNKNOWN, ours=False)
    assert not owner_after_switching_on(Sampling.PARTLY, ours=False)
    assert owner_after_switching_on(Sampling.PARTLY, ours=True)


def test_a_buffer_is_full_at_its_size() -> None:
    assert not is_full(parse_reply(publisher(1, SAMPLES_KEPT - 1)))
    assert is_full(parse_reply(publisher(1, SAMPLES_KEPT)))
    assert not is_full(parse_reply(EMPTY))


def needed(events: int, seconds: float = 1.0, period: float = 1.0, limit: int = 10, samples: int = 0) -> int:
    reply = parse_reply(publisher(events, samples))
    before = Rate(0, 0, 0)
    now = rate_of(reply, round(seconds * 1e9))
    return queries_needed(before, now, [reply], period_seconds=period, limit=limit)


def test_queries_follow_the_event_rate_up_and_down() -> None:
    assert [needed(n) for n in (0, 192, 193, 1000, 100_000, 1000, 0)] == [1, 1, 2, 6, 10, 6, 1]
    assert needed(1000, seconds=10.0, period=1.0) == 1
    assert needed(100, seconds=1.0, period=10.0) == 6


def test_a_full_buffer_doubles_the_queries() -> None:
    assert needed(1, samples=300) == 2
    full = [parse_reply(publisher(1, 300))] * 4
    now = Rate(10**9, 1, 0)
    assert queries_needed(None, now, full, period_seconds=1.0, limit=10) == 8
    assert queries_needed(None, now, full, period_seconds=1.0, limit=5) == 5


@given(
    before=st.none() | st.builds(Rate, st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, 2**62)),
    now=st.builds(Rate, st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, 2**62)),
    period=st.floats(0.01, 86400.0),
    limit=st.integers(1, 100),
)
def test_the_budget_is_kept_whatever_the_counters_do(
    before: Rate | None, now: Rate, period: float, limit: int
) -> None:
    assert 1 <= queries_needed(before, now, [], period_seconds=period, limit=limit) <= limit


@given(start=st.integers(0, 2**60), period=st.floats(0.01, 1000.0), queries=st.integers(1, 50))
def test_times_between_are_even_and_inside_the_period(start: int, period: float, queries: int) -> None:
    times = times_between(start, period, queries)
    assert len(times) == queries - 1
    step = period * 1e9 / queries
    for number, time in enumerate(times, 1):
        assert abs(time - start - number * step) <= 1
        assert start < time < start + period * 1e9

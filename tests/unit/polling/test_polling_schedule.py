from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.polling.schedule import Schedule
from tests.unit.polling.polling_fakes import FakeClock


class Sleeper:
    """Passes the time of a FakeClock instead of waiting; wakes early now and then, as conditions may."""

    def __init__(self, clock: FakeClock, early: float = 1.0) -> None:
        self.clock = clock
        self.early = early
        self.slept: list[float] = []

    def __call__(self, _: threading.Condition, seconds: float) -> None:
        self.slept.append(seconds)
        step = seconds if seconds < 1e-3 else seconds * self.early
        self.clock.now_ns += max(1, round(step * 1e9))


def make(period: float, early: float = 1.0) -> tuple[Schedule, FakeClock, Sleeper]:
    clock = FakeClock()
    sleeper = Sleeper(clock, early)
    return Schedule(period, clock, sleep=sleeper), clock, sleeper


def test_first_poll_is_when_wait_is_first_called() -> None:
    schedule, clock, sleeper = make(10.0)
    clock.advance(100.0)
    assert schedule.wait()
    assert sleeper.slept == []
    assert schedule.overruns_total == 0


@given(
    period=st.floats(0.01, 100.0),
    durations=st.lists(st.floats(0.0, 0.99), min_size=1, max_size=50),
    early=st.floats(0.3, 1.0),
)
def test_no_drift_while_polls_are_shorter_than_the_period(
    period: float, durations: list[float], early: float
) -> None:
    schedule, clock, _ = make(period, early)
    start, period_ns = clock.now_ns, round(period * 1e9)
    for number, share in enumerate(durations):
        assert schedule.wait()
        assert 0 <= clock.now_ns - (start + number * period_ns) <= 2_000_000
        clock.now_ns += round(share * max(0, period_ns - 2_000_000))
    assert schedule.overruns_total == 0


@given(period=st.floats(0.01, 10.0), durations=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=30))
def test_every_poll_time_is_either_a_poll_or_an_overrun(period: float, durations: list[float]) -> None:
    schedule, clock, _ = make(period)
    start, period_ns = clock.now_ns, round(period * 1e9)
    for polls, periods in enumerate(durations):
        assert schedule.wait()
        passed = (clock.now_ns - start) // period_ns
        assert polls + schedule.overruns_total == passed
        clock.now_ns += round(periods * period_ns)


def test_utc_jumps_are_harmless() -> None:
    schedule, clock, _ = make(1.0)
    schedule.wait()
    clock.utc_offset_ns -= 3600 * 10**9
    before = clock.now_ns
    assert schedule.wait()
    assert clock.now_ns - before == 10**9
    assert schedule.overruns_total == 0


def test_period_can_be_changed_at_run_time() -> None:
    schedule, clock, _ = make(10.0)
    schedule.wait()
    first = clock.now_ns
    clock.advance(1.0)
    schedule.period_seconds = 2.0
    assert schedule.period_seconds == 2.0
    schedule.wait()
    assert clock.now_ns - first == 2 * 10**9
    schedule.wait()
    assert clock.now_ns - first == 4 * 10**9


def test_poll_now_leaves_the_regular_times() -> None:
    schedule, clock, _ = make(10.0)
    schedule.wait()
    first = clock.now_ns
    clock.advance(3.0)
    schedule.wake()
    assert schedule.wait()
    assert clock.now_ns - first == 3 * 10**9
    assert schedule.wait()
    assert clock.now_ns - first == 10 * 10**9


def test_two_wishes_for_a_poll_make_one() -> None:
    schedule, clock, _ = make(10.0)
    schedule.wait()
    schedule.wake()
    schedule.wake()
    first = clock.now_ns
    schedule.wait()
    assert clock.now_ns == first
    schedule.wait()
    assert clock.now_ns - first == 10 * 10**9


@pytest.mark.parametrize("what", ["stop", "wake"])
def test_wait_is_interrupted(what: str) -> None:
    schedule = Schedule(3600.0, FakeClock())
    assert schedule.wait()
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(schedule.wait()))
    thread.start()
    getattr(schedule, what)()
    thread.join(10.0)
    assert results == [what == "wake"]


def test_stopped_is_for_good() -> None:
    schedule, _, _ = make(1.0)
    schedule.stop()
    assert not schedule.wait()
    schedule.wake()
    assert not schedule.wait()

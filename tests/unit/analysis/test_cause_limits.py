"""Where the rules about causes begin and end: each limit from both sides, with points made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from stem_device.analysis.causes.facts import Case
from stem_device.analysis.causes.history import Load, Point, SeenPoll, lengthen, remember
from stem_device.analysis.causes.pauses import Pause
from stem_device.analysis.causes.rules_of_lives import process_age, starting
from stem_device.analysis.causes.rules_of_pace import burst, callback_slow, consumer_blocked, unknown
from stem_device.model.poll import Failure, Identity, ServerState
from stem_device.model.snapshot import Link
from tests.unit import plain_records

SECOND = 1_000_000_000
BEGIN = 1_790_000_000 * SECOND


def point(seconds: float, **changes: Any) -> Point:
    """A subscription that goes on, so long after the first poll."""
    passed = round(seconds * SECOND)
    plain = Point(
        time_utc_ns=BEGIN + passed,
        monotonic_ns=passed,
        published=0,
        counter=10,
        received=10,
        others=0,
        overdue=0,
        lag_seconds=None,
        missed=0,
        unaccounted=0,
        discarded=0,
        resets=0,
        link=Link.LIVE,
        samples=0,
        process_micros=0,
        subscriber_life=1,
        publisher_life=1,
        answered=True,
    )
    return replace(plain, **changes)


def case(points: Sequence[Point], pauses: Sequence[Pause] = (), **subscriber: Any) -> Case:
    return Case(
        subscription=replace(plain_records.SUBSCRIPTION, first_seen_utc_ns=BEGIN, overdue=points[-1].overdue),
        subscriber=replace(plain_records.SERVER, name="h/dserver/sub/1", **subscriber),
        publisher=None,
        points=points,
        watched_since_utc_ns=BEGIN,
        queue_events=2000,
        pauses=pauses,
    )


def stalled(seconds: float, callback: float = 0.0) -> list[Point]:
    """Nothing arrives for so long, though events are pushed; before, ten callbacks took their time."""
    told = {"samples": 10, "process_micros": round(10e6 * callback)} if callback else {}
    waiting = [point(share * seconds, published=100, overdue=5) for share in (0.5, 1.0)]
    return [point(0.0, **told), *waiting]


@pytest.mark.parametrize(
    ("seconds", "callback", "blocked"),
    [
        (2.9, 0.0, False),
        (3.0, 0.0, True),
        (4.9, 1.0, False),
        (5.0, 1.0, True),
    ],
)
def test_when_a_callback_blocks(seconds: float, callback: float, blocked: bool) -> None:
    """After 3 s, and five times what callbacks took before."""
    assert (consumer_blocked(case(stalled(seconds, callback))) is not None) is blocked


@pytest.mark.parametrize(("pushed", "told"), [(99, False), (100, True)])
def test_fewer_events_than_any_queue_holds_are_no_burst(pushed: int, told: bool) -> None:
    points = [point(0.0), point(1.0, published=pushed, pushed=pushed, missed=1)]
    assert (burst(case(points)) is not None) is told


def slow(rate: int, pause_seconds: Sequence[float] = ()) -> str | None:
    """What is said where a callback takes 20 ms and so many events come in a second."""
    arrivals = Load(10 * rate, 10.0)
    points = [point(0.0, samples=10, process_micros=200_000), point(1.0, overdue=5, arrivals=arrivals)]
    pauses = [Pause(BEGIN + number, seconds) for number, seconds in enumerate(pause_seconds)]
    named = callback_slow(case(points, pauses))
    return None if named is None else named.sentence


def test_a_callback_is_slow_once_it_is_busy_all_the_time() -> None:
    assert slow(49) is None
    assert slow(50) is not None


@pytest.mark.parametrize(("pauses", "told"), [([0.06, 0.03], False), ([0.06, 0.04], True)])
def test_pauses_of_a_tenth_of_a_second_in_all_are_told(pauses: list[float], told: bool) -> None:
    assert ("its garbage collector stopped" in (slow(50, pauses) or "")) is told


@pytest.mark.parametrize(("seconds", "told"), [(4.9, False), (5.0, True)])
def test_when_a_connection_may_have_been_interrupted(seconds: float, told: bool) -> None:
    assert ("the connection was interrupted" in unknown(case(stalled(seconds))).sentence) is told


@pytest.mark.parametrize(("seconds", "age"), [(5.0, None), (5.1, 4.9)])
def test_how_late_a_process_that_was_there_before_may_answer_first(seconds: float, age: float | None) -> None:
    identity = Identity(1, 11, "", BEGIN + round(seconds * SECOND))
    assert process_age(case([point(10.0)], identity=identity)) == (age and pytest.approx(age))


@pytest.mark.parametrize(
    ("subscriptions", "silent_seconds", "told"), [(999, 8, False), (1000, 8, True), (1000, 15, False)]
)
def test_a_server_that_makes_many_subscriptions_is_busy(
    subscriptions: int, silent_seconds: int, told: bool
) -> None:
    silent = case(
        [point(90.0, overdue=3), point(100.0, overdue=3)],
        state=ServerState.UNREACHABLE,
        failure=Failure.SILENT,
        since_utc_ns=BEGIN + (100 - silent_seconds) * SECOND,
        subscriptions=(plain_records.SUBSCRIPTION,) * subscriptions,
    )
    assert (starting(silent) is not None) is told


def test_how_long_a_consumer_has_to_keep_up() -> None:
    """What came within the 10 s before a poll, or since the poll before."""
    points: list[Point] = []
    for seconds in range(31):
        lengthen(points, point(seconds, published=100 * seconds, counter=seconds))
    assert points[-1].arrivals == Load(1000, 10.0)
    lengthen(points, point(45.0, published=3300, counter=32))
    assert points[-1].arrivals == Load(300, 15.0)


@pytest.mark.parametrize(
    ("period", "ages"),
    [(10, [60, 50, 40, 30, 20, 10, 0]), (1, [58, 48, 38, 28, 18, 8, 2, 1, 0]), (40, [80, 40, 0])],
)
def test_which_polls_are_remembered(period: int, ages: list[int]) -> None:
    """The last three, and of a minute one every ten seconds."""
    seen: list[SeenPoll] = []
    for number in range(1, 100):
        now = number * period
        seen = remember(seen, SeenPoll(now * SECOND, now * SECOND, {}))
    assert [now - one.monotonic_ns // SECOND for one in seen] == ages

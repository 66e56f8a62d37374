"""Each cause is named from what it does to the counters, and healthy systems get no finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from stem_device.analysis.causes import Analyst
from stem_device.analysis.causes.history import Point, lengthen, point_at, see
from stem_device.model.finding import Cause, Concern, Standing
from stem_device.model.poll import Failure, Identity
from stem_device.model.snapshot import Link, Snapshot, TelemetryRows
from tests.unit.analysis.caused_history import BEGIN, SECOND, SUBSCRIBER, TOPIC, System, gone


def named(system: System) -> str:
    return system.finding.cause if system.finding else "none"


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("period", [0.5, 10.0])
def test_a_slow_callback(period: float, sampled: bool) -> None:
    system = System(period=period, callback=0.02, queue=200, sampled=sampled)
    system.polls([0] * 4 + [round(1500 * period)] * 12)
    finding = system.finding
    assert finding is not None
    assert finding.cause is Cause.CALLBACK_SLOW
    assert finding.concern is Concern.LOST
    assert finding.likely is not sampled
    assert finding.lost == system.missed > 0
    assert "/s came" in finding.sentence
    if sampled or period < 1:
        assert finding.evidence["processing_seconds"] == pytest.approx(0.02, rel=0.1)
        assert "take 20 ms an event, enough for 50 events/s" in finding.sentence.replace("took", "take")
    assert ("StartPerformanceMonitoring" in finding.advice) is finding.likely


def paused(system: System, seconds: float, pid: int = 11) -> TelemetryRows:
    """Telemetry of the subscriber's process, or of another one: a pause that ends now."""
    label = ("gc pause generation 2", "gc pauses generation 2")
    values = np.array([seconds, 99.0])
    return TelemetryRows(np.full(2, system.now), values, label, ("runtime",) * 2, np.full(2, pid))


def test_a_garbage_collector_that_makes_callbacks_slow_is_evidence() -> None:
    system = System(callback=0.02, queue=200, sampled=True)
    system.polls([0] * 4 + [750] * 3)
    system.telemetry = paused(system, 0.4)
    system.polls([750] * 9)
    finding = system.finding
    assert finding is not None
    assert finding.cause is Cause.CALLBACK_SLOW
    assert (
        "Meanwhile its garbage collector stopped the process for 400 ms, 400 ms of them" in finding.sentence
    )
    assert finding.evidence["gc_longest_pause_seconds"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("pid", "other", "cause"),
    [
        (11, Identity(1, 10), Cause.CALLBACK_SLOW),
        (12, Identity(1, 10), Cause.BURST),
        (11, Identity(1, 11), Cause.BURST),
        (11, Identity(1, None), Cause.CALLBACK_SLOW),
    ],
)
def test_a_pause_in_which_more_came_than_the_queues_hold(pid: int, other: Identity, cause: Cause) -> None:
    """Callbacks are quick else. Of another process it says nothing, nor where two hosts have its number."""
    system = System(callback=0.0001, sampled=True)
    system.publisher["identity"] = other
    system.polls([500] * 30)
    system.blocked = True
    system.polls([1500] * 3)
    system.telemetry = paused(system, 4.0, pid)
    system.blocked = False
    system.polls([500] * 6)
    finding = system.finding
    assert finding is not None
    assert finding.cause is cause
    told = "The garbage collector of dserver/sub/1 stopped it for 4 s" in finding.sentence
    assert told is (cause is Cause.CALLBACK_SLOW)
    if told:
        assert not finding.likely
        assert finding.evidence["gc_longest_pause_seconds"] == 4.0


def test_a_pause_of_the_monitor_is_none_of_a_server_with_its_number() -> None:
    """In containers most have the number 1. The durations of polls say which process is the monitor's."""
    system = System(callback=0.0001, sampled=True)
    system.telemetry = TelemetryRows(
        np.array([system.now]), np.array([0.01]), ("poll.ask",), ("duration",), np.array([11])
    )
    system.polls([500] * 30)
    system.blocked = True
    system.polls([1500] * 3)
    system.telemetry = paused(system, 4.0)
    system.blocked = False
    system.polls([500] * 6)
    assert system.finding is not None
    assert system.finding.cause is Cause.BURST


def test_a_pause_in_a_short_burst_counts_what_came_in_it() -> None:
    """On average over 10 s not half as many came."""
    system = System(callback=0.0001, sampled=True)
    system.polls([50] * 20)
    system.blocked = True
    system.polls([750] * 4)
    system.telemetry = paused(system, 1.7)
    system.blocked = False
    system.polls([50] * 2)
    finding = system.finding
    assert finding is not None
    assert (finding.cause, finding.evidence["gc_longest_pause_seconds"]) == (Cause.CALLBACK_SLOW, 1.7)
    assert finding.evidence["arrival_rate"] == pytest.approx(1500)


def test_a_single_sample_proves_nothing() -> None:
    system = System(callback=0.5, sampled=True)
    system.sampled_callback = 0.00002
    system.polls([5, 0, 0])
    system.polls([60, 0, 0, 0, 0, 0])
    assert named(system) == Cause.CALLBACK_SLOW
    assert system.finding is not None
    assert system.finding.likely


def test_slow_after_the_publisher_fell_silent_stays_slow() -> None:
    system = System(callback=0.02, queue=200)
    system.polls([0] * 4 + [750] * 12 + [0] * 200)
    assert named(system) == Cause.CALLBACK_SLOW
    assert system.finding is not None
    assert system.finding.standing is Standing.STALLED


def test_a_slow_callback_of_few_events_that_all_fit_into_the_queue() -> None:
    system = System(callback=0.5)
    system.polls([0, 0, 0, 50, 0, 0, 0])
    assert named(system) == Cause.CALLBACK_SLOW


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("queue", [200, 2000])
def test_a_burst(queue: int, sampled: bool) -> None:
    system = System(callback=0.0001, queue=queue, sampled=sampled)
    system.polls([0, 5, 5, 5, queue * 10, 0, 0, 0])
    assert named(system) == Cause.BURST, system.finding
    assert system.finding is not None
    assert system.finding.concern is Concern.WAITING
    system.polls([1, 1])
    assert named(system) == Cause.BURST
    assert system.finding.likely is (queue == 200 or not sampled)
    system.polls([0] * 100)
    later = system.finding
    assert later is not None
    assert later.concern is Concern.LOST
    assert later.lost == system.missed


@pytest.mark.parametrize("sampled", [True, False])
def test_a_blocked_consumer(sampled: bool) -> None:
    system = System(sampled=sampled)
    system.polls([5] * 10)
    system.blocked = True
    system.polls([5] * 10)
    assert named(system) == Cause.CONSUMER_BLOCKED
    assert system.finding is not None
    assert system.finding.standing is Standing.STALLED
    assert system.finding.evidence["stalled_seconds"] >= 3.0
    assert ("last busy with attr" in system.finding.sentence) is sampled


def test_blocked_while_the_publisher_is_silent() -> None:
    system = System()
    system.polls([5] * 10)
    system.blocked = True
    system.polls([300, *[0] * 20])
    assert named(system) == Cause.CONSUMER_BLOCKED


def test_events_lost_because_the_consumer_was_blocked() -> None:
    system = System(queue=200)
    system.polls([5] * 10)
    system.blocked = True
    system.polls([50] * 20)
    system.blocked = False
    system.polls([5] * 3)
    assert system.missed > 0
    assert named(system) == Cause.CONSUMER_BLOCKED


def test_nobody_is_blocked_while_others_of_the_process_receive() -> None:
    system = System()
    system.polls([5] * 10)
    system.disconnected = True
    for _ in range(20):
        system.others += 3
        system.poll(5)
    assert named(system) == Cause.UNKNOWN
    system.disconnected = False
    system.polls([5] * 2)
    assert system.missed > 0
    assert named(system) == Cause.UNKNOWN
    assert system.finding is not None
    assert "the connection was interrupted" in system.finding.sentence


def test_never_connected() -> None:
    system = System()
    system.poll()
    system.disconnected = True
    system.record |= {"first_seen_utc_ns": system.now, "link": Link.FRESH}
    system.publisher["event_endpoints"] = ("tcp://10.0.0.1:4711",)
    system.polls([10] * 10)
    assert named(system) == Cause.STARTING
    system.polls([10] * 25)
    assert named(system) == Cause.NEVER_CONNECTED
    assert system.finding is not None
    assert "tcp://10.0.0.1:4711" in system.finding.sentence
    system.disconnected = False
    system.record["link"] = Link.LIVE
    system.polls([1])
    assert system.missed == 350
    assert named(system) == Cause.NEVER_CONNECTED


def test_the_publisher_is_gone() -> None:
    system = System()
    system.polls([5] * 10)
    system.publisher |= gone(Failure.REFUSED, system.now)
    system.polls([0, 0])
    assert named(system) == Cause.PUBLISHER_GONE


def test_a_frozen_publisher_is_gone_after_a_while() -> None:
    system = System()
    system.polls([5] * 10)
    system.publisher |= gone(Failure.SILENT, system.now)
    system.polls([0] * 20)
    assert named(system) == "none"
    system.polls([0] * 20)
    assert named(system) == Cause.PUBLISHER_GONE


def test_a_publisher_stopped_in_good_order_is_no_alarm() -> None:
    system = System()
    system.polls([5] * 10)
    system.publisher |= gone(Failure.NOT_EXPORTED, system.now, ended=True)
    system.polls([0] * 50)
    assert named(system) == "none"


def test_the_subscriber_is_stopped_with_events_on_their_way() -> None:
    system = System(callback=0.5)
    system.polls([0, 0, 50, 0])
    system.subscriber |= gone(Failure.NOT_EXPORTED, system.now, ended=True)
    system.poll(unaccounted_delta=45, ended=True, overdue=0)
    assert named(system) == Cause.NOT_RUNNING
    assert system.finding is not None
    assert system.finding.lost == 45
    assert system.finding.standing is Standing.STOPPED


def test_a_subscriber_that_comes_back_was_restarted() -> None:
    system = System(callback=0.5)
    system.polls([0, 0, 50, 0])
    before = dict(system.subscriber)
    system.subscriber |= gone(Failure.REFUSED, system.now, ended=True)
    system.poll(unaccounted_delta=45, ended=True, overdue=0)
    system.poll(ended=True, overdue=0)
    assert named(system) == Cause.NOT_RUNNING
    system.subscriber = before | {"identity": Identity(2, 13, "", system.now)}
    system.poll(ended=True, overdue=0)
    assert named(system) == Cause.RESTARTED
    assert system.finding is not None
    assert system.finding.lost == 45
    system.polls([0, 0])
    assert named(system) == Cause.RESTARTED


def test_a_subscription_that_is_there_again_at_once_keeps_its_story() -> None:
    system = System(callback=0.5)
    system.polls([0, 0, 50, 0])
    before = dict(system.subscriber)
    system.subscriber |= gone(Failure.REFUSED, system.now, ended=True)
    system.poll(unaccounted_delta=45, ended=True, overdue=0)
    assert named(system) == Cause.NOT_RUNNING
    system.subscriber = before | {"identity": Identity(2, 13, "", system.now)}
    system.callback = 0.001
    system.polls([0, 0])
    assert named(system) == Cause.RESTARTED
    assert system.finding is not None
    assert system.finding.lost == 45


@pytest.mark.parametrize("side", ["subscriber", "publisher"])
def test_restarted(side: str) -> None:
    system = System()
    system.polls([5] * 10)
    getattr(system, side)["identity"] = Identity(2, 13, "", system.now)
    system.poll(unaccounted_delta=7)
    assert named(system) == Cause.RESTARTED
    assert system.finding is not None
    assert system.finding.named == side
    assert system.finding.evidence[f"{side}_restarts"] == 1


def test_renewed() -> None:
    system = System()
    system.polls([5] * 10)
    system.resets += 1
    system.poll(unaccounted_delta=7)
    assert named(system) == Cause.RENEWED


def test_connected_to_a_former_life() -> None:
    system = System()
    system.polls([5] * 10)
    system.disconnected = True
    system.subscriber["channels"] = {system.last.servers[1].name: "tcp://127.0.0.1:1"}  # type: ignore[union-attr]
    system.publisher |= {
        "identity": Identity(2, 13, "", system.now),
        "heartbeat_endpoints": ("tcp://127.0.0.1:2",),
    }
    system.record |= {"link": Link.FORMER}
    system.polls([0] * 20)
    assert named(system) == "none"
    system.polls([0] * 20)
    assert named(system) == Cause.FORMER_LIFE
    assert system.finding is not None
    assert "tcp://127.0.0.1:1" in system.finding.sentence


def test_events_that_go_past_a_subscription_while_it_connects() -> None:
    system = System()
    system.polls([5] * 10)
    system.record["first_seen_utc_ns"] = system.now
    system.disconnected = True
    system.poll(3)
    system.disconnected = False
    system.poll(3)
    assert system.missed == 3
    assert named(system) == Cause.STARTING


def test_a_hanging_server_with_thousands_of_subscriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stem_device.analysis.causes.analyst.MAX_JUDGED", 2)
    monkeypatch.setattr("stem_device.analysis.causes.analyst.MAX_FOLLOWED", 3)
    monkeypatch.setattr("stem_device.analysis.causes.analyst.MAX_BEGUN", 2)
    monkeypatch.setattr("stem_device.analysis.causes.analyst.POINTS_KEPT", 20)
    analyst = Analyst()
    system = System()
    system.polls([5] * 4)
    system.blocked = True
    for _ in range(60):
        told = analyst.complete(twenty_fold(system.poll(5)))
    assert [finding.cause for finding in told.findings] == [Cause.CONSUMER_BLOCKED] * 20


def test_all_that_lose_at_once_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stem_device.analysis.causes.analyst.MAX_BEGUN", 2)
    analyst = Analyst()
    system = System(queue=200)
    pushes = iter((0, 5, 5, 5, 2000, 0, 5, 5))
    while not system.missed:
        told = analyst.complete(twenty_fold(system.poll(next(pushes))))
    assert len({finding.topic for finding in told.findings}) == 20
    assert {finding.lost for finding in told.findings} == {system.missed}


def test_a_loss_that_is_over_before_it_was_judged_gets_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stem_device.analysis.causes.analyst.MAX_JUDGED", 3)
    analyst = Analyst()
    system = System(queue=200)
    system.polls([0, 5, 5])
    pushes = iter((5, 2000, 0, 5, 5))
    while not system.missed:
        told = analyst.complete(twenty_fold(system.poll(next(pushes))))
    assert {finding.lost for finding in told.findings} == {system.missed}
    for _ in range(6):
        told = analyst.complete(twenty_fold(system.poll(5)))
    assert len({finding.topic for finding in told.findings}) == 20
    assert {(finding.cause, finding.lost) for finding in told.findings} == {(Cause.BURST, system.missed)}


@pytest.mark.parametrize("most", [4, 8, 9])
def test_fewer_points_keep_what_happened(most: int) -> None:
    system = System(queue=200)
    points: list[Point] = []
    for polls in range(1, 60):
        snapshot = system.poll(2000 if polls % 20 == 10 else polls)
        (record,) = snapshot.servers[0].subscriptions
        point = point_at(see(snapshot), SUBSCRIBER, record)
        assert point is not None
        lengthen(points, point, most)
        assert len(points) == min(polls, most) or len(points) < most < polls
        assert sum(one.polls for one in points) == polls
        assert sum(one.missed for one in points) == system.missed
    assert system.missed
    assert point is not None
    assert points[-1] == structs.replace(point, pushed=points[-1].pushed, arrivals=points[-1].arrivals)


def twenty_fold(one: Snapshot) -> Snapshot:
    """The same with twenty subscriptions in place of one, not yet completed."""
    (record,) = one.servers[0].subscriptions
    several = tuple(structs.replace(record, topic=f"{TOPIC}{number}") for number in range(20))
    subscriber = structs.replace(one.servers[0], subscriptions=several)
    return replace(one, servers=(subscriber, one.servers[1]), findings=())


def test_duplicates() -> None:
    system = System()
    system.polls([5] * 10)
    system.disconnected = True
    system.poll(1)
    for discarded in (1, 1, 1):
        system.poll(discarded_total=discarded)
    assert named(system) == Cause.DISCARDED


@pytest.mark.parametrize("period", [0.5, 10.0])
def test_healthy_systems_have_no_finding(period: float) -> None:
    idle, steady, slow = System(period=period), System(period=period), System(period=period, callback=0.01)
    burst = System(period=period, queue=2000)
    for number in range(200):
        assert not idle.poll().findings
        assert not steady.poll(50).findings
        assert not slow.poll(round(50 * period)).findings
        assert not burst.poll(1500 if number % 50 == 40 else 5).findings


def test_the_cause_is_in_the_record_and_leaves_it_again() -> None:
    system = System(queue=200)
    system.polls([0, 5, 5, 5, 2000, 0, 5, 5])
    assert system.last is not None
    assert [one.cause for one in system.last.servers[0].subscriptions] == ["burst"]
    assert system.last.findings[0].server == SUBSCRIBER
    assert system.last.findings[0].topic == TOPIC
    system.polls([5] * 610)
    assert not system.last.findings
    assert [one.cause for one in system.last.servers[0].subscriptions] == [""]


def test_when_it_happened() -> None:
    system = System(queue=200)
    system.polls([0, 5, 5, 5])
    before = system.now
    system.polls([2000, 0, 5, 5])
    noticed = system.finding
    assert noticed is not None
    assert before <= noticed.since_utc_ns < noticed.until_utc_ns <= system.now
    assert noticed.since_utc_ns - before <= SECOND
    assert before > BEGIN


def test_what_waited_before_anybody_watched_is_no_burst() -> None:
    system = System(callback=0.02)
    system.pushed = system.published = 500
    system._queue.extend(range(1, 501))
    system._pushed_before = 500
    system.polls([0] * 4)
    assert named(system) == Cause.UNKNOWN
    assert system.finding is not None
    assert "pushed before anybody watched" in system.finding.sentence

"""From Snapshots to verdicts: what is counted, what is remembered, and what is forgotten again."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from msgspec import structs

from stem_device.analysis.facts import MAX_LOSSES, Patience
from stem_device.analysis.live import Running
from stem_device.analysis.verdict import Level, Verdict, Why
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import Counts, Snapshot, Unseen
from tests.unit import plain_records
from tests.unit.made_snapshots import (
    BEGIN_UTC_NS,
    SECOND,
    disconnected,
    server,
    snapshot,
    stream,
    subscription,
)

PATIENCE = Patience(overdue_polls=3, unreachable_polls=2)
FINE = subscription()
LOSSY = subscription(missed_total=5, missed_delta=5)
DOUBTFUL = subscription(unaccounted_total=4, unaccounted_delta=4)


def after(*snapshots: Snapshot, hold: float = 100.0) -> Verdict:
    running = Running(PATIENCE, hold)
    for one in snapshots:
        running.take(one)
    assert running.judged is not None
    return running.judged


def level(*snapshots: Snapshot) -> Level:
    return after(*snapshots).level


def healthy(seconds: float = 0.0) -> Snapshot:
    return snapshot(server("a", FINE), seconds=seconds)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (healthy(), Level.CLEAR),
        (snapshot(), Level.UNKNOWN),
        (snapshot(server()), Level.UNKNOWN),
        (snapshot(server("a", LOSSY)), Level.LOST),
        (snapshot(server("a", DOUBTFUL)), Level.LOST),
        (snapshot(server("a", subscription(missed_total=5))), Level.CLEAR),
        (snapshot(server("a", subscription(overdue=9))), Level.UNKNOWN),
        (snapshot(server("a", FINE), server("b", state=ServerState.NOT_EXPORTED)), Level.CLEAR),
        (snapshot(server("a", FINE), server("b", state=ServerState.UNSUPPORTED)), Level.UNKNOWN),
        (snapshot(server("a", FINE), problems=("database down",)), Level.UNKNOWN),
        (snapshot(server("a", FINE), counts=Counts(overdue_unknown=1)), Level.UNKNOWN),
    ],
)
def test_one_poll(one: Snapshot, expected: Level) -> None:
    assert level(one) is expected


@pytest.mark.parametrize("row", [LOSSY, DOUBTFUL])
def test_a_loss_is_held_for_its_time_to_the_second(row: object) -> None:
    lossy = snapshot(server("a", row))  # type: ignore[arg-type]
    assert level(lossy, healthy(99.9)) is Level.LOST
    assert level(lossy, healthy(100.0)) is Level.CLEAR


def test_losses_add_up_within_the_span_and_fall_again() -> None:
    polls = [snapshot(server("a", LOSSY), seconds=seconds) for seconds in (0, 60, 120)]
    assert [after(*polls[: number + 1]).missed for number in range(3)] == [5, 10, 10]
    assert after(*polls, healthy(159.0)).missed == 10
    assert after(*polls, healthy(161.0)).missed == 5
    assert after(*polls, hold=math.inf).missed == 15


@pytest.mark.parametrize(("apart", "missed"), [(5.0, 10), (5.1, 5)])
def test_a_sum_reaches_back_a_twentieth_of_the_span_too_far_at_most(apart: float, missed: int) -> None:
    polls = [snapshot(server("a", LOSSY), seconds=seconds) for seconds in (0, apart)]
    assert after(*polls, healthy(101.0)).missed == missed


def test_a_loss_outlives_the_subscription_that_had_it() -> None:
    assert level(snapshot(server("a", LOSSY)), snapshot(server("a"), seconds=10)) is Level.LOST


def test_the_repeated_records_of_a_silent_server_count_once() -> None:
    silent = server("a", LOSSY, state=ServerState.NOT_EXPORTED)
    assert after(snapshot(server("a", LOSSY)), snapshot(silent, server("b"), seconds=1)).missed == 5


def test_what_a_life_that_ended_leaves_unaccounted_is_a_loss() -> None:
    gone = server("a", structs.replace(DOUBTFUL, ended=True), state=ServerState.NOT_EXPORTED)
    verdict = after(healthy(), snapshot(gone, server("b", FINE), seconds=1))
    assert (verdict.level, verdict.unaccounted, verdict.coverage.subscriptions) == (Level.LOST, 4, 2)
    assert [loss.server for loss in verdict.losses] == ["a"], "a row that ended tells who lost them"


def test_a_subscription_that_ended_in_the_span_is_known_in_it() -> None:
    ended = snapshot(server("a", structs.replace(FINE, ended=True)), seconds=50)
    assert level(healthy(), ended) is Level.CLEAR
    assert after(healthy(), ended).coverage.subscriptions == 1
    later = snapshot(server("a"), seconds=149.9)
    assert level(healthy(), ended, later) is Level.CLEAR
    forgotten = snapshot(server("a"), seconds=150)
    assert level(healthy(), ended, forgotten) is Level.UNKNOWN
    assert after(healthy(), ended, forgotten, hold=math.inf).level is Level.CLEAR
    assert after(healthy(), ended, healthy(60)).coverage.subscriptions == 1


def test_a_server_that_was_removed_was_known_in_the_span() -> None:
    coverage = after(healthy(), snapshot(server("b", FINE), seconds=1)).coverage
    assert (coverage.subscriptions, coverage.subscribers, coverage.servers) == (2, 2, 1)


def test_what_arrived_after_all_is_no_loss_any_more() -> None:
    arrived = subscription(unaccounted_total=0, unaccounted_delta=-4)
    polls = [snapshot(server("a", DOUBTFUL)), snapshot(server("a", arrived), seconds=1)]
    assert after(*polls).level is Level.CLEAR
    late = snapshot(server("a", arrived), seconds=200)
    assert after(polls[0], late).unaccounted == 0


def test_the_interval_is_from_the_onset_to_the_last_notice() -> None:
    first = subscription(missed_total=1, missed_delta=1, lost_since_utc_ns=BEGIN_UTC_NS - 7 * SECOND)
    later = subscription(missed_total=2, missed_delta=1, lost_since_utc_ns=BEGIN_UTC_NS + SECOND)
    verdict = after(snapshot(server("a", first)), snapshot(server("a", later), seconds=30))
    (loss,) = verdict.losses
    assert loss.since_utc_ns == BEGIN_UTC_NS - 7 * SECOND
    assert loss.noticed_utc_ns == BEGIN_UTC_NS
    assert loss.until_utc_ns == BEGIN_UTC_NS + 30 * SECOND
    assert (loss.missed, loss.received) == (2, None)


def test_without_an_onset_the_poll_before_is_one() -> None:
    (loss,) = after(healthy(), snapshot(server("a", LOSSY), seconds=10)).losses
    assert loss.since_utc_ns == BEGIN_UTC_NS


def test_the_share_of_a_whole_run_is_that_of_the_loser_at_its_end() -> None:
    end = subscription(missed_total=5, received_total=15)
    verdict = after(snapshot(server("a", LOSSY)), snapshot(server("a", end), seconds=10), hold=math.inf)
    assert verdict.losses[0].share == 0.25


def test_losses_that_no_row_tells_count_without_a_name() -> None:
    sums = [snapshot(server("a", FINE), counts=Counts(missed=n, unaccounted=n), seconds=n) for n in (1, 3)]
    verdict = after(*sums)
    assert (verdict.level, verdict.missed, verdict.unaccounted) == (Level.LOST, 2, 2)
    assert (verdict.losses, verdict.losers) == ((), 1)


def test_overdue_alarms_after_so_many_polls_in_a_row() -> None:
    waits = snapshot(server("a", subscription(overdue=1)))
    assert level(waits, waits) is Level.UNKNOWN
    assert level(waits, waits, waits) is Level.WAITING
    assert level(waits, waits, healthy(), waits, waits) is Level.UNKNOWN
    assert level(waits, waits, waits, healthy()) is Level.CLEAR


def test_overdue_of_two_subscriptions_in_turn_is_not_waiting() -> None:
    first = snapshot(server("a", subscription("x", overdue=1), subscription("y")))
    second = snapshot(server("a", subscription("x"), subscription("y", overdue=1)))
    assert level(first, second, first, second) is Level.UNKNOWN


def test_overdue_of_what_has_ended_is_not_waited_for() -> None:
    gone = snapshot(server("a", FINE, subscription("y", overdue=1, ended=True)))
    assert level(gone, gone, gone) is Level.CLEAR


def test_a_silent_server_neither_adds_to_its_overdue_polls_nor_forgets_them() -> None:
    waits = server("a", subscription(overdue=1))
    silent = structs.replace(waits, state=ServerState.NOT_EXPORTED)
    polls = [snapshot(waits), snapshot(waits), snapshot(silent)]
    assert level(*polls) is Level.UNKNOWN
    assert level(*polls, snapshot(waits)) is Level.WAITING


def dead(failure: Failure, **changes: object) -> object:
    state = ServerState.UNREACHABLE
    return server("tango://h:1/dserver/fast/1", state=state, failure=failure, **changes)


LISTENER = server("a", subscription(publisher="tango://H:1/DServer/fast/1"))


@pytest.mark.parametrize("followed", [False, True])
def test_a_dead_publisher_is_told_at_the_next_poll_with_its_listeners(followed: bool) -> None:
    gone = dead(Failure.REFUSED, followed=followed)
    verdict = after(snapshot(LISTENER, gone))  # type: ignore[arg-type]
    assert verdict.level is Level.WAITING
    (ground,) = verdict.waiting
    assert (ground.why, ground.server) == (Why.REFUSED, "tango://h:1/dserver/fast/1")
    assert ground.listeners == ("a",)


def test_a_server_without_listeners_has_two_polls() -> None:
    idle = snapshot(server("a", FINE), dead(Failure.REFUSED))  # type: ignore[arg-type]
    assert level(idle) is Level.UNKNOWN
    assert level(idle, idle) is Level.WAITING
    assert level(idle, healthy(), idle) is Level.UNKNOWN


def test_a_silent_server_has_two_polls_and_15_seconds() -> None:
    def silent(age: float) -> Snapshot:
        return snapshot(LISTENER, dead(Failure.SILENT, age_seconds=age), seconds=age)  # type: ignore[arg-type]

    assert level(silent(16)) is Level.UNKNOWN
    assert level(silent(7), silent(14)) is Level.UNKNOWN
    assert level(silent(7), silent(14), silent(15)) is Level.WAITING


def test_a_server_that_never_answered_is_timed_from_its_first_poll() -> None:
    def silent(seconds: float) -> Snapshot:
        gone = dead(Failure.SILENT, age_seconds=None)
        return snapshot(LISTENER, gone, seconds=seconds)  # type: ignore[arg-type]

    assert level(silent(0), silent(14)) is Level.UNKNOWN
    assert level(silent(0), silent(15)) is Level.WAITING


def test_disconnected_has_two_polls_too() -> None:
    retried = snapshot(server("a", FINE, not_connected=(disconnected(),)))
    assert level(retried) is Level.UNKNOWN
    assert level(retried, retried) is Level.WAITING
    assert level(retried, healthy(), retried) is Level.UNKNOWN
    stopped = server("a", FINE, state=ServerState.NOT_EXPORTED, not_connected=(disconnected(),))
    assert level(snapshot(stopped), snapshot(stopped)) is Level.CLEAR


def unseen(kind: Unseen, seconds: float = 0.0) -> Snapshot:
    one = structs.replace(stream("s"), unseen=kind)
    counts = Counts(unseen_streams=int(kind is not Unseen.NOT_TOLD))
    return snapshot(server("a", FINE, streams=(one,), counts=counts), counts=counts, seconds=seconds)


def test_unseen_subscribers_are_remembered_and_doubts_are_not() -> None:
    gone = unseen(Unseen.NOT_TOLD, 50)
    assert level(unseen(Unseen.CERTAIN), gone) is Level.UNKNOWN
    assert level(unseen(Unseen.CERTAIN), unseen(Unseen.NOT_TOLD, 100)) is Level.CLEAR
    assert level(unseen(Unseen.MAYBE)) is Level.UNKNOWN
    assert level(unseen(Unseen.MAYBE), gone) is Level.CLEAR


def test_unobserved_events_and_unbalanced_books_are_not_covered_for_the_span() -> None:
    for name in ("unobserved", "books_unbalanced"):
        more = snapshot(server("a", FINE), counts=Counts(**{name: 3}), seconds=1)
        same = snapshot(server("a", FINE), counts=Counts(**{name: 3}), seconds=90)
        later = snapshot(server("a", FINE), counts=Counts(**{name: 3}), seconds=101)
        assert level(healthy(), more) is Level.UNKNOWN
        assert level(healthy(), more, same) is Level.UNKNOWN
        assert level(healthy(), more, later) is Level.CLEAR
        assert after(healthy(), more, later, hold=math.inf).level is Level.UNKNOWN


def test_time_in_which_nothing_counted_is_not_covered_for_the_span() -> None:
    def blind(total: float, one: float, seconds: float) -> Snapshot:
        rows = (
            subscription(blind_seconds=one),
            subscription("a/b/c/y.idl5_change", blind_seconds=total - one),
        )
        return snapshot(server("a", *rows), counts=Counts(blind_seconds=total), seconds=seconds)

    polls = [blind(0, 0, 0), blind(9, 9, 10), blind(30, 20, 20), blind(30, 20, 119)]
    verdict = after(*polls)
    (ground,) = verdict.uncovered
    assert (ground.why, ground.number, ground.seconds) == (Why.BLIND, 2, 11.0)  # the first 9 s are over
    assert ground.publisher == subscription().publisher
    assert after(*polls[:3]).uncovered[0].seconds == 20.0
    assert after(*polls, blind(30, 20, 121)).level is Level.CLEAR
    assert after(*polls, blind(30, 20, 121), hold=math.inf).uncovered[0].seconds == 20.0
    assert after(polls[2], polls[3]).level is Level.CLEAR  # it was before the span


def test_blind_time_of_what_has_no_row_any_more_is_the_sum() -> None:
    gone = snapshot(server("a", FINE), counts=Counts(blind_seconds=7.5), seconds=1)
    (ground,) = after(healthy(), gone).uncovered
    assert (ground.why, ground.number, ground.seconds, ground.publisher) == (Why.BLIND, 0, 7.5, "")


def test_what_a_removed_target_waited_for_is_unknown_for_the_span() -> None:
    def left(number: int, seconds: float) -> Snapshot:
        counts = Counts(overdue_unknown=number)
        return replace(snapshot(server("a", FINE), counts=counts, seconds=seconds), departed=counts)

    assert after(left(0, 0), left(2, 1), left(2, 90)).overdue_unknown == 2
    assert level(left(0, 0), left(2, 1), left(2, 102)) is Level.CLEAR


def test_reset_counters_begins_anew() -> None:
    lossy, reset = snapshot(server("a", LOSSY)), snapshot(server("a", FINE), seconds=1, since_utc_ns=7)
    assert level(lossy, reset) is Level.CLEAR


def test_followed_servers_are_in_no_coverage() -> None:
    verdict = after(snapshot(server("a", FINE), server("b", followed=True), server("c")))
    assert verdict.coverage == structs.replace(
        verdict.coverage, subscriptions=1, subscribers=1, answering=2, servers=2
    )


def test_what_is_remembered_is_bounded_and_nothing_is_lost_from_the_sum() -> None:
    crowd = [subscription(f"t{n}", missed_delta=1, missed_total=1) for n in range(MAX_LOSSES + 50)]
    polls = [snapshot(server("a", *crowd)), snapshot(server("b", LOSSY), seconds=1)]
    verdict = after(*polls)
    assert verdict.missed == MAX_LOSSES + 50 + 5
    assert len(verdict.losses) == 999, "1000 sums, one of them without a name"
    assert ("b", LOSSY.topic) in {(loss.server, loss.topic) for loss in verdict.losses}
    assert after(*polls, healthy(102)).missed == 0


def test_plain_records_are_healthy() -> None:
    assert plain_records.SERVER.failure is Failure.NONE

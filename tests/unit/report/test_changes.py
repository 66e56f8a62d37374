from __future__ import annotations

import pytest

from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts
from stem_device.report.changes import Change, compare
from tests.unit.report.report_snapshots import (
    PUBLISHER,
    STREAM,
    SUBSCRIBER,
    retried,
    server,
    snapshot,
    stream,
    subscription,
)


def test_at_the_first_poll_everything_is_new_and_nothing_has_moved() -> None:
    first = snapshot(
        server(streams=(stream(5),)),
        server(SUBSCRIBER, subscriptions=(subscription(3),)),
        counts=Counts(published=5, received=3, missed=2),
    )
    report = compare(first)
    assert [change.change for change in report.servers] == [Change.NEW, Change.NEW]
    assert [(change.change, change.pushed) for change in report.streams] == [(Change.NEW, 5)]
    assert [change.change for change in report.subscriptions] == [Change.NEW]
    assert report.delta == Counts()
    assert report.total.missed == 2
    assert (report.monitored, report.servers_total) == (2, 2)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (stream(5), stream(5), None),
        (stream(5), stream(8, 3), Change.ACTIVE),
        (stream(5), stream(6, 1, resets_total=1), Change.RESTARTED),
        (None, stream(6, 6), Change.NEW),
        (stream(5), None, Change.REMOVED),
    ],
)
def test_streams(before, now, expected) -> None:
    def of(record):
        return server(streams=() if record is None else (record,))

    changes = compare(snapshot(of(now), poll=2), snapshot(of(before))).streams
    assert [change.change for change in changes] == ([expected] if expected else [])
    if expected is Change.ACTIVE:
        assert (changes[0].stream, changes[0].published_delta, changes[0].published_total) == (STREAM, 3, 8)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (subscription(5), subscription(5), None),
        (subscription(5), subscription(8, 3), Change.ACTIVE),
        (subscription(5), subscription(5, callback_count=2), Change.ACTIVE),
        (subscription(5), subscription(5, discarded_total=1), Change.ACTIVE),
        (subscription(5), subscription(5, overdue=7), Change.OVERDUE),
        (subscription(5, overdue=7), subscription(5, overdue=7), Change.OVERDUE),
        (subscription(5, overdue=7), subscription(5), Change.ACTIVE),
        (subscription(5, overdue=7), subscription(6, 1, missed_total=7, missed_delta=7), Change.MISSED),
        (subscription(5), subscription(6, 1, resets_total=1), Change.RESTARTED),
        (None, subscription(), Change.NEW),
        (subscription(5), None, Change.REMOVED),
    ],
)
def test_subscriptions(before, now, expected) -> None:
    def of(record):
        return server(SUBSCRIBER, subscriptions=() if record is None else (record,))

    changes = compare(snapshot(of(now), poll=2), snapshot(of(before))).subscriptions
    assert [change.change for change in changes] == ([expected] if expected else [])


def test_a_subscription_tells_deltas_and_callbacks() -> None:
    before = server(SUBSCRIBER, subscriptions=(subscription(5, discarded_total=1),))
    now = server(
        SUBSCRIBER,
        subscriptions=(
            subscription(
                8,
                3,
                missed_total=4,
                missed_delta=4,
                missed_at_least=True,
                gaps_total=1,
                gaps_delta=1,
                discarded_total=3,
                callback_count=2,
            ),
        ),
    )
    (change,) = compare(snapshot(now, poll=2), snapshot(before)).subscriptions
    assert (change.received_delta, change.missed_delta, change.gaps_delta, change.discarded_delta) == (
        3,
        4,
        1,
        2,
    )
    assert (change.callbacks_before, change.callbacks) == (1, 2)
    assert change.missed_at_least
    assert change.publisher == PUBLISHER


def test_the_last_record_of_a_silent_server_is_not_told_again() -> None:
    lossy = subscription(8, 3, missed_total=4, missed_delta=4, overdue=2)
    before = server(SUBSCRIBER, subscriptions=(lossy,))
    silent = server(
        SUBSCRIBER,
        subscriptions=(lossy,),
        state=ServerState.UNREACHABLE,
        reason="no answer",
        age_seconds=1.0,
    )
    report = compare(snapshot(silent, poll=2), snapshot(before))
    assert report.subscriptions == ()
    assert [(change.change, change.state, change.reason) for change in report.servers] == [
        (Change.ACTIVE, ServerState.UNREACHABLE, "no answer")
    ]
    assert (report.monitored, report.servers_total) == (0, 1)


def test_a_server_that_is_no_target_any_more_is_removed() -> None:
    report = compare(snapshot(poll=2), snapshot(server()))
    assert [(change.change, change.server) for change in report.servers] == [(Change.REMOVED, PUBLISHER)]


def test_counts_that_were_reset_are_no_negative_deltas() -> None:
    before = snapshot(counts=Counts(published=10, received=9, missed=1, overdue=4))
    now = snapshot(counts=Counts(published=2, received=12, overdue=3), poll=2)
    assert compare(now, before).delta == Counts(published=0, received=3, overdue=3)


def test_connections_lost_and_regained() -> None:
    connected = snapshot(server(SUBSCRIBER))
    lost = snapshot(server(SUBSCRIBER, not_connected=(retried(),)), poll=2)
    assert [(c.stream, c.connected) for c in compare(lost, connected).connections] == [(STREAM, False)]
    assert compare(lost, lost).connections == ()
    assert [c.connected for c in compare(connected, lost).connections] == [True]

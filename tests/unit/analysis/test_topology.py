"""Who publishes what to whom, of Snapshots made by hand."""

from __future__ import annotations

import pytest
from msgspec import structs

from stem_device.analysis.topology import concerning, topology
from stem_device.model.snapshot import Snapshot, Unseen
from tests.unit.made_snapshots import server, snapshot, stream, subscription

FAST, SLOW, IDLE = "dserver/fast/1", "dserver/slow/1", "dserver/idle/1"


def system(seconds: float, events: int) -> Snapshot:
    seen = structs.replace(stream("tango://h:1/a/b/c/x.change"), published_total=events)
    unseen = structs.replace(stream("tango://h:1/a/b/c/y.change"), unseen=Unseen.CERTAIN)
    mine = subscription(
        "tango://h:1/a/b/c/x.idl5_change",
        received_total=events - 5,
        overdue=5,
        cause="burst",
        lag_seconds=0.5,
    )
    gone = subscription("tango://h:1/e/f/g/z.idl5_change", publisher="dserver/gone/1")
    return snapshot(
        server(FAST, streams=(seen, unseen)), server(SLOW, mine, gone), server(IDLE), seconds=seconds
    )


def test_rates_are_between_the_two_snapshots() -> None:
    found = topology(system(0, 100), system(2, 300))
    x, y, z = found.streams
    assert (x.published_rate, x.pushed, x.publisher) == (100.0, 10, FAST)
    (receiver,) = x.subscribers
    assert (receiver.server, receiver.received_rate, receiver.overdue) == (SLOW, 100.0, 5)
    assert (receiver.cause, receiver.lag_seconds) == ("burst", 0.5)
    assert (y.unseen, y.subscribers, x.unseen) == ("certain", (), "not told")
    assert (z.publisher, z.pushed, z.published_rate) == ("dserver/gone/1", None, None)
    assert z.subscribers[0].server == SLOW


def test_a_first_snapshot_has_no_rates() -> None:
    found = topology(None, system(2, 300))
    assert {one.published_rate for one in found.streams} == {None}
    assert {r.received_rate for one in found.streams for r in one.subscribers} == {None}


def test_what_a_restart_would_interrupt() -> None:
    restarts = {one.server: one for one in topology(None, system(0, 9)).restarts}
    assert (restarts[FAST].streams, restarts[FAST].subscriptions) == (1, 1)
    assert (restarts[FAST].servers, restarts[FAST].unseen_streams) == ((SLOW,), 1)
    assert (restarts[SLOW].streams, restarts[SLOW].own_subscriptions) == (0, 2)
    assert IDLE not in restarts


@pytest.mark.parametrize(
    ("name", "streams"),
    [
        ("a/b/c/x.change", 1),
        ("A/B/C/X", 1),
        ("tango://h:1/a/b/c", 2),
        ("a/b/c/x.archive", 0),
        ("a/b/cc", 0),
        ("dserver/slow/1", 2),
        ("Fast/1", 2),
        ("dserver/idle/1", 0),
    ],
)
def test_what_concerns_a_name(name: str, streams: int) -> None:
    found = concerning(topology(None, system(0, 9)), name)
    assert len(found.streams) == streams


def test_of_a_device_the_publisher_would_be_restarted() -> None:
    found = concerning(topology(None, system(0, 9)), "a/b/c/y")
    assert [one.server for one in found.restarts] == [FAST]

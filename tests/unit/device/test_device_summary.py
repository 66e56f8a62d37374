"""The JSON of latestSnapshot is bounded whatever the names are, that of QuerySnapshot is complete."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from stem_device.catalogue.snapshot_json import full_snapshot
from stem_device.device.digest import MAX_SERVERS, MAX_WORST, digest
from stem_device.device.summary import MAX_LATEST_BYTES, latest_snapshot
from stem_device.model.poll import Failure, Identity, ServerState
from stem_device.model.snapshot import Link, Snapshot, Unseen
from tests.unit.device.device_builders import disconnected, server, snapshot, stream, subscription

MAX = (1 << 63) - 1


def latest(one: Snapshot, **more: int) -> str:
    return latest_snapshot(one, digest(one), **more)


@settings(max_examples=60, deadline=None)
@given(
    servers=st.integers(0, 1500),
    subscriptions=st.integers(0, 150),
    problems=st.integers(0, 50),
    name=st.one_of(st.text(max_size=300), st.just("\0" * 10_000), st.just("\U0001f600" * 10_000)),
    state=st.sampled_from(ServerState),
)
def test_latest_snapshot_is_bounded(
    servers: int, subscriptions: int, problems: int, name: str, state: ServerState
) -> None:
    lossy = tuple(
        subscription(f"{number}{name}", missed_total=MAX, overdue=MAX, publisher=name)
        for number in range(subscriptions)
    )
    records = [server(f"{name}{number}", state=state, reason=name) for number in range(servers)]
    one = snapshot(server(name, *lossy), *records, problems=(name,) * problems)
    text = latest(one)
    assert len(text.encode("ascii")) <= MAX_LATEST_BYTES
    document = json.loads(text)
    assert len(document["servers"]) + document["leftOut"]["servers"] == servers + 1
    shown = len(document["worstSubscriptions"]) + document["leftOut"]["worstSubscriptions"]
    assert shown == subscriptions
    assert len(document["problems"]) + document["leftOut"]["problems"] == problems


def test_an_ordinary_system_is_shown_whole() -> None:
    lossy = subscription(missed_total=3)
    one = snapshot(server("a", lossy), *(server(f"s{number}") for number in range(99)))
    document = json.loads(latest(one))
    assert document["schema"] == "stem-device.latestSnapshot"
    assert document["version"] == 2
    assert document["leftOut"] == {"servers": 0, "worstSubscriptions": 0, "problems": 0}
    assert document["worstSubscriptions"][0]["missed"] == 3
    assert document["sampleCoverage"] is None
    assert document["numbers"]["states"]["monitored"] == 100


def test_who_misses_most_comes_first_then_who_is_in_trouble() -> None:
    one = snapshot(
        server("fine"),
        server("gone", state=ServerState.UNREACHABLE),
        server("lossy", subscription(missed_total=9)),
    )
    assert [entry["name"] for entry in json.loads(latest(one))["servers"]] == ["lossy", "gone", "fine"]


@pytest.mark.parametrize("limit", [4096, 8192, 20_000])
def test_smaller_limits_hold(limit: int) -> None:
    one = snapshot(*(server(f"{'n' * 150}{number}") for number in range(300)), problems=("p" * 190,) * 8)
    assert len(latest(one, max_bytes=limit)) <= limit


def test_full_snapshot_has_everything() -> None:
    lossy = subscription("t\N{SNOWMAN}", missed_total=3, overdue=None)
    one = snapshot(
        server("a", lossy, streams=(stream(),), not_connected=(disconnected(),), channels={"p": "tcp://x"}),
        sampled=3,
        problems=("p",),
    )
    text = full_snapshot(one)
    text.encode("ascii")
    document = json.loads(text)
    (only,) = document["servers"]
    assert only["subscriptions"][0]["topic"] == "t\N{SNOWMAN}"
    assert only["subscriptions"][0]["overdue"] is None
    assert only["streams"][0]["pushed"] == 10
    assert only["channels"] == {"p": "tcp://x"}
    assert only["notConnected"][0]["device"] == "a/b/c"
    assert document["publisherSamples"]["microsSinceLastEvent"] == [None] * 3
    assert document["publisherSamples"]["pushEventMicros"] == [0, 1, 2]
    assert document["subscriberSamples"]["attribute"] == ["x"] * 3
    assert document["subscriberSamples"]["discarded"] == [False] * 3
    assert document["problems"] == ["p"]


def test_what_is_not_known_is_null_and_not_zero() -> None:
    row = subscription(
        "t", overdue=None, unaccounted_total=4, unaccounted_delta=-2, missed_before=1, unobserved_total=7,
        lag_seconds=2.5, lost_since_utc_ns=None, first_seen_utc_ns=10**18, link=Link.FORMER, ended=True,
        cause="restarted", blind_seconds=1.5,
    )  # fmt: skip
    one = server("a", row, streams=(structs.replace(stream(), unseen=Unseen.CERTAIN),))
    one = structs.replace(
        one,
        identity=Identity(2, 4711, "then", 10**18),
        failure=Failure.SILENT,
        followed=True,
        event_endpoints=("tcp://h:1",),
        counts=structs.replace(one.counts, overdue=0, overdue_unknown=1, books_unbalanced=3),
    )
    whole = replace(snapshot(one), verdict="waiting", counts=one.counts)
    for document in (json.loads(latest(whole)), json.loads(full_snapshot(whole))):
        assert document["verdict"] == "waiting"
        assert (document["totals"]["overdue"], document["totals"]["overdueUnknown"]) == (None, 1)
        assert document["totals"]["booksUnbalanced"] == 3
        (only,) = document["servers"]
        assert only["identity"] == {
            "life": 2, "pid": 4711, "started": "then", "since": "2001-09-09T01:46:40.000Z",
        }  # fmt: skip
        assert (only["failure"], only["followed"]) == ("silent", True)
    (found,) = only["subscriptions"]
    assert (found["unaccounted"], found["unaccountedDelta"], found["missedBefore"]) == (4, -2, 1)
    assert (found["unobserved"], found["lagSeconds"], found["lostSince"]) == (7, 2.5, None)
    assert (found["blindSeconds"], only["totals"]["blindSeconds"]) == (1.5, 0.0)
    assert (found["link"], found["ended"], found["cause"]) == ("former", True, "restarted")
    assert found["firstSeen"] == "2001-09-09T01:46:40.000Z"
    assert only["streams"][0]["unseen"] == "certain"
    assert only["eventEndpoints"] == ["tcp://h:1"]
    known = replace(whole, counts=structs.replace(one.counts, overdue=5))
    assert json.loads(latest(known))["totals"]["overdue"] == 5


def test_digest_cuts_and_counts() -> None:
    lossy = [subscription(f"t{number}", missed_total=number) for number in range(1, MAX_WORST + 11)]
    one = snapshot(server("a", *lossy), *(server(f"s{number}") for number in range(MAX_SERVERS + 4)))
    numbers = digest(one)
    assert len(numbers.servers) == MAX_SERVERS
    assert numbers.servers_not_shown == 5
    assert len(numbers.worst) == MAX_WORST
    assert numbers.worst_not_shown == 10
    assert numbers.worst[0].subscription.missed_total == MAX_WORST + 10
    assert numbers.subscriptions == MAX_WORST + 10


def test_digest_ranks_missed_before_overdue_before_gaps() -> None:
    one = snapshot(
        server(
            "a",
            subscription("gaps", gaps_total=50),
            subscription("fine"),
            subscription("overdue", overdue=5),
            subscription("missed", missed_total=1),
        )
    )
    assert [worst.subscription.topic for worst in digest(one).worst] == ["missed", "overdue", "gaps"]


def test_digest_counts_what_answered() -> None:
    one = snapshot(
        server("a", not_connected=(disconnected(), disconnected("y")), sampling=True),
        server("b", state=ServerState.UNREACHABLE, not_connected=(disconnected(),), sampling=True),
    )
    numbers = digest(one)
    assert (numbers.disconnected, numbers.sampling) == (2, 1)
    assert numbers.states == {ServerState.MONITORED: 1, ServerState.UNREACHABLE: 1}

"""Which publishers are heard: the rule, and a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from stem_device.demo.processes import wait_until
from stem_device.model.clock import SystemClock
from stem_device.model.snapshot import Snapshot
from stem_device.polling import PollStart
from stem_device.polling.heartbeats import Links
from stem_device.polling.heartbeats.links import publishers_of, told
from tests.unit.made_snapshots import server, snapshot

SECOND = 1_000_000_000
ONE, TWO = "tango://h:1/dserver/p/1", "tango://h:1/dserver/p/2"


def silent(links: Links, seconds: float) -> list[str]:
    return [link.publisher for link in links.figures(round(seconds * SECOND)) if link.silent]


def test_two_heartbeats_that_do_not_come_are_told() -> None:
    links = Links()
    assert links.follow({ONE: "tcp://h:5", TWO: "tcp://h:6"}, 0) == ({"tcp://h:5", "tcp://h:6"}, set())
    assert silent(links, 21.0) == []
    links.hear(f"{ONE}.heartbeat", 12 * SECOND)
    assert silent(links, 21.1) == [TWO]
    assert silent(links, 33.0) == [TWO]
    assert silent(links, 33.1) == [ONE, TWO]
    first, second = told(links.figures(34 * SECOND), "pc3")
    assert first == (
        f"seen from pc3: no heartbeat of {ONE} at tcp://h:5 since 2 were due: it is dead or frozen, or its "
        "port cannot be reached from here"
    )
    assert "ever since it is listened for" in second
    links.hear(f"{TWO}.heartbeat", 40 * SECOND)
    assert silent(links, 50.0) == [ONE]
    assert [link.age_seconds for link in links.figures(50 * SECOND)] == [38.0, 10.0]


def test_a_publisher_that_moves_is_listened_for_anew_and_one_that_left_is_not() -> None:
    links = Links()
    links.follow({ONE: "tcp://h:5", TWO: "tcp://h:6"}, 0)
    assert links.follow({ONE: "tcp://h:7"}, 30 * SECOND) == ({"tcp://h:7"}, {"tcp://h:5", "tcp://h:6"})
    assert silent(links, 31.0) == []
    links.hear(f"{TWO}.heartbeat", 31 * SECOND)
    assert [link.publisher for link in links.figures(31 * SECOND)] == [ONE]


def test_whose_heartbeat_it_is_where_its_database_has_two_names() -> None:
    links = Links()
    links.follow({ONE: "tcp://h:5", TWO: "tcp://h:6"}, 0)
    links.hear("tango://other.name:1/dserver/P/1.heartbeat", SECOND)
    assert [link.age_seconds for link in links.figures(SECOND)] == [0.0, None]
    links.follow({ONE: "tcp://h:5", "tango://i:1/dserver/p/1": "tcp://i:5"}, 0)
    links.hear("tango://other.name:1/dserver/p/1.heartbeat", 2 * SECOND)  # of two nobody knows whose it is
    assert [link.age_seconds for link in links.figures(2 * SECOND)] == [1.0, None]


def depending_on(endpoint: str) -> Snapshot:
    one = snapshot(server("a"))
    channels = {ONE: endpoint, TWO: ""}
    return replace(one, servers=(structs.replace(one.servers[0], channels=channels),))


def test_publishers_are_those_of_monitored_subscriptions() -> None:
    assert publishers_of(depending_on("tcp://h:5")) == {ONE: "tcp://h:5"}


@pytest.fixture
def publisher() -> Iterator[Any]:
    zmq = pytest.importorskip("zmq")
    context = zmq.Context()
    socket = context.socket(zmq.PUB)
    socket.bind("tcp://127.0.0.1:*")
    yield socket
    context.destroy(linger=0)


@pytest.mark.extras
def test_a_real_socket_hears_and_stops_to_listen(publisher: Any) -> None:
    from stem_device.polling.heartbeats import Heartbeats

    endpoint = publisher.getsockopt_string(__import__("zmq").LAST_ENDPOINT)
    heartbeats = Heartbeats(SystemClock())
    try:
        heartbeats.take(depending_on("tcp://nonsense"))  # what ZeroMQ refuses stops nothing
        heartbeats.take(depending_on(endpoint))

        def heard() -> bool:
            publisher.send_multipart([f"{ONE}.heartbeat".encode(), b"\x01", b"", b""])
            return heartbeats.figures[0].age_seconds is not None

        wait_until(heard, "a heartbeat")
        assert heartbeats.collect(PollStart(1, 0, SystemClock().monotonic_ns())).problems == ()
        late = SystemClock().monotonic_ns() + 30 * SECOND
        (problem,) = heartbeats.collect(PollStart(1, 0, late)).problems
        assert f"no heartbeat of {ONE} at {endpoint} since 2 were due" in problem
    finally:
        heartbeats.close()

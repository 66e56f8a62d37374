"""The tap at real sockets of ZeroMQ, with publishers that behave, restart, hurry, or mean harm."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("zmq")

import zmq

from stem_device.demo.processes import wait_until
from stem_device.polling.client import endpoints_of
from stem_device.polling.tap_process import TapProcess
from stem_device.wire.tap import QUEUE_MESSAGES, Tap, Taps
from stem_device.wire.topics import Topics

pytestmark = pytest.mark.extras

HERE = "tcp://127.0.0.1"
DEAD = f"{HERE}:1"
TOPIC = b"tango://db:10000/a/b/c/d.idl5_change"
BEAT = [b"tango://db:10000/dserver/a/b.heartbeat", b"\x01", bytes(20)]


def event(counter: int, topic: bytes = TOPIC, size: int = 10) -> list[bytes]:
    return [topic, b"\x01", struct.pack("<II13x", 1, counter), bytes(size)]


class Publisher:
    """Two PUB sockets, as a device server has them."""

    def __init__(self, context: Any, here: str = HERE) -> None:
        self.events, self.beats = context.socket(zmq.XPUB), context.socket(zmq.XPUB)
        for one in (self.events, self.beats):
            one.setsockopt(zmq.IPV6, 1)
            one.bind(f"{here}:*")
        self.endpoint, self.heartbeat = (
            one.getsockopt_string(zmq.LAST_ENDPOINT) for one in (self.events, self.beats)
        )

    def push(self, *numbers: int, topic: bytes = TOPIC, size: int = 10) -> None:
        for number in numbers:
            self.events.send_multipart(event(number, topic, size))

    def push_until_full(self, number: int) -> int:
        """Push until neither the tap, the kernel nor this socket takes any more; the last that was taken."""
        self.events.set(zmq.XPUB_NODROP, 1)
        self.events.set(zmq.SNDTIMEO, 500)
        try:
            while True:
                self.push(number, size=1_000)
                number += 1
        except zmq.Again:
            return number - 1
        finally:
            self.events.set(zmq.XPUB_NODROP, 0)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    context = zmq.Context()
    yield Publisher(context)
    context.destroy(linger=0)


@pytest.fixture
def tapped(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Tap]]:
    monkeypatch.setattr("stem_device.wire.connection.TRY_SECONDS", 0.2)
    taps = Taps()

    def tap(topics: Topics | None = None, **options: Any) -> Tap:
        made = taps.watch("p", [DEAD, publisher.endpoint], [publisher.heartbeat], topics, **options)
        assert publisher.beats.recv() == b"\x01"

        def listened() -> int:
            taps.listen(0.05)
            return made.counts().connected

        wait_until(listened, "the second endpoint")
        return made

    yield tap
    taps.close()


def heard(tap: Tap, count: int) -> None:
    def all_are() -> bool:
        tap.take()
        counts = tap.counts()
        return sum(one.heard for one in counts.topics) + counts.others >= count

    wait_until(all_are, f"{count} events")


def test_all_that_a_publisher_sends(publisher: Publisher, tapped: Callable[..., Tap]) -> None:
    tap = tapped()
    assert publisher.events.recv() == b"\x01"
    publisher.push(7, 7, 8, 12)
    publisher.push(1, topic=TOPIC.replace(b"change", b"archive"))
    publisher.events.send(b"I like beer")
    publisher.events.send_multipart([b"x"] * 50)
    publisher.beats.send_multipart(BEAT)
    publisher.beats.send_multipart(BEAT)
    heard(tap, 6)
    wait_until(lambda: (tap.take(), tap.counts().heartbeats)[1], "a heartbeat")
    counts = tap.counts(changed_only=True)
    change, archive = counts.topics
    assert (change.topic, change.pushed, change.heard, change.duplicates) == (TOPIC.decode(), 6, 3, 1)
    assert (change.lost_on_the_way, change.lost_here) == (3, 0)
    assert archive.pushed == 1
    assert (counts.others, counts.heartbeats, counts.connections) == (2, 1, 1)
    assert counts.endpoint == publisher.endpoint
    assert tap.counts(changed_only=True).topics == ()
    publisher.push(13)
    heard(tap, 7)
    assert [one.counter for one in tap.counts(changed_only=True).topics] == [13]


@pytest.mark.needs("ipv6")
def test_publishers_at_ipv6_addresses() -> None:
    """By the process that taps. No Tango server: those of the package index hang at such an address."""
    context, process = zmq.Context(), TapProcess()
    told = endpoints_of(([], ["Event: tcp://[::1]:1", "Heartbeat: tcp://[::1]:1"]))
    publisher = Publisher(context, "tcp://[::1]")
    assert publisher.endpoint.startswith("tcp://[::1]:")
    try:
        events, beats = (*told.events, publisher.endpoint), (*told.heartbeats, publisher.heartbeat)
        process.watch("p", events, beats, ("a/b/c/d",), ("[::1]:10000",))
        asked = {publisher.events.recv(), publisher.beats.recv()}
        assert asked == {b"\x01tango://[::1]:10000/a/b/c/d", b"\x01"}
        publisher.beats.send_multipart(BEAT)
        publisher.push(*range(1, 101), topic=TOPIC.replace(b"db:", b"[::1]:"))

        def all_heard() -> bool:
            counts, topics = process.heard("p")
            heard = sum(one.heard for one in topics.values())
            return counts is not None and bool(counts.heartbeats) and heard == 100

        wait_until(all_heard, "100 events and a heartbeat")
        counts, topics = process.heard("p")
        assert counts is not None
        assert (counts.endpoint, counts.connected) == (publisher.endpoint, True)
        (topic,) = topics.values()
        assert (topic.pushed, topic.lost_here, topic.lost_on_the_way) == (100, 0, 0)
    finally:
        process.close()
        context.destroy(linger=0)


def test_zeromq_sends_what_is_wanted_alone(publisher: Publisher, tapped: Callable[..., Tap]) -> None:
    tap = tapped(Topics(["a/b/c/d"]))
    publisher.beats.send_multipart(BEAT)
    wait_until(lambda: (tap.take(), tap.counts().heartbeats)[1], "the heartbeat that tells the host")
    assert publisher.events.recv() == b"\x01tango://db:10000/a/b/c/d"
    publisher.push(1, topic=b"tango://db:10000/a/b/c/other.idl5_change")
    publisher.push(1, topic=b"tango://db:10000/a/b/c/dd.idl5_change")
    publisher.push(1)
    heard(tap, 1)
    assert [one.topic for one in tap.counts().topics] == [TOPIC.decode()]


def test_what_is_lost_while_the_tap_is_behind_is_its_own_loss(
    publisher: Publisher, tapped: Callable[..., Tap], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stem_device.wire.tap.QUEUE_MESSAGES", 1_000)
    tap = tapped()
    assert publisher.events.recv() == b"\x01"
    publisher.push(1)
    heard(tap, 1)
    last = publisher.push_until_full(2)
    lost = range(last + 1, last + 5_001)
    publisher.push(*lost)  # drops them: there is room nowhere
    last = lost[-1]

    def one_more_arrives() -> bool:
        nonlocal last
        publisher.push(last := last + 1)
        tap.take()
        return tap.counts().topics[0].counter > lost[-1]

    wait_until(one_more_arrives, "the end of the queue")
    (topic,) = tap.counts().topics
    assert topic.pushed == topic.heard + topic.lost_here + topic.lost_on_the_way
    assert topic.lost_here >= len(lost)
    assert topic.lost_on_the_way == 0


@pytest.mark.parametrize(("seconds", "lost"), [(9.9, (4, 0)), (10.0, (0, 4))])
def test_a_gap_soon_after_a_full_queue_is_the_taps_own_loss(
    seconds: float, lost: tuple[int, int], tapped: Callable[..., Tap], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was dropped while the queue was full shows after all that waited in the kernel."""
    monkeypatch.setattr("stem_device.wire.tap.QUEUE_MESSAGES", 10)
    tap = tapped()
    now = time.monotonic_ns()
    monkeypatch.setattr("stem_device.wire.tap.time", SimpleNamespace(monotonic_ns=lambda: now))
    coming = iter([*map(event, range(1, 11)), None, event(15), None])
    events = tap.sockets[0]
    monkeypatch.setattr(tap, "_receive", lambda socket: next(coming) if socket is events else None)
    assert not tap.take()
    now += round(seconds * 1e9)
    assert not tap.take()
    (topic,) = tap.counts().topics
    assert (topic.lost_here, topic.lost_on_the_way) == lost


def test_the_queue_has_room_for_fewer_large_events(publisher: Publisher, tapped: Callable[..., Tap]) -> None:
    tap = tapped()
    assert tap.queue_messages == QUEUE_MESSAGES
    last = 0

    def fits(wanted: range, size: int) -> bool:
        nonlocal last
        publisher.push(last := last + 1, size=size)
        tap.take()
        return tap.queue_messages in wanted

    wait_until(lambda: fits(range(50, 80), 1_000_000), "a short queue", interval_seconds=0.001)
    assert tap.counts().connections <= 2
    wait_until(lambda: fits(range(500, 1_000), 100_000), "a longer queue", interval_seconds=0.001)
    wait_until(lambda: fits(range(0), 100) or tap.counts().connections == 3, "all connections")
    heard(tap, 80)
    (topic,) = tap.counts().topics
    assert topic.pushed == topic.heard + topic.lost_here, "what it lost by its new sockets is its own loss"


def test_names_are_followed_up_to_a_limit(
    publisher: Publisher, tapped: Callable[..., Tap], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stem_device.wire.tap.MAX_TOPICS", 3)
    tap = tapped()
    assert publisher.events.recv() == b"\x01"
    for name in range(5):
        publisher.push(1, topic=b"tango://db:10000/a/b/c/%d.idl5_change" % name)
    heard(tap, 5)
    assert (len(tap.counts().topics), tap.counts().others) == (3, 2)

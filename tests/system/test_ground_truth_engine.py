"""Ground truth through the whole engine: targets, poller, ledger and monitor thread as in the device."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.model.options import Options
from stem_device.model.snapshot import Snapshot
from stem_device.monitor import Monitor
from tests.system.harness import ServerFactory, flood
from tests.system.harness.relay import SERVER


@contextmanager
def monitor(*targets: str, poll_period: float = 0.1) -> Iterator[Monitor]:
    engine = Monitor(Options(target_devices=targets, poll_period=poll_period))
    engine.start()
    try:
        # The first polls do not wait for the database on a busy machine.
        wait_until(lambda: engine.poll_now().servers, "the targets to be found")
        yield engine
    finally:
        engine.stop()


def test_overflow_seen_by_the_running_monitor(servers: ServerFactory) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    with monitor(publisher.publisher.device, subscriber.name) as engine:
        pushed, truth = flood(publisher, subscriber, index)
        engine.poll_now()
        snapshot = engine.poll_now()
        assert truth.last_number is not None
        assert snapshot.counts.overdue == pushed - truth.last_number > 0
        assert snapshot.counts.missed == truth.missing

        publisher.publisher.push()
        truth = subscriber.subscriber.wait_number(pushed + 1, index)
        engine.poll_now()
        snapshot = engine.poll_now()
        counts = snapshot.counts
        assert (counts.published, counts.received) == (pushed + 1, truth.events)
        assert counts.missed == truth.missing > 0
        assert counts.gaps == truth.gaps
        assert (counts.overdue, counts.resets) == (0, 0)
        assert engine.health.thread_restarts == 0


def test_stream_that_nobody_renews(servers: ServerFactory, database: EmbeddedDatabase) -> None:
    """A real stream freezes ten minutes after the last subscription to it: its numbers, played by a relay.

    Measured on cppTango 10.3.3: the counter stands still while the device goes on to push; it is not taken
    from the list, and goes on from there for the next subscriber.
    """
    play = _relay(servers, database, "freezes")
    play(stream=6, callback=(5, 5, 0))
    with monitor(play.device) as engine:
        play(stream=126)
        engine.poll_now()
        snapshot = engine.poll_now()
        assert (snapshot.counts.published, snapshot.counts.overdue) == (120, 0)
        play(stream=126, callback=(0, 0, 0))
        engine.poll_now()
        play(stream=129, callback=(128, 3, 0))
        engine.poll_now()
        counts = engine.poll_now().counts
        assert (counts.published, counts.received) == (123, 3)
        assert (counts.missed, counts.gaps, counts.overdue) == (0, 0, 0)


def test_stream_that_vanishes_and_returns(servers: ServerFactory, database: EmbeddedDatabase) -> None:
    """Where a stream is taken from the list it begins again from scratch, and so does its account."""
    play = _relay(servers, database, "vanishes")
    play(stream=6, callback=(5, 5, 0))
    with monitor(play.device) as engine:
        play(stream=11)
        engine.poll_now()
        play()
        snapshot = engine.poll_now()
        assert snapshot.servers[0].streams == ()
        assert snapshot.counts.published == 5
        play(stream=1, callback=(0, 0, 0))
        engine.poll_now()
        play(stream=21, callback=(20, 14, 1))
        engine.poll_now()
        snapshot = engine.poll_now()
        counts = snapshot.counts
        assert (counts.published, counts.received) == (25, 14)
        # A gap is certain; the other five may have gone nowhere while the subscription was connecting.
        assert (counts.missed, counts.unaccounted, counts.gaps, counts.overdue) == (1, 5, 1, 0)
        (stream,) = snapshot.servers[0].streams
        assert (stream.pushed, stream.published_total, stream.resets_total) == (20, 25, 1)


def test_monitor_joins_a_server_that_comes_later(servers: ServerFactory) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    subscriber.stop()
    with monitor(publisher.name, subscriber.name) as engine:
        publisher.publisher.push(steps=10)
        subscriber.start()
        subscriber.subscriber.subscribe(publisher.publisher)
        publisher.publisher.push(steps=30)
        truth = subscriber.subscriber.wait_number(40)

        def seen() -> Snapshot | None:
            snapshot = engine.poll_now()
            return snapshot if all(server.age_seconds == 0 for server in snapshot.servers) else None

        wait_until(seen, "both servers", limit_seconds=20)
        counts = engine.poll_now().counts
        # What the subscriber had received when it was first seen is its baseline: 0 to 30 of these.
        assert truth.events == 30
        assert counts.received <= truth.events
        assert (counts.missed, counts.overdue) == (0, 0)


class _Play:
    """Sets what a relay answers; ``callback`` is (server counter, events received, gaps noticed)."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._proxy = tango.DeviceProxy(device)

    def __call__(self, *, stream: int | None = None, callback: tuple[int, int, int] | None = None) -> None:
        publisher = "tango://somewhere:10000/dserver/some/1"
        name = "tango://somewhere:10000/some/device/1/attr"
        reply: dict[str, Mapping[str, object] | int | None] = {"version": 1}
        counters = {} if stream is None else {f"{name}.change": stream}
        reply["server"] = {"event_counters": counters, "perf": None}
        callbacks = {}
        if callback is not None:
            callbacks[f"{name}.idl5_change"] = {
                "channel_name": publisher,
                "callback_count": 1,
                "server_counter": callback[0],
                "event_count": callback[1],
                "missed_event_count": callback[2],
                "discarded_event_count": 0,
                "last_resubscribed": None,
            }
        reply["client"] = {
            "event_callbacks": callbacks,
            "not_connected": [],
            "event_channels": {publisher: {"endpoint": "tcp://somewhere:1"}} if callbacks else {},
            "perf": None,
        }
        self._proxy.SetReply(json.dumps(reply))


def _relay(servers: ServerFactory, database: EmbeddedDatabase, instance: str) -> _Play:
    device = f"test/relay/{instance}"
    servers.start(
        "tests.system.harness.relay", instance, register=(f"{SERVER}/{instance}", [("Relay", device)])
    )
    return _Play(f"tango://{database.tango_host}/{device}")

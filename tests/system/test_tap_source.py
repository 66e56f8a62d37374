"""Servers of old Tango versions that are tapped: counted through to the Snapshot, against ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.analysis.verdict import Level, Why
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.model.options import Options
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import ServerRecord, Snapshot
from stem_device.monitor import Monitor
from tests.system.harness import ServerFactory, settle
from tests.system.tapping import NEWEST, OLD, TappedPublisher, publisher

BURST = 30_000


@contextmanager
def monitored(*targets: str, tap: str = "unsupported", **options: object) -> Iterator[Monitor]:
    settings = {"poll_period": 3600.0, "tap_publishers": tap, **options}
    engine = Monitor(Options(target_devices=targets, **settings))  # type: ignore[arg-type]
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


def server_of(snapshot: Snapshot, name: str) -> ServerRecord:
    return next(server for server in snapshot.servers if server.name == name)


def wait_tapped(engine: Monitor, source: TappedPublisher) -> ServerRecord:
    def tapped() -> ServerRecord | None:
        server = server_of(engine.poll_now(), source.server)
        return server if server.state is ServerState.TAPPED else None

    return wait_until(tapped, f"{source.server} to be tapped", interval_seconds=0.1)


def when_heard(engine: Monitor, source: TappedPublisher, number: int) -> Snapshot | None:
    """A Snapshot, if the tap has heard of the push with this number by now."""
    snapshot = engine.poll_now()
    streams = server_of(snapshot, source.server).streams
    return snapshot if any(one.pushed >= number for one in streams) else None


def pushed(engine: Monitor, source: TappedPublisher, number: int) -> Snapshot:
    """The Snapshot once the tap has heard of the push with this number."""
    return wait_until(partial(when_heard, engine, source, number), f"push {number}", interval_seconds=0.1)


@pytest.mark.parametrize(
    "version", [OLD, pytest.param("10.0", marks=[pytest.mark.needs("tango-10.0"), pytest.mark.matrix])]
)
def test_missed_and_overdue_of_a_publisher_that_cannot_be_asked(
    version: str, database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    """A subscriber of today overflows; how many it missed and how many it waits for is exact."""
    subscriber = servers()
    with publisher(version, database, tmp_path) as source:
        index = subscriber.subscriber.subscribe(source.device)
        with monitored(source.server, subscriber.name) as engine:
            record = wait_tapped(engine, source)
            assert record.streams == (), "what was not heard of is unknown, and no stream with 0"
            assert engine.poll_now().counts.overdue_unknown == 1
            source.push(10)
            subscriber.subscriber.wait_number(10, index)
            snapshot = pushed(engine, source, 10)
            assert snapshot.counts.published == 10
            assert snapshot.counts.received == 10

            subscriber.subscriber.set_delay(index, 0.01)
            source.push(BURST)
            engine.poll_now()
            snapshot = source.push_until_heard(partial(when_heard, engine, source))
            assert snapshot.counts.published == source.pushed["number"] > BURST + 10
            engine.poll_now()
            subscriber.subscriber.set_delay(index, 0)
            settle(subscriber)
            truth = subscriber.subscriber.truth(index)
            assert truth.last_number is not None

            def told() -> Snapshot | None:
                snapshot = engine.poll_now()
                lost_at_the_end = source.pushed["number"] - (truth.last_number or 0)
                return snapshot if snapshot.counts.overdue == lost_at_the_end else None

            snapshot = wait_until(told, "all that waits to be overdue", interval_seconds=0.25)
            assert snapshot.counts.missed == truth.missing
            assert snapshot.counts.received == truth.events

            source.push(1)
            number = source.pushed["number"]
            truth = subscriber.subscriber.wait_number(number, index)
            pushed(engine, source, number)
            snapshot = wait_until(
                lambda: found if (found := engine.poll_now()).counts.overdue == 0 else None,
                "nothing to wait",
                interval_seconds=0.25,
            )
            counts = snapshot.counts
            assert truth.missing > 0, "the burst must overflow the queues"
            assert counts.missed == truth.missing
            assert counts.received + counts.missed == counts.published == number
            assert (counts.books_unbalanced, counts.unaccounted) == (0, 0)
            (row,) = server_of(snapshot, subscriber.name).subscriptions
            assert not row.missed_at_least

            def all_accounted_for() -> bool:
                figures = server_of(engine.poll_now(), source.server).tap
                assert figures is not None
                assert figures.size > 100 * figures.heard
                return figures.pushed == figures.heard + figures.lost_here + figures.lost_on_the_way == number

            wait_until(all_accounted_for, "the tap to know what became of each", interval_seconds=0.1)


@pytest.mark.matrix
@pytest.mark.needs("tango-9.5")
def test_a_publisher_that_is_restarted_begins_anew(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    subscriber = servers()
    with publisher("9.5", database, tmp_path) as source:
        index = subscriber.subscriber.subscribe(source.device)
        with monitored(source.server, subscriber.name, resolve_period=0.2) as engine:
            wait_tapped(engine, source)
            source.push(7)
            subscriber.subscriber.wait_number(7, index)
            assert pushed(engine, source, 7).counts.published == 7
            source.process.stop()
            wait_until(
                lambda: server_of(engine.poll_now(), source.server).state is not ServerState.TAPPED,
                "its end to be seen",
                interval_seconds=0.1,
            )
            source.process.start()
            subscriber.subscriber.wait_synchronous(2, index)
            wait_tapped(engine, source)
            source.push(3)
            subscriber.subscriber.wait_number(3, index)
            snapshot = pushed(engine, source, 3)
            assert snapshot.counts.published == 10
            assert (snapshot.counts.missed, snapshot.counts.unaccounted) == (0, 0)
            assert server_of(snapshot, source.server).identity.life == 2


@pytest.mark.needs("tango-9.5")
def test_who_is_tapped_and_what_that_covers(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    """A followed publisher is covered by its tap; of a target, what it subscribed to is not known."""
    subscriber = servers()
    with publisher("9.5", database, tmp_path) as source:
        index = subscriber.subscriber.subscribe(source.device)
        with monitored(subscriber.name, source.server, tap="never") as engine:
            assert server_of(engine.poll_now(), source.server).state is ServerState.UNSUPPORTED
        with monitored(subscriber.name, tap_topics=("test/tapped/*",)) as engine:
            wait_until(lambda: len(engine.poll_now().servers) == 2, "the publisher", interval_seconds=0.1)
            assert wait_tapped(engine, source).followed
            source.push(4)
            subscriber.subscriber.wait_number(4, index)
            snapshot = pushed(engine, source, 4)
            running = Running(Patience(1, 1))
            running.take(snapshot)
            verdict = running.take(engine.poll_now())
            assert not {one.server for one in verdict.uncovered} & {source.server}
            assert snapshot.counts.overdue_unknown == 0
            (child,) = (
                one for one in psutil.Process().children() if "stem_device.wire" in " ".join(one.cmdline())
            )
            child.kill()
            wait_until(
                lambda: server_of(engine.poll_now(), source.server).state is ServerState.UNSUPPORTED,
                "the end of the tap to be told",
                interval_seconds=0.1,
            )
            assert any("ended with code -9" in problem for problem in engine.poll_now().problems)
            wait_tapped(engine, source)
            source.push(1)
            assert pushed(engine, source, 5).counts.missed == 0
        assert not psutil.pid_exists(child.pid)
        with monitored(source.server) as engine:
            wait_tapped(engine, source)
            running = Running(Patience(1, 1))
            verdict = running.take(engine.poll_now())
            assert verdict.level is Level.UNKNOWN
            assert Why.NOT_ASKED in {one.why for one in verdict.uncovered}


@pytest.mark.matrix
def test_all_are_tapped_where_that_is_wanted(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    """One that can be asked stays monitored, by its answers, with what was heard beside."""
    subscriber = servers()
    with publisher(NEWEST, database, tmp_path) as source:
        index = subscriber.subscriber.subscribe(source.device)
        with monitored(source.server, subscriber.name, tap="all") as engine:

            def connected() -> bool:
                told = server_of(engine.poll_now(), source.server).tap
                return told is not None and told.connected

            wait_until(connected, "the tap", interval_seconds=0.1)
            source.push(6)
            subscriber.subscriber.wait_number(6, index)

            def all_heard() -> ServerRecord | None:
                server = server_of(engine.poll_now(), source.server)
                return server if server.tap is not None and server.tap.heard == 6 else None

            server = wait_until(all_heard, "six events", interval_seconds=0.1)
            assert server.state is ServerState.MONITORED
            assert server.counts.published == 6

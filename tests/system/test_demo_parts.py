"""The parts of the demo one by one, as compose.yaml starts them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.parts import SERVED
from stem_device.demo.processes import READY_LINE, ChildProcess, ProcessError, wait_until
from stem_device.demo.system import MONITOR, PUBLISHER, QUICK, SLOW
from tests.system.harness import Publisher, ServerFactory, Subscriber

PARTS = "stem_device.demo.parts"
CALM = "All is well"


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[EmbeddedDatabase]:
    """A database in which nothing is registered."""
    with EmbeddedDatabase(tmp_path) as database:
        yield database


@pytest.fixture
def own_servers(own_database: EmbeddedDatabase, tmp_path: Path) -> Iterator[ServerFactory]:
    factory = ServerFactory(own_database, tmp_path)
    try:
        yield factory
    finally:
        factory.stop()


def director(database: EmbeddedDatabase, directory: Path) -> ChildProcess:
    return ChildProcess(
        [sys.executable, "-m", PARTS, "director"],
        log=directory / "director.log",
        environment={**os.environ, "TANGO_HOST": database.tango_host},
    )


def _more_than(subscriber: Subscriber, events: int) -> bool:
    return subscriber.truth().events > events


def test_parts_find_each_other_and_the_next_director_goes_on(
    own_database: EmbeddedDatabase, own_servers: ServerFactory, tmp_path: Path
) -> None:
    prefix = f"tango://{own_database.tango_host}"
    with director(own_database, tmp_path) as play:
        servers = [own_servers.start(PARTS, part) for part in SERVED]
        own_servers.start("stem_device.device", "1", register=("EventMonitor/1", [("EventMonitor", MONITOR)]))
        play.wait_ready(lambda: CALM in play.output(), limit_seconds=30)
    with director(own_database, tmp_path) as play:
        play.wait_ready(lambda: CALM in play.output(), limit_seconds=30)
        subscribers = [Subscriber(f"{prefix}/{name}") for name in (QUICK, SLOW)]
        before = [subscriber.truth().events for subscriber in subscribers]
        for subscriber, events in zip(subscribers, before, strict=True):
            wait_until(partial(_more_than, subscriber, events), "an event of the new play")
            assert len(subscriber.truths()) == 1
        assert set(Publisher(f"{prefix}/{PUBLISHER}").pushed()) == {"waveform.change"}
        servers[0].kill()
        assert play.wait(60) == 1
        assert PUBLISHER in play.output()


def test_a_server_that_runs_stays_exported_when_its_part_is_asked_for_again(
    own_database: EmbeddedDatabase, own_servers: ServerFactory
) -> None:
    own_servers.start(PARTS, "publisher")
    with pytest.raises(ProcessError, match=r"ended with exit code|not ready"):
        own_servers.start(PARTS, "publisher")
    assert tango.DeviceProxy(f"tango://{own_database.tango_host}/{PUBLISHER}").ping() > 0


def test_an_unknown_part_is_told(tmp_path: Path) -> None:
    process = ChildProcess([sys.executable, "-m", PARTS, "weather"], log=tmp_path / "log")
    process.start()
    assert process.wait(30) == 1
    assert process.output().strip() == "give one of publisher, quick, slow, director, not 'weather'"
    assert READY_LINE not in process.output()

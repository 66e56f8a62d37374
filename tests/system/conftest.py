"""Databases and servers on loopback, for every system test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.polling import Poller
from tests.system.harness import MakePoller, ServerFactory


@pytest.fixture(scope="session", autouse=True)
def tango_client() -> None:
    """Begin with Tango on the main thread: a first proxy elsewhere can crash at the first event."""
    tango.ApiUtil.instance()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    """One database for the whole session. Do not stop it: see ``private_database``."""
    with EmbeddedDatabase(tmp_path_factory.mktemp("database")) as database:
        yield database


@pytest.fixture
def private_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    """A database of one's own, in a file, to stop and start again."""
    directory = tmp_path_factory.mktemp("private")
    with EmbeddedDatabase(directory, file=directory / "tango.sqlite") as database:
        yield database


@pytest.fixture
def deaf() -> Iterator[list[str]]:
    """Addresses of 40 databases that accept connections and never say a word."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(40)]
    yield [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()


@pytest.fixture
def servers(database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerFactory]:
    """``servers()`` starts one, ``servers.start(module, instance, ...)`` any other; for one test."""
    factory = ServerFactory(database, tmp_path_factory.mktemp("servers"))
    try:
        yield factory
    finally:
        factory.stop()


@pytest.fixture
def poller() -> Iterator[MakePoller]:
    """Make a Poller for targets; closed after the test."""
    made: list[Poller] = []

    def make(*targets: str, **options: float) -> Poller:
        settings: dict[str, Any] = {"poll_period": 1.0, "resolve_period": 0.2, **options}
        made.append(Poller(Options(target_devices=targets, **settings), clock=SystemClock()))
        return made[-1]

    yield make
    for poller in made:
        poller.close()


@pytest.fixture(scope="module")
def module_servers(
    database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerFactory]:
    """As ``servers``, stopped after the module."""
    factory = ServerFactory(database, tmp_path_factory.mktemp("servers"))
    try:
        yield factory
    finally:
        factory.stop()

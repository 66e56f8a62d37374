"""Whose answer it is: restarts that must be seen, and events in a server's life that are none."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.devices import SERVER
from stem_device.demo.processes import READY_LINE, ChildProcess, wait_until
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import Answer, Failure, ServerState
from stem_device.polling import Poller
from tests.system.harness import freeze

pytestmark = pytest.mark.extras

KINDS = ("free port", "fixed port", "no database")


class Watched:
    """One demo server and a Poller for it."""

    def __init__(self, kind: str, database: EmbeddedDatabase, directory: Path) -> None:
        self.kind = kind
        self.instance = f"id{os.getpid()}x{time.monotonic_ns()}"
        self.port = 0 if kind == "free port" else _free_port()
        device = f"test/publisher/{self.instance}"
        database.add_server(f"{SERVER}/{self.instance}", [("Publisher", device)])
        arguments = [sys.executable, "-m", "stem_device.demo.devices", self.instance]
        prefix, suffix = f"tango://{database.tango_host}", ""
        if kind == "no database":
            arguments += ["-nodb", "-dlist", f"Publisher::{device}"]
            prefix, suffix = f"tango://127.0.0.1:{self.port}", "#dbase=no"
        self.process = ChildProcess(
            [*arguments, "-ORBendPoint", f"giop:tcp:127.0.0.1:{self.port}"],
            log=directory / f"{self.instance}.log",
            environment={**os.environ, "TANGO_HOST": database.tango_host},
            ready_line=READY_LINE,
        )
        self.name = f"{prefix}/dserver/{SERVER.lower()}/{self.instance}{suffix}"
        self.device = f"{prefix}/{device}{suffix}"
        options = Options(target_devices=(self.name,), poll_period=5.0, resolve_period=0.2)
        self.process.start()
        self.poller = Poller(options, clock=SystemClock())

    def close(self) -> None:
        self.poller.close()
        self.process.signal(signal.SIGCONT)
        self.process.stop()

    def poll(self) -> Answer:
        (answer,) = self.poller.poll().answers
        return answer

    def monitored(self, limit_seconds: float = 30.0) -> Answer:
        """Poll until it is monitored again."""
        answers: list[Answer] = []

        def reached() -> bool:
            answers.append(self.poll())
            return answers[-1].state is ServerState.MONITORED

        wait_until(reached, f"{self.name} to be monitored", limit_seconds=limit_seconds)
        return answers[-1]

    def admin(self) -> tango.DeviceProxy:
        return tango.DeviceProxy(self.name)


@pytest.fixture
def watch(database: EmbeddedDatabase, tmp_path: Path) -> Iterator[Callable[[str], Watched]]:
    made: list[Watched] = []

    def make(kind: str) -> Watched:
        made.append(Watched(kind, database, tmp_path))
        return made[-1]

    yield make
    for watched in made:
        watched.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["TERM", "KILL"])
def test_a_restart_within_a_poll_interval_is_a_new_life(
    watch: Callable[[str], Watched], kind: str, how: str
) -> None:
    server = watch(kind)
    first = server.monitored()
    assert first.identity.life == 1
    assert first.identity.since_utc_ns > 0
    assert (first.identity.pid is None) == (kind == "no database")
    for life in (2, 3):
        _end(server.process, how)
        server.process.start()
        answer = server.poll()
        assert answer.state is ServerState.MONITORED, answer.reason
        assert answer.identity.life == life
        assert not answer.ended
        if kind != "no database":
            assert answer.identity.pid == _tango_pid(server.process)
            assert answer.identity.started
        assert server.poll().identity == answer.identity


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["TERM", "KILL"])
def test_a_restart_across_polls_ends_one_life_and_begins_another(
    watch: Callable[[str], Watched], kind: str, how: str
) -> None:
    server = watch(kind)
    before = server.monitored()
    _end(server.process, how)
    first = server.poll()
    exported = kind != "no database"
    if exported and how == "TERM":
        assert (first.state, first.failure) == (ServerState.NOT_EXPORTED, Failure.NOT_EXPORTED)
        assert first.ended
    else:
        assert (first.state, first.failure) == (ServerState.UNREACHABLE, Failure.REFUSED)
        assert not first.ended  # it may be coming back this moment
    second = server.poll()
    assert second.ended
    assert second.identity == before.identity
    assert second.since_utc_ns == first.since_utc_ns
    server.process.start()
    back = server.monitored()
    assert back.identity.life == 2
    assert not back.ended


@pytest.mark.parametrize("kind", KINDS)
def test_what_happens_within_a_life_is_no_new_one(watch: Callable[[str], Watched], kind: str) -> None:
    server = watch(kind)
    identity = server.monitored().identity
    server.admin().command_inout("RestartServer")
    assert server.monitored().identity == identity
    wait_until(lambda: _restarted(server), "the device to be restarted", limit_seconds=80)
    assert server.monitored().identity == identity
    wait_until(lambda: _initialised(server), "the device to be initialised")
    assert server.monitored().identity == identity
    freeze(server.process.pid)
    for _ in range(2):
        silent = server.poll()
        assert (silent.state, silent.failure) == (ServerState.UNREACHABLE, Failure.SILENT)
        assert not silent.ended
    server.process.signal(signal.SIGCONT)
    assert server.monitored().identity == identity


@pytest.mark.parametrize("kind", KINDS)
def test_devices_restarted_while_it_is_asked_are_no_new_life(
    watch: Callable[[str], Watched], kind: str
) -> None:
    """Meanwhile the process turns calls away, now and then: polled often enough for some to be."""
    server = watch(kind)
    identity = server.monitored().identity
    turned_away: list[str] = []

    def met() -> bool:
        server.admin().command_inout("RestartServer")
        for _ in range(200):
            answer = server.poll()
            assert answer.identity == identity
            assert not answer.ended
            if answer.state is not ServerState.MONITORED:
                assert answer.failure is Failure.SILENT
                turned_away.append(answer.reason)
        return len(turned_away) >= 2

    wait_until(met, "calls to be turned away", limit_seconds=60.0)
    assert {"takes no calls at this moment" in reason for reason in turned_away} == {True}
    assert server.monitored().identity == identity


@pytest.mark.parametrize("kind", ["free port", "fixed port"])
def test_a_connection_that_is_cut_is_no_new_life(watch: Callable[[str], Watched], kind: str) -> None:
    server = watch(kind)
    identity = server.monitored().identity
    assert _cut_connections(_tango_pid(server.process)) > 0
    answer = server.poll()
    assert answer.state is ServerState.MONITORED, answer.reason
    assert answer.identity == identity


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_hung_and_was_replaced_between_two_polls_is_another(
    watch: Callable[[str], Watched], kind: str
) -> None:
    """After a call that timed out Tango connects again by itself, to whatever process is there."""
    server = watch(kind)
    server.monitored()
    freeze(server.process.pid)
    assert server.poll().failure is Failure.SILENT
    server.process.kill()
    server.process.start()
    answer = server.monitored()
    assert answer.identity.life == 2


def test_endpoints_are_told_once_a_life_as_soon_as_it_publishes(watch: Callable[[str], Watched]) -> None:
    server = watch("free port")
    assert server.monitored().event_endpoints == ()
    _subscribe(server)
    wait_until(lambda: server.poll().event_endpoints, "the endpoints to be told")
    first = server.poll()
    assert first.event_endpoints[0].startswith("tcp://127.0.0.1:")
    assert first.heartbeat_endpoints[0].startswith("tcp://127.0.0.1:")
    server.process.kill()
    server.process.start()
    assert server.monitored().event_endpoints == ()
    _subscribe(server)
    wait_until(lambda: server.poll().event_endpoints, "the endpoints of the new life")
    assert server.poll().event_endpoints != first.event_endpoints


def _subscribe(server: Watched) -> None:
    """Be subscribed at the publisher, as a client does it that then waits for events."""
    server.admin().command_inout(
        "ZmqEventSubscriptionChange",
        [f"test/publisher/{server.instance}", "number", "subscribe", "change", "5"],
    )


def _initialised(server: Watched) -> bool:
    """Whether Init could be called: the process may still turn calls away."""
    try:
        tango.DeviceProxy(server.device).command_inout("Init")
    except tango.DevFailed:
        return False
    return True


def _restarted(server: Watched) -> bool:
    """Whether DevRestart could be called: RestartServer goes on after it has returned."""
    try:
        server.admin().command_inout("DevRestart", f"test/publisher/{server.instance}")
    except tango.DevFailed:
        return False
    return True


def _end(process: ChildProcess, how: str) -> None:
    if how == "TERM":
        process.stop()
    else:
        process.kill()


def _tango_pid(process: ChildProcess) -> int:
    return process.pid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cut_connections(pid: int) -> int:
    """Shut down every connection of ours with this process; how many there were.

    On one machine omniORB prefers sockets of the file system, whose names hold the process id.
    """
    ports = {c.laddr.port for c in psutil.Process(pid).net_connections("tcp")}
    cut = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError), _borrowed(int(descriptor.name)) as ours:
            peer = ours.getpeername()
            if f"{pid:09d}-" in peer if isinstance(peer, str) else peer[1] in ports:
                ours.shutdown(socket.SHUT_RDWR)
                cut += 1
    return cut


@contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    """A socket of another library, which keeps it."""
    ours = socket.socket(fileno=os.dup(descriptor))
    try:
        yield ours
    finally:
        ours.close()

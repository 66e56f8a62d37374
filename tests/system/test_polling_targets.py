"""How real targets are found, and in which state they are."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.devices import SERVER
from stem_device.demo.processes import READY_LINE, ChildProcess, wait_until
from stem_device.model.poll import Answer, Poll, ServerState
from stem_device.polling import Poller
from tests.system.harness import MakePoller, Server, ServerFactory, freeze

pytestmark = pytest.mark.extras


def state_of(poll: Poll, server: str) -> ServerState | None:
    return next((answer.state for answer in poll.answers if answer.server == server), None)


def wait_state(poller: Poller, server: str, state: ServerState | None) -> Poll:
    """Poll until a server is in a state; None for not listed."""
    polls: list[Poll] = []

    def reached() -> bool:
        polls.append(poller.poll())
        return state_of(polls[-1], server) is state

    wait_until(reached, f"{server} to be {state}", limit_seconds=40.0)
    return polls[-1]


def only(poll: Poll) -> Answer:
    (answer,) = poll.answers
    return answer


def test_a_wildcard_finds_servers_and_lets_new_ones_join_and_old_ones_leave(
    poller: MakePoller, private_database: EmbeddedDatabase, tmp_path: Path
) -> None:
    factory = ServerFactory(private_database, tmp_path)
    try:
        first = factory()
        asker = poller(f"tango://{private_database.tango_host}/test/*/*")
        assert only(asker.poll()).server == first.name
        second = factory()
        poll = wait_state(asker, second.name, ServerState.MONITORED)
        assert {answer.server for answer in poll.answers} == {first.name, second.name}
        second.process.stop()
        wait_state(asker, second.name, ServerState.NOT_EXPORTED)
        private_database.connection().delete_server(f"{SERVER}/{second.instance}")
        wait_state(asker, second.name, None)
        assert only(asker.poll()).server == first.name
    finally:
        factory.stop()


def test_all_names_of_one_server_are_one_target(
    poller: MakePoller, servers: ServerFactory, database: EmbeddedDatabase
) -> None:
    server = servers()
    port = database.tango_host.rpartition(":")[2]
    poll = poller(
        server.name,
        server.publisher.device.upper().replace("TANGO://", "tango://"),
        server.subscriber.device,
        f"tango://localhost:{port}/test/publisher/{server.instance}",
        f"tango://localhost:{port}/dserver/{SERVER}/{server.instance}",
    ).poll()
    answer = only(poll)
    assert answer.server == server.name
    assert answer.state is ServerState.MONITORED
    assert answer.tango_version.startswith("10.")
    assert poll.problems == ()


def test_states_change_by_themselves(poller: MakePoller, servers: ServerFactory) -> None:
    server = servers()
    asker = poller(server.name)
    wait_state(asker, server.name, ServerState.MONITORED)
    server.process.kill()
    dead = only(wait_state(asker, server.name, ServerState.UNREACHABLE))
    assert "killed" in dead.reason
    assert only(asker.poll()).since_utc_ns == dead.since_utc_ns
    server.process.start()
    wait_state(asker, server.name, ServerState.MONITORED)
    server.process.stop()
    stopped = only(wait_state(asker, server.name, ServerState.NOT_EXPORTED))
    assert "start the server" in stopped.reason
    assert stopped.since_utc_ns > dead.since_utc_ns
    server.process.start()
    wait_state(asker, server.name, ServerState.MONITORED)


def test_a_server_that_never_ran_is_not_exported_from_the_first_poll(
    poller: MakePoller, database: EmbeddedDatabase
) -> None:
    database.add_server("Sleeping/1", [("Sleeper", "polling/sleeper/1")])
    poll = poller(f"tango://{database.tango_host}/polling/sleeper/1").poll()
    assert only(poll).state is ServerState.NOT_EXPORTED


def test_what_cannot_be_found_is_told(poller: MakePoller, database: EmbeddedDatabase) -> None:
    prefix = f"tango://{database.tango_host}"
    poll = poller(
        f"{prefix}/no/such/device", f"{prefix}/no/such/*", "tango://127.0.0.1:1/a/b/c", "x/y"
    ).poll()
    assert poll.answers == ()
    for words in ("knows no such device", "matches", "does not answer", "x/y: "):
        assert any(words in problem for problem in poll.problems)


def test_relays_are_targets_of_their_own_and_a_huge_reply_harms_nobody(
    poller: MakePoller, servers: ServerFactory, database: EmbeddedDatabase
) -> None:
    server = servers()
    devices = [("Relay", "polling/relay/1"), ("Relay", "polling/relay/2")]
    servers.start("tests.system.polling_devices", "r", register=("polling_devices/r", devices))
    prefix = f"tango://{database.tango_host}"
    relays = [f"{prefix}/{name}" for _, name in devices]
    asker = poller(f"{prefix}/polling/relay/*", server.name)
    poll = asker.poll()
    assert {answer.server for answer in poll.answers} == {*relays, server.name}
    assert {answer.state for answer in poll.answers} == {ServerState.MONITORED}
    asker.set_sampling(True)
    wait_until(lambda: any("polling/relay/1" in text for text in asker.poll().problems), "a problem told")
    tango.DeviceProxy(relays[0]).Grow(50_000_000)
    poll = wait_state(asker, relays[0], ServerState.FAILING)
    failing = next(answer for answer in poll.answers if answer.server == relays[0])
    assert "50000000 characters" in failing.reason
    assert sum(len(text) for text in failing.texts) <= 65_536
    assert state_of(poll, relays[1]) is ServerState.MONITORED
    assert state_of(poll, server.name) is ServerState.MONITORED
    tango.DeviceProxy(relays[0]).Grow(0)
    wait_state(asker, relays[0], ServerState.MONITORED)


def test_a_server_may_poll_itself(servers: ServerFactory, database: EmbeddedDatabase) -> None:
    servers.start(
        "tests.system.polling_devices",
        "i",
        register=("polling_devices/i", [("Introvert", "polling/introvert/1")]),
    )
    proxy = tango.DeviceProxy(f"tango://{database.tango_host}/polling/introvert/1")
    proxy.set_timeout_millis(20_000)
    name = f"tango://{database.tango_host}/dserver/polling_devices/i"
    assert list(proxy.PollMyself()) == [f"{name} monitored "] * 3


def test_without_a_database(poller: MakePoller, tmp_path: Path) -> None:
    port = _free_port()
    endpoint = ["-ORBendPoint", f"giop:tcp:127.0.0.1:{port}"]
    process = ChildProcess(
        [
            sys.executable,
            "-m",
            "tests.system.polling_devices",
            "n",
            "-nodb",
            "-dlist",
            "Relay::a/b/c,Introvert::a/b/i",
            *endpoint,
        ],
        log=tmp_path / "nodb.log",
        ready_line=READY_LINE,
    )
    admin = f"tango://localhost:{port}/dserver/polling_devices/n#dbase=no"
    with process:
        asker = poller(
            f"tango://localhost:{port}/a/b/i#dbase=no",
            f"tango://127.0.0.1:{port}/dserver/polling_devices/n#dbase=no",
            f"tango://localhost:{port}/a/b/c#dbase=no",
        )
        poll = asker.poll()
        assert [answer.server for answer in poll.answers] == [
            admin,
            f"tango://localhost:{port}/a/b/c#dbase=no",
        ]
        assert {answer.state for answer in poll.answers} == {ServerState.MONITORED}
        process.kill()
        poll = wait_state(asker, admin, ServerState.UNREACHABLE)
        assert "nothing answers at this address" in poll.answers[0].reason


def test_a_database_that_is_down_at_start_and_later(
    poller: MakePoller, private_database: EmbeddedDatabase, tmp_path: Path
) -> None:
    factory = ServerFactory(private_database, tmp_path)
    try:
        server = factory()
        private_database.stop()
        asker = poller(server.publisher.device)
        poll = asker.poll()
        assert poll.answers == ()
        assert any("does not answer" in problem for problem in poll.problems)
        private_database.start()
        wait_state(asker, server.name, ServerState.MONITORED)
        private_database.kill()
        wait_until(lambda: asker.poll().problems, "the problem to be told")
        assert only(asker.poll()).state is ServerState.MONITORED
        private_database.start()
        wait_until(lambda: not asker.poll().problems, "the problem to be gone")
    finally:
        factory.stop()


def test_a_database_that_hangs_delays_no_poll(
    poller: MakePoller, private_database: EmbeddedDatabase, tmp_path: Path
) -> None:
    factory = ServerFactory(private_database, tmp_path)
    try:
        server = factory()
        asker = poller(server.name)
        wait_state(asker, server.name, ServerState.MONITORED)
        freeze(private_database.pid)
        try:
            polls = [asker.poll() for _ in range(20)]
            asker.set_targets((server.name, server.publisher.device))
            late = asker.poll()
            polls += [asker.poll() for _ in range(20)]
        finally:
            os.kill(private_database.pid, signal.SIGCONT)
        assert {only(poll).state for poll in [*polls, late]} == {ServerState.MONITORED}
        assert sorted(poll.duration_seconds for poll in polls)[len(polls) // 2] < 0.1
        assert any("still being looked up" in problem for problem in late.problems)
        wait_until(lambda: not asker.poll().problems, "the problem to be gone", limit_seconds=40.0)
    finally:
        factory.stop()


@pytest.mark.parametrize("number", [1, 4, 40])
def test_foreign_databases_that_hang_harm_only_their_own_targets(
    poller: MakePoller, servers: ServerFactory, database: EmbeddedDatabase, deaf: list[str], number: int
) -> None:
    server = servers()
    hung = [f"tango://{host}/sys/hung/1" for host in deaf[:number]]
    asker = poller(*hung, server.name, f"tango://{database.tango_host}/dserver/*/*")
    first = asker.poll()
    assert state_of(first, server.name) is ServerState.MONITORED
    for host in deaf[:number]:
        assert any(host in problem for problem in first.problems)
    late = servers()
    began = time.monotonic()
    wait_state(asker, late.name, ServerState.MONITORED)
    assert time.monotonic() - began < 10.0  # it is looked for every RETRY_SECONDS


@pytest.mark.parametrize("named", ["device", "pattern"])
def test_a_server_that_hangs_is_named_and_hides_no_other(
    poller: MakePoller, servers: ServerFactory, database: EmbeddedDatabase, named: str
) -> None:
    up, hung = servers(), servers()
    targets = [up.publisher.device, hung.publisher.device]
    if named == "pattern":
        targets = [f"tango://{database.tango_host}/test/publisher/*"]
    freeze(hung.process.pid)
    try:
        asker = poller(*targets)
        assert state_of(asker.poll(), up.name) is ServerState.MONITORED
        wait_state(asker, hung.name, ServerState.UNREACHABLE)
    finally:
        os.kill(hung.process.pid, signal.SIGCONT)


def test_targets_that_come_and_go_leave_no_threads(poller: MakePoller, servers: ServerFactory) -> None:
    import threading

    group: list[Server] = [servers(), servers()]
    asker = poller(group[0].name)
    asker.poll()
    for number in range(20):
        asker.set_targets(tuple(server.name for server in group[: number % 2 + 1]))
        asker.poll()
    assert sum(thread.name.startswith("stem-ask") for thread in threading.enumerate()) <= 8
    asker.close()
    wait_until(
        lambda: (
            not [t for t in threading.enumerate() if t.name.startswith(("stem-ask", "stem-re", "stem-be"))]
        ),
        "all threads to end",
    )


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

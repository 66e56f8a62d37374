"""A database that is away: nothing is forgotten, and every sentence is true meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import Answer, Failure, Poll, ServerState
from stem_device.polling import Poller
from stem_device.polling.databases import answers_corba
from tests.system.harness import Server, ServerFactory, freeze

pytestmark = pytest.mark.extras


@pytest.fixture
def factory(private_database: EmbeddedDatabase, tmp_path: Path) -> Iterator[ServerFactory]:
    factory = ServerFactory(private_database, tmp_path)
    yield factory
    factory.stop()


@pytest.fixture
def poller(private_database: EmbeddedDatabase) -> Iterator[Poller]:
    """For all demo servers of the database."""
    target = f"tango://{private_database.tango_host}/test/publisher/*"
    options = Options(target_devices=(target,), poll_period=1.0, resolve_period=0.2)
    poller = Poller(options, clock=SystemClock())
    yield poller
    poller.close()


def answer_of(poll: Poll, server: Server) -> Answer:
    return next(answer for answer in poll.answers if answer.server == server.name)


def _is_monitored(poller: Poller, server: Server) -> bool:
    return answer_of(poller.poll(), server).state is ServerState.MONITORED


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_nothing_is_forgotten(
    poller: Poller, factory: ServerFactory, private_database: EmbeddedDatabase, how: str
) -> None:
    running, stopped, killed, cut = factory(), factory(), factory(), factory()
    stopped.process.stop()
    before = poller.poll()
    assert answer_of(before, stopped).failure is Failure.NOT_EXPORTED
    host = private_database.tango_host
    if how == "killed":
        private_database.kill()
    else:
        freeze(private_database.pid)
    try:
        wait_until(
            lambda: host in " ".join(poller.poll().problems), "the outage to be told", limit_seconds=60
        )
        killed.process.kill()
        polls = [poller.poll() for _ in range(4)]
    finally:
        if how == "killed":
            private_database.start()
        else:
            os.kill(private_database.pid, signal.SIGCONT)
    for poll in polls:
        assert {answer.server for answer in poll.answers} == {answer.server for answer in before.answers}
        for server in (running, cut):
            assert answer_of(poll, server).state is ServerState.MONITORED
            assert answer_of(poll, server).identity == answer_of(before, server).identity
        known = answer_of(poll, stopped)
        assert (known.state, known.failure) == (ServerState.NOT_EXPORTED, Failure.NOT_EXPORTED)
        assert known.since_utc_ns == answer_of(before, stopped).since_utc_ns
    for poll in polls[1:]:
        dead = answer_of(poll, killed)
        assert dead.state is ServerState.UNREACHABLE
        # Where the connection broke in the midst of the last question, not even that is known.
        assert dead.failure in {Failure.REFUSED, Failure.DATABASE}
        assert host in dead.reason
        assert "says that it runs" not in dead.reason
        assert not dead.ended  # it may run elsewhere by now: the database would know
    assert host in answer_of(polls[-1], stopped).reason
    wait_until(lambda: not poller.poll().problems, "the problem to be gone", limit_seconds=20)
    after = poller.poll()
    assert answer_of(after, running).identity == answer_of(before, running).identity
    assert answer_of(after, killed).failure is Failure.REFUSED
    killed.process.start()
    stopped.process.start()
    for server in (killed, stopped):
        wait_until(
            partial(_is_monitored, poller, server),
            "the server to be back",
        )
    assert answer_of(poller.poll(), killed).identity.life == 2
    assert answer_of(poller.poll(), stopped).identity.life == 1


def test_a_database_that_is_emptied_forgets_no_server(
    poller: Poller, factory: ServerFactory, private_database: EmbeddedDatabase
) -> None:
    server = factory()
    before = poller.poll()
    connection = private_database.connection()
    connection.delete_server(f"StemDemo/{server.instance}")
    wait_until(lambda: poller.poll().problems, "the lookup to find nothing")
    poll = poller.poll()
    assert answer_of(poll, server).state is ServerState.MONITORED
    assert answer_of(poll, server).identity == answer_of(before, server).identity
    assert "still monitored" in poll.problems[0]


def test_whether_a_database_hangs_is_seen_within_the_time_limit(private_database: EmbeddedDatabase) -> None:
    host = private_database.tango_host
    assert answers_corba(host, 2.0)
    freeze(private_database.pid)
    try:
        assert not answers_corba(host, 0.3)
    finally:
        os.kill(private_database.pid, signal.SIGCONT)
    assert answers_corba(host, 2.0)
    private_database.kill()
    assert not answers_corba(host, 2.0)


@pytest.mark.parametrize("dead_first", [True, False])
def test_a_tango_host_of_several_addresses(
    factory: ServerFactory,
    private_database: EmbeddedDatabase,
    monkeypatch: pytest.MonkeyPatch,
    dead_first: bool,
) -> None:
    server = factory()
    addresses = ["127.0.0.1:1", private_database.tango_host]
    value = ",".join(addresses if dead_first else reversed(addresses))
    get: Callable[[str], str | None] = tango.ApiUtil.get_env_var
    monkeypatch.setattr(
        tango.ApiUtil, "get_env_var", lambda name: value if name == "TANGO_HOST" else get(name)
    )
    poller = Poller(Options(target_devices=(f"test/publisher/{server.instance}",)), clock=SystemClock())
    try:
        answer = wait_until(lambda: poller.poll().answers, "the server to be found")[0]
        assert answer.server == server.name
        assert answer.state is ServerState.MONITORED
    finally:
        poller.close()

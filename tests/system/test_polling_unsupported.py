"""Real servers of Tango versions as released before 10.1, which cannot be asked, and their upgrade."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess, wait_until
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import Answer, ServerState
from stem_device.polling import Poller
from tests.needs import old_tango

PROGRAM = Path(__file__).with_name("old_server.py")


@pytest.fixture
def instance(database: EmbeddedDatabase, request: pytest.FixtureRequest) -> str:
    name = request.node.name.translate(str.maketrans("[].", "___"))
    database.add_server(f"old_server/{name}", [("OldDevice", f"test/old/{name}")])
    return name


@pytest.fixture
def poller(database: EmbeddedDatabase, instance: str) -> Iterator[Poller]:
    target = f"tango://{database.tango_host}/test/old/{instance}"
    poller = Poller(Options(target_devices=(target,), poll_period=1.0), clock=SystemClock())
    yield poller
    poller.close()


def server(python: str, database: EmbeddedDatabase, instance: str, directory: Path) -> ChildProcess:
    return ChildProcess(
        [python, str(PROGRAM), instance, *LOOPBACK],
        log=directory / "server.log",
        name=f"old_server {instance}",
        environment={**os.environ, "TANGO_HOST": database.tango_host},
        ready_line=READY_LINE,
    )


def wait_state(poller: Poller, state: ServerState) -> Answer:
    answers: list[Answer] = []

    def reached() -> bool:
        answers[:] = poller.poll().answers
        return [answer.state for answer in answers] == [state]

    wait_until(reached, f"state {state}, not {answers}", limit_seconds=40.0)
    return answers[0]


TOLD = {"9.5": "9.x", "10.0": "10.0."}


@pytest.mark.parametrize(
    "version", [pytest.param(version, marks=pytest.mark.needs(f"tango-{version}")) for version in TOLD]
)
def test_an_old_server_is_unsupported_until_it_is_upgraded(
    version: str, poller: Poller, database: EmbeddedDatabase, instance: str, tmp_path: Path
) -> None:
    told = TOLD[version]
    with server(str(old_tango(version)), database, instance, tmp_path):
        answer = wait_state(poller, ServerState.UNSUPPORTED)
        assert answer.tango_version.startswith(told)
        assert f"runs Tango {told}" in answer.reason
        assert "10.1" in answer.reason, "what to do: which version can be asked"
        poller.set_sampling(on=True)
        assert wait_state(poller, ServerState.UNSUPPORTED).since_utc_ns == answer.since_utc_ns
    with server(sys.executable, database, instance, tmp_path):
        answer = wait_state(poller, ServerState.MONITORED)
        assert answer.reason == ""
        assert answer.tango_version.startswith("10.")
        assert not answer.tango_version.startswith("10.0.")

"""``TANGO_HOST=dead:port,alive:port``: everything works as it does for Tango's own clients."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.devices import SERVER
from stem_device.demo.processes import tango_server
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import Publisher, Subscriber
from tests.system.stem_process import stem, words

pytestmark = [pytest.mark.extras, pytest.mark.timeout(180)]

PARTS = "stem_device.demo.parts"
TEST = "def test_a_run(event_monitor):\n    assert event_monitor.missed == 0\n"


@dataclass(frozen=True)
class System:
    """A publisher, its subscriber in another server, and an EventMonitor, all started with ``tango_host``."""

    tango_host: str
    database: EmbeddedDatabase
    monitor: EventMonitor

    @property
    def device(self) -> str:
        """The short name of the EventMonitor."""
        return "/".join(self.monitor.name.split("/")[-3:])

    def targets(self) -> list[str]:
        """As the database has them."""
        found = self.database.connection().get_device_property(self.device, "TargetDevices")
        return list(found["TargetDevices"])


@pytest.fixture(scope="module")
def system(tango_client: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("several")
    with ExitStack() as stack:
        nobody = stack.enter_context(socket.socket())
        nobody.bind(("127.0.0.1", 0))  # no one else may listen there, and it does not
        database = stack.enter_context(EmbeddedDatabase(folder))
        tango_host = f"127.0.0.1:{nobody.getsockname()[1]},{database.tango_host}"
        for role in ("publisher", "subscriber"):
            instance = f"several_{role}"
            database.add_server(f"{SERVER}/{instance}", [(role.capitalize(), f"several/{role}/1")])
            log = folder / f"{role}.log"
            server = tango_server("stem_device.demo.devices", instance, log=log, tango_host=tango_host)
            stack.enter_context(server)
        prefix = f"tango://{database.tango_host}/several"
        publisher, subscriber = Publisher(f"{prefix}/publisher/1"), Subscriber(f"{prefix}/subscriber/1")
        # By its short name, as everything else here: so it goes through all of TANGO_HOST.
        subscriber.subscribe("several/publisher/1")
        publisher.push(steps=5)
        subscriber.wait_events(1)
        monitor = stack.enter_context(
            event_monitor(database, folder, ["several/subscriber/1"], environment={"TANGO_HOST": tango_host})
        )
        yield System(tango_host, database, monitor)


def run(system: System, directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env={**os.environ, "TANGO_HOST": system.tango_host},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_plain_clients_can_do_it(system: System, tmp_path: Path) -> None:
    """What all others are compared with."""
    done = run(system, tmp_path, "-c", f"import tango; tango.DeviceProxy({system.device!r}).ping()")
    assert done.returncode == 0, done.stderr


def test_the_device_follows_publishers_and_adds_targets(system: System) -> None:
    """Names of streams hold the first address, which is dead: their publishers are found all the same."""
    monitor = system.monitor
    monitor.wait(lambda: monitor.value("followedServers") == 1, "the publisher to be followed")
    monitor.wait_state(tango.DevState.ON)
    assert "cannot be followed" not in monitor.status
    assert "known subscriptions: 1 in 1 server" in monitor.status
    try:
        assert "2 targets now, kept in TargetDevices" in monitor.proxy.AddTarget("several/publisher/1")
        assert system.targets() == ["several/subscriber/1", "several/publisher/1"]
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "both servers to be monitored")
        assert monitor.value("followedServers") == 0
    finally:
        monitor.proxy.RemoveTarget("several/publisher/1")
    assert system.targets() == ["several/subscriber/1"]


def test_stem_check(system: System, tmp_path: Path) -> None:
    with stem(tmp_path, "check", "several/*/*", tango_host=system.tango_host) as checked:
        assert checked.wait() == 0, checked.output + checked.errors
    assert "cannot be followed" not in checked.output
    assert words(checked.lines[-1]) == {"monitored": "2/2"}


def test_stem_monitor(system: System, tmp_path: Path) -> None:
    arguments = ("monitor", "several/subscriber/1", "--poll-period", "0.5", "--polls", "4")
    with stem(tmp_path, *arguments, tango_host=system.tango_host) as watched:
        assert watched.wait() == 0, watched.output + watched.errors
    assert watched.kinds("problem") == []
    assert watched.kinds("verdict")[0]["level"] == "clear", watched.output


def test_stem_mark(system: System, tmp_path: Path) -> None:
    system.monitor.proxy.StartRecording("several")
    try:
        arguments = ("mark", "run-1", "begin", "--device", system.device, "--must-record")
        with stem(tmp_path, *arguments, tango_host=system.tango_host) as marked:
            assert marked.wait() == 0, marked.errors
    finally:
        system.monitor.proxy.StopRecording()


def test_stem_register(system: System, tmp_path: Path) -> None:
    arguments = ("register", "several/eventmon/2", "--instance", "several2", "--target", "several/*/*")
    with stem(tmp_path, *arguments, tango_host=system.tango_host) as registered:
        assert registered.wait() == 0, registered.errors
    info = system.database.connection().get_device_info("several/eventmon/2")
    assert info.ds_full_name == "EventMonitor/several2"


def test_stem_demo_has_a_database_of_its_own(system: System, tmp_path: Path) -> None:
    arguments = ("demo", "--seconds", "2", "--plain")
    with stem(tmp_path, *arguments, tango_host=system.tango_host) as shown:
        assert shown.wait(90) == 0, shown.output + shown.errors
    assert "left out" not in shown.output
    assert "Verdict: " in shown.output


def test_a_part_of_the_demo(system: System, tmp_path: Path) -> None:
    """As compose.yaml starts it: it registers itself in the database that answers."""
    with tango_server(PARTS, "quick", log=tmp_path / "quick.log", tango_host=system.tango_host):
        assert system.database.connection().get_device_info("demo/subscriber/quick").exported


@pytest.mark.parametrize("who", ["device", "engine"])
def test_the_pytest_plugin(system: System, tmp_path: Path, who: str) -> None:
    (tmp_path / "test_one.py").write_text(TEST)
    given = {
        "device": ("--event-monitor", system.device),
        "engine": ("--event-monitor-target", "several/*/*"),
    }
    done = run(system, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *given[who], "test_one.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout

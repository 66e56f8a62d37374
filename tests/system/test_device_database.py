"""The device while its database is down, or hangs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import READY_LINE, tango_server
from tests.system.event_monitors import MODULE, EventMonitor, event_monitor
from tests.system.harness import Server, ServerFactory, freeze


@pytest.fixture
def target(private_database: EmbeddedDatabase, tmp_path: Path) -> Iterator[Server]:
    factory = ServerFactory(private_database, tmp_path)
    try:
        yield factory()
    finally:
        factory.stop()


@pytest.fixture
def monitor(private_database: EmbeddedDatabase, target: Server, tmp_path: Path) -> Iterator[EventMonitor]:
    with event_monitor(private_database, tmp_path, [target.name]) as monitor:
        monitor.wait_state(tango.DevState.ON)
        yield monitor


def test_init_while_the_database_is_down_goes_on_with_the_properties_it_knows(
    private_database: EmbeddedDatabase, monitor: EventMonitor
) -> None:
    device = monitor.name.split("/", 3)[3]
    private_database.kill()
    assert "not kept" in monitor.proxy.AddTarget("no/such/device")
    monitor.proxy.Init()
    assert "those read last are in use: the database does not answer" in monitor.status
    assert list(monitor.proxy.targets)[1:] == ["no/such/device"]
    assert "not kept" in monitor.proxy.RemoveTarget("no/such/device")
    private_database.start()
    monitor.wait_state(tango.DevState.ON)
    private_database.put_properties(device, {"PollPeriod": ["0.125"]})
    monitor.proxy.Init()
    monitor.wait_state(tango.DevState.ON)
    assert monitor.proxy.pollPeriod == 0.125
    assert "read last" not in monitor.status


def test_a_database_that_hangs_stops_neither_polls_nor_commands(
    private_database: EmbeddedDatabase, target: Server, monitor: EventMonitor
) -> None:
    freeze(private_database.pid)
    try:
        monitor.proxy.set_timeout_millis(20_000)
        for ask in (
            lambda: monitor.proxy.AddTarget("no/such/device"),
            lambda: monitor.proxy.RemoveTarget("no/such/device"),
            monitor.proxy.Init,
        ):
            before = time.monotonic()
            ask()
            assert time.monotonic() - before < 15.0  # to connect to a database that hangs takes a minute
        assert "does not answer" in monitor.status
    finally:
        os.kill(private_database.pid, signal.SIGCONT)
    monitor.wait(lambda: "kept in" in monitor.proxy.AddTarget(target.name), "the database", 40.0)
    monitor.wait(
        lambda: "and lost" not in monitor.proxy.AddTarget(target.name), "the targets to be kept", 40.0
    )
    device = monitor.name.split("/", 3)[3]
    kept = private_database.connection().get_device_property(device, "TargetDevices")
    assert list(kept["TargetDevices"]) == [target.name]


def test_foreign_databases_that_hang_harm_only_their_own_targets(
    database: EmbeddedDatabase, servers: ServerFactory, deaf: list[str], tmp_path: Path
) -> None:
    server = servers()
    targets = [*(f"tango://{host}/sys/hung/1" for host in deaf), server.name]
    with event_monitor(database, tmp_path, targets) as monitor:
        monitor.wait(lambda: monitor.value("monitoredServers") == 1, "the server to be monitored")
        late = servers()
        assert "kept in TargetDevices" in monitor.proxy.AddTarget(late.name)
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "the other to be monitored")
        before = time.monotonic()
        monitor.proxy.Init()
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "both to be monitored after Init")
        assert time.monotonic() - before < 15.0
        assert deaf[0] in monitor.status  # the others are counted: ten lines of a kind at most


def test_a_database_that_is_down_at_the_start_is_waited_for(
    private_database: EmbeddedDatabase, target: Server, tmp_path: Path
) -> None:
    device = "test/eventmon/waits"
    private_database.add_server("EventMonitor/waits", [("EventMonitor", device)])
    private_database.put_properties(device, {"TargetDevices": [target.name], "PollPeriod": ["0.2"]})
    private_database.kill()
    process = tango_server(
        MODULE, "waits", log=tmp_path / "waits.log", tango_host=private_database.tango_host
    )
    process.ready_line = "Waiting for it"
    with process:
        assert "Failed to connect to database" in process.output()
        private_database.start()
        process.wait_ready(lambda: READY_LINE in process.output())
        monitor = EventMonitor(process, f"tango://{private_database.tango_host}/{device}", tmp_path)
        monitor.wait_state(tango.DevState.ON)

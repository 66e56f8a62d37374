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
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import Server, ServerFactory


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
    os.kill(private_database.pid, signal.SIGSTOP)
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

"""Telemetry in real device servers: every call is a sample, and a server that is stopped loses none."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.tango_telemetry import timed_device
from stem_device.telemetry import open_telemetry
from tests.system.harness import ServerFactory

MODULE = "tests.system.timed_devices"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    with EmbeddedDatabase(tmp_path_factory.mktemp("timed")) as database:
        yield database


@pytest.fixture
def servers(system: EmbeddedDatabase, tmp_path: Path) -> Iterator[ServerFactory]:
    factory = ServerFactory(system, tmp_path)
    yield factory
    factory.stop()


def proxy(system: EmbeddedDatabase, name: str) -> Any:
    return tango.DeviceProxy(f"tango://{system.tango_host}/{name}")


def counts(directory: Path) -> Counter[str]:
    return Counter(open_telemetry(directory).duration().columns().label)


def test_every_call_and_event_is_a_sample(
    system: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    directory = tmp_path / "telemetry"
    devices = [("Plain", "test/timed/1"), ("Plain", "test/timed/2")]
    system.add_server("timed_devices/plain", devices)
    system.put_properties("test/timed/1", {"TelemetryDirectory": [str(directory)]})
    server = servers.start(MODULE, "plain")
    one, two = proxy(system, "test/timed/1"), proxy(system, "test/timed/2")
    one.Listen(f"tango://{system.tango_host}/test/timed/2")
    for _ in range(7):
        one.Wait(0.01)
        two.read_attribute("inherited")
    for number in range(5):
        two.write_attribute("level", number)
        two.Push()
    with pytest.raises(tango.DevFailed, match="as asked"):
        one.Fail()
    reads = 0
    while one.read_attribute("events_seen").value < 5:
        reads += 1
        assert reads < 100_000
    told = json.loads(one.QueryTelemetry())
    assert (told["on"], told["lost"], told["directory"]) == (True, 0, str(directory))
    server.stop()
    found = counts(directory)
    expected = {
        "Plain.Listen [command]": 1,
        "Plain.Wait [command]": 7,
        "Plain.Push [command]": 5,
        "Plain.Fail [command]": 1,
        "Plain.QueryTelemetry [command]": 1,
        "Plain.inherited [read]": 7,
        "Plain.level [write]": 5,
        "Plain.events_seen [read]": reads + 1,
    }
    assert {label: found[label] for label in expected} == expected
    # The first comes with the subscription, and then the five.
    assert found["Plain.on_level [event]"] >= 5
    waits = open_telemetry(directory).duration().time_series("Plain.Wait [command]").columns().measurement
    assert min(waits) >= 0.01


def test_a_class_whose_base_is_timed_too(
    system: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    system.add_server("timed_devices/derived", [("Derived", "test/timed/4"), ("Plain", "test/timed/5")])
    system.put_properties("test/timed/4", {"TelemetryDirectory": [str(tmp_path / "telemetry")]})
    server = servers.start(MODULE, "derived")
    device = proxy(system, "test/timed/4")
    device.Listen(f"tango://{system.tango_host}/test/timed/5")
    proxy(system, "test/timed/5").Push()
    for _ in range(3):
        device.Own()
    while device.read_attribute("events_seen").value < 2:
        pass
    server.stop()
    found = counts(tmp_path / "telemetry")
    assert found["Derived.on_level [event]"] >= 2
    assert {label: found[label] for label in found if label.endswith("[command]")} == {
        "Derived.Listen [command]": 1,
        "Derived.Own [command]": 3,
        "Plain.Push [command]": 1,
    }
    assert not {label for label in found if label.startswith("Plain.events_seen")}


def test_asyncio_and_the_switches(system: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path) -> None:
    directory = tmp_path / "telemetry"
    system.add_server("timed_devices/asyncio", [("Asynchronous", "test/timed/3")])
    server = servers.start(MODULE, "asyncio")
    device = proxy(system, "test/timed/3")
    with pytest.raises(tango.DevFailed, match="TelemetryDirectory is empty"):
        device.StartTelemetry("")
    system.put_properties("test/timed/3", {"TelemetryDirectory": [str(directory)]})
    device.Init()
    with pytest.raises(tango.DevFailed, match="'perf'"):
        device.StartTelemetry("perf")
    device.Wait(0.0)
    device.StartTelemetry("runtime, sampling")
    for _ in range(3):
        device.Wait(0.02)
        device.read_attribute("level")
    device.StopTelemetry()
    device.Wait(0.0)
    assert not json.loads(device.QueryTelemetry())["on"]
    assert counts(directory)["Asynchronous.Wait [command]"] == 3
    assert counts(directory)["Asynchronous.level [read]"] == 3
    found = open_telemetry(directory)
    assert min(found.duration().time_series("Asynchronous.Wait [command]").columns().measurement) >= 0.02
    assert len(open_telemetry(directory).user_time()) >= 2
    assert len(list(directory.glob("profiler.*.speedscope.json"))) == 1
    server.stop()


@pytest.mark.parametrize("where", ["line", "late"])
def test_one_line_in_a_server_loses_nothing_when_it_is_terminated(
    where: str, system: EmbeddedDatabase, servers: ServerFactory
) -> None:
    """Before Tango starts, and in ``init_device``, when Tango handles signals already."""
    name = f"{where}{os.getpid()}"
    system.add_server(f"timed_devices/{name}", [("Plain", f"test/timed/{where}")])
    server = servers.start(MODULE, name)
    device = proxy(system, f"test/timed/{where}")
    for _ in range(50):
        device.Push()
    server.stop()
    directory = Path(name)
    try:
        assert counts(directory)["Plain.Push [command]"] == 50
    finally:
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()


def test_what_is_no_device_class_is_refused() -> None:
    with pytest.raises(TypeError, match=r"tango\.server\.Device"):
        timed_device(int)

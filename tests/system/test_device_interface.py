"""What Jive shows of the device, and that the commands do what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import Server, ServerFactory


@pytest.fixture(scope="module")
def target(module_servers: ServerFactory) -> Server:
    return module_servers()


@pytest.fixture(scope="module")
def monitor(
    database: EmbeddedDatabase, target: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EventMonitor]:
    with event_monitor(database, tmp_path_factory.mktemp("monitor"), [target.name]) as running:
        running.wait_state(tango.DevState.ON)
        yield running


REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "device.md"


KINDS_OF_DATA = cast(Any, tango.CmdArgType).values  # an enumeration of Boost


def rows(*headings: str) -> dict[str, list[str]]:
    """Cells of the tables under these headings of the reference, by their first cell."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^#+ ", REFERENCE.read_text(), flags=re.MULTILINE):
        heading, _, text = part.partition("\n")
        if heading in headings:
            lines = [line for line in text.splitlines() if line.startswith("| `")]
            cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
            found |= {row[0].strip("`"): row[1:] for row in cells}
    return found


def test_the_reference_has_the_attributes_as_they_are(monitor: EventMonitor) -> None:
    documented = rows(
        "Events: published, received, missed",
        "Servers and subscriptions",
        "Clients",
        "Canaries",
        "Timing",
        "Recording",
        "Outlets",
        "Polling and the monitor itself",
    )
    running = {}
    for config in monitor.proxy.attribute_list_query_ex():
        if config.name in {"State", "Status"}:
            continue
        kind = str(KINDS_OF_DATA[config.data_type])
        kind += f"[{config.max_dim_x}]" if config.data_format == tango.AttrDataFormat.SPECTRUM else ""
        kind += ", rw" if config.writable == tango.AttrWriteType.READ_WRITE else ""
        running[config.name] = [kind, config.unit, config.disp_level.name.lower(), config.description]
    assert documented == running


def test_the_reference_has_the_limits_as_they_are(monitor: EventMonitor) -> None:
    limits = {}
    for config in monitor.proxy.attribute_list_query_ex():
        for name in ("min_alarm", "max_alarm", "min_warning", "max_warning"):
            if (limit := getattr(config.alarms, name)) != "Not specified":
                limits[config.name] = [name, limit]
    assert rows("Alarm limits") == limits


def test_the_reference_has_the_commands_as_they_are(monitor: EventMonitor) -> None:
    running = {
        command.cmd_name: [
            str(KINDS_OF_DATA[command.in_type]),
            str(KINDS_OF_DATA[command.out_type]),
        ]
        for command in monitor.proxy.command_list_query()
    }
    documented = {name: row[:2] for name, row in rows("Commands").items()}
    assert documented == running | {"State": ["DevVoid", "State"]}


def test_the_reference_has_the_properties_as_they_are(monitor: EventMonitor) -> None:
    admin = tango.DeviceProxy(monitor.proxy.adm_name())
    # Name, description and default of each in turn, after the class name and how many there are.
    wizard = list(admin.QueryWizardDevProperty("EventMonitor"))
    running = {
        name: [default.strip(), description]
        for name, description, default in zip(*[iter(wizard)] * 3, strict=True)
    }
    documented = {}
    parts = (
        "Options of polling",
        "Options of recording",
        "Options of the verdict",
        "Options of the HTTP port",
        "Options of OpenTSDB",
        "Options of Elasticsearch",
        "Options of OpenTelemetry",
        "Options of clients",
        "Options of telemetry",
        "Options of metrics of users",
        "Options of canaries",
        "Options of link health",
        "Options of stacks",
    )
    for name, (kind, default, meaning) in rows(*parts).items():
        documented[name] = ["" if default == "-" else default.strip("`"), f"[{kind}] {meaning}"]
    assert documented == running


def test_every_attribute_is_described(monitor: EventMonitor) -> None:
    for config in monitor.proxy.attribute_list_query_ex():
        if config.name in {"State", "Status"}:
            continue
        assert config.label not in {"", config.name}, config.name
        assert config.unit, config.name
        assert len(config.description) > 20, config.name
        assert config.format, config.name


def test_both_display_levels_are_used(monitor: EventMonitor) -> None:
    levels = {config.name: config.disp_level for config in monitor.proxy.attribute_list_query_ex()}
    assert levels["totalMissedEvents"] == tango.DispLevel.OPERATOR
    assert levels["latestSnapshot"] == tango.DispLevel.EXPERT


def test_every_command_says_what_goes_in_and_out(monitor: EventMonitor) -> None:
    for command in monitor.proxy.command_list_query():
        assert command.in_type_desc, command.cmd_name
        assert command.out_type_desc, command.cmd_name
        if command.cmd_name not in {"Init", "State", "Status"}:
            assert command.in_type_desc != "Uninitialised", command.cmd_name
            assert command.out_type_desc != "Uninitialised", command.cmd_name


def test_version_info(monitor: EventMonitor) -> None:
    versions = monitor.proxy.info().version_info
    assert {"stem-device", "numpy", "msgspec"} <= set(versions)


def test_counts_are_those_of_the_devices(monitor: EventMonitor, target: Server) -> None:
    index = target.subscriber.subscribe(target.publisher)
    monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
    monitor.proxy.ResetCounters()
    monitor.proxy.Poll()
    before = target.subscriber.truth(index).events
    target.publisher.push(steps=50)
    target.subscriber.wait_events(before + 50, index)
    monitor.proxy.Poll()
    assert monitor.value("totalPublishedEvents") == 50
    assert monitor.value("totalReceivedEvents") == 50
    assert monitor.value("totalMissedEvents") == 0
    assert list(monitor.proxy.serverNames) == [target.name]
    assert list(monitor.proxy.serverReceivedEvents) == [50]
    totals = json.loads(monitor.proxy.latestSnapshot)["totals"]
    assert (totals["published"], totals["received"]) == (50, 50)
    target.subscriber.unsubscribe(index)


def test_query_snapshot_has_all(monitor: EventMonitor, target: Server) -> None:
    index = target.subscriber.subscribe(target.publisher)
    monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
    document = json.loads(monitor.proxy.QuerySnapshot())
    assert document["schema"] == "stem-device.snapshot"
    (server,) = document["servers"]
    assert server["name"] == target.name
    assert len(server["subscriptions"]) == 1
    assert server["streams"]
    assert document["problems"] == []
    target.subscriber.unsubscribe(index)


def test_poll_is_done_when_it_returns(monitor: EventMonitor) -> None:
    monitor.proxy.pollPeriod = 3600.0
    try:
        asked = datetime.now(UTC).timestamp()
        number = monitor.proxy.Poll()
        assert monitor.value("pollNumber") >= number
        assert monitor.proxy.lastPollTime >= asked - 0.001
        assert monitor.proxy.Poll() > number
    finally:
        monitor.proxy.pollPeriod = 0.2
    monitor.wait_polls(2)


def test_poll_period_is_validated(monitor: EventMonitor) -> None:
    for wrong in (0.0, -1.0, 1e9, float("nan")):
        with pytest.raises(tango.DevFailed):
            monitor.proxy.pollPeriod = wrong
    assert monitor.value("pollPeriod") == 0.2
    assert monitor.proxy.read_attribute("pollPeriod").w_value in {0.0, 0.2}


def test_asking_twice_is_no_error(monitor: EventMonitor) -> None:
    proxy = monitor.proxy
    for _ in range(2):
        proxy.StartPerformanceMonitoring()
        assert monitor.value("performanceMonitoring")
    for _ in range(2):
        proxy.StopPerformanceMonitoring()
        assert not monitor.value("performanceMonitoring")
    for _ in range(2):
        proxy.ResetCounters()
        proxy.Poll()
        proxy.StopRecording()
        proxy.RemoveTarget("no/such/target")
    for _ in range(2):
        proxy.Init()
        monitor.wait_state(tango.DevState.ON)


def test_performance_monitoring_reaches_the_target(monitor: EventMonitor, target: Server) -> None:
    index = target.subscriber.subscribe(target.publisher)
    monitor.proxy.StartPerformanceMonitoring()
    monitor.wait(lambda: monitor.value("sampledServers") == 1, "sampling")

    def sampled() -> bool:
        target.publisher.push(steps=5)
        quality = monitor.proxy.read_attribute("processingTimeP99").quality
        return bool(quality == tango.AttrQuality.ATTR_VALID)

    monitor.wait(sampled, "a quantile")
    monitor.proxy.StopPerformanceMonitoring()
    monitor.wait(lambda: monitor.value("sampledServers") == 0, "the end of sampling")
    monitor.wait_polls()
    assert monitor.proxy.read_attribute("latencyP99").quality == tango.AttrQuality.ATTR_INVALID
    target.subscriber.unsubscribe(index)

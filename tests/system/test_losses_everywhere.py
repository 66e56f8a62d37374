"""Losses of every kind in one real system, told by one device to every tool: the same numbers everywhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("h5py")
pytest.importorskip("uvicorn")
pytest.importorskip("elasticsearch")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import OutOfTimeError, wait_until
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.exported import (
    OWN,
    TOTALS,
    Numbers,
    all_tools,
    answered,
    of_attributes,
    of_collector,
    of_elastic,
    of_file,
    of_victoria,
)
from tests.system.harness import ServerFactory
from tests.system.losing import KEPT, Losing
from tests.system.prometheus_server import prometheus

pytestmark = [
    pytest.mark.needs("prometheus", "victoria-metrics", "elasticsearch"),
    pytest.mark.timeout(180),
]


def test_the_same_losses_in_every_tool(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    losing, witness = Losing(servers), servers()
    index = witness.subscriber.subscribe(witness.publisher)
    targets = [losing.publisher.name, losing.subscriber.name, witness.name]
    with (
        all_tools(tmp_path) as tools,
        event_monitor(database, tmp_path, targets, properties=tools.properties(tmp_path)) as monitor,
    ):
        url = str(monitor.wait(lambda: monitor.value("httpUrl"), "the port"))
        monitor.wait(lambda: monitor.value("subscriptionCount") == 2, "the subscriptions")
        with prometheus(url, tmp_path) as scraping:
            losing.overflow()
            overflow = losing.lost
            assert overflow > 0
            monitor.wait(lambda: monitor.value("totalMissedEvents") == overflow, "the overflow, exactly")
            losing.kill_publisher(monitor)
            killed = losing.lost
            assert killed > overflow
            monitor.wait(lambda: _interval(monitor, killed), "the kill, as an interval")
            losing.renew(monitor)
            losing.restart_subscriber(monitor)
            witness.publisher.push(steps=100)
            other = witness.subscriber.wait_number(100, index).events
            monitor.wait(lambda: monitor.value("totalReceivedEvents") == losing.received + other, "the rest")
            monitor.wait(lambda: monitor.value("overdueEvents") == 0, "nothing overdue")

            expected = of_attributes(monitor, losing)
            assert expected[TOTALS[0]] == losing.pushed + 100
            assert expected[OWN[0]] == losing.pushed
            assert expected[OWN[1]] == losing.received
            assert _interval(monitor, losing.lost), (expected, losing.lost)
            assert KEPT < losing.lost - killed < 2 * KEPT, "renewed, and restarted"
            assert monitor.number("totalUnaccountedEvents") > KEPT
            readers: dict[str, Callable[[], Numbers]] = {
                "Prometheus": lambda: {name: scraping.value(name) for name in TOTALS + OWN},
                "VictoriaMetrics": lambda: {name: of_victoria(tools, name) for name in TOTALS + OWN},
                "Elasticsearch": lambda: of_elastic(tools.elastic, losing),
                "OTLP": lambda: of_collector(tools.collector, losing),
                "our OpenTSDB answers": lambda: {name: answered(url, name, losing) for name in TOTALS + OWN},
                "HDF5": lambda: of_file(monitor, losing),
            }
            for tool, read in readers.items():
                same(tool, read, expected)
            losses = tools.elastic.documents({"term": {"kind": "loss"}})
            assert sum(one["missed"] for one in losses) == expected[TOTALS[2]]
            assert sum(one["unaccounted"] for one in losses) == expected[TOTALS[3]]
            assert {one["subscriber"] for one in losses} == {losing.subscriber.name}
            assert of_attributes(monitor, losing) == expected
            assert not any(monitor.proxy.outletFailed)
            assert not any(monitor.proxy.outletDropped)


def _interval(monitor: EventMonitor, lost: int) -> bool:
    """Whether what was lost is between what is missed, and that with what is unaccounted."""
    missed = monitor.number("totalMissedEvents")
    return missed <= lost <= missed + monitor.number("totalUnaccountedEvents")


def same(tool: str, read: Callable[[], Numbers], expected: Numbers) -> None:
    """Once the last poll has arrived there."""
    with suppress(OutOfTimeError):
        wait_until(lambda: read() == expected, f"the numbers in {tool}", interval_seconds=0.3)
    assert read() == expected, tool

"""Metrics of a real device in a collector that decodes them, beside the traces that cppTango sends of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest
import tango

from tests.unit.http_stub import HOSTILE, http_stub

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory
from tests.unit.otlp.otlp_stub import Collector, attributes, number, points

SAME = ("service.namespace", "service.name", "service.instance.id", "tango.server.name", "tango.host")
KIND = ("tango.process.id", "tango.process.kind")
LOST_BY_WAITING = 9
"""Polls of 0.1 s that are skipped where one waits for a request, which may take 1 s."""


def outlet(monitor: EventMonitor, what: str) -> Any:
    names = list(monitor.proxy.outletNames)
    return monitor.proxy.read_attribute(f"outlet{what}").value[names.index("otlp")]


def resources(collector: Collector) -> list[dict[str, Any]]:
    """Of all traces that have come."""
    found = []
    for body in tuple(collector.traces):
        told = ExportTraceServiceRequest()
        told.ParseFromString(body)
        found += [attributes(spans.resource.attributes) for spans in told.resource_spans]
    return found


def test_metrics_and_traces_of_a_device_meet(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    index = target.subscriber.subscribe(target.publisher)
    collector = Collector()
    with http_stub(collector) as stub:
        telemetry = {
            "TANGO_TELEMETRY_ENABLE": "on",
            "TANGO_TELEMETRY_TRACING_EXPORTERS": "http",
            "TANGO_TELEMETRY_TRACING_ENDPOINTS": f"{stub.url}/v1/traces",
        }
        with event_monitor(
            database,
            tmp_path,
            [target.name],
            properties={"OtlpEndpoint": [stub.url]},
            environment=telemetry,
        ) as monitor:
            monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
            target.publisher.push(steps=100)
            truth = target.subscriber.wait_number(100, index)
            monitor.wait(lambda: monitor.value("totalReceivedEvents") == truth.events, "all events")
            monitor.proxy.Poll()

            def arrived() -> int | float:
                told = collector.metrics().get("stem_events_received_total") if collector.exports else None
                return number(points(told)[0]) if told is not None else 0

            monitor.wait(lambda: arrived() == truth.events == 100, "metrics")
            metrics, device = collector.metrics(), collector.resource()
            received = points(metrics["stem_events_received_total"])[0]
            assert number(points(metrics["stem_events_published_total"])[0]) == 100
            assert 0 < received.start_time_unix_nano < received.time_unix_nano
            assert (outlet(monitor, "Failed"), outlet(monitor, "Dropped")) == (0, 0)

            def traced() -> dict[str, Any] | None:
                own = (one for one in resources(collector) if one.get("service.name") == "EventMonitor")
                return next((one for one in own if "tango.server.name" in one), None)

            trace = monitor.wait(traced, "a trace of the device")
            assert {name: device[name] for name in SAME} == {name: trace[name] for name in SAME}
            assert device["tango.process.id"] == monitor.process.pid
            assert {str(device[name]) for name in KIND} == {str(trace[name]) for name in KIND}


@pytest.mark.parametrize(
    "name", ["slow", *(pytest.param(one, marks=pytest.mark.matrix) for one in HOSTILE if one != "slow")]
)
def test_a_hostile_collector_costs_no_poll_and_no_memory(
    name: str, database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    with (
        http_stub(HOSTILE[name]) as stub,
        event_monitor(
            database,
            tmp_path,
            [target.name],
            properties={"OtlpEndpoint": [stub.url], "PollPeriod": ["0.1"]},
            environment={"OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
        ) as monitor,
    ):
        process = psutil.Process(monitor.process.pid)
        monitor.wait(lambda: outlet(monitor, "Errors"), "the error")
        before, overruns = process.memory_info().rss, int(str(monitor.value("pollOverruns")))
        monitor.wait_polls(50)
        lost = int(str(monitor.value("pollOverruns"))) - overruns
        assert lost < LOST_BY_WAITING, "no poll waits for it"
        assert process.memory_info().rss - before < 60_000_000
        assert outlet(monitor, "Failed") >= 1
        assert outlet(monitor, "Sent") == 0
        assert monitor.proxy.state() == tango.DevState.ON

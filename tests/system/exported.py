"""Everything that one monitor tells its numbers to, and how each of them is asked for the same numbers."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stem_device import open_recording
from stem_device.opentsdb.pushing.names import valid_name
from tests.system.elastic_server import ElasticServer, elastic_server
from tests.system.event_monitors import EventMonitor
from tests.system.harness import VictoriaMetrics
from tests.system.losing import Losing
from tests.unit.http_stub import http_stub
from tests.unit.otlp.otlp_stub import Collector, attributes, number, points

TOTALS = (
    "stem_events_published_total",
    "stem_events_received_total",
    "stem_events_missed_total",
    "stem_events_unaccounted",
)
OWN = (
    "stem_stream_events_published_total",
    "stem_subscription_events_received_total",
    "stem_subscription_events_missed_total",
    "stem_subscription_events_unaccounted",
)

Numbers = dict[str, float | None]


@dataclass(frozen=True)
class Tools:
    """Everything that one monitor tells its numbers to."""

    victoria: VictoriaMetrics
    elastic: ElasticServer
    collector: Collector
    otlp_url: str

    def properties(self, directory: Path) -> dict[str, list[str]]:
        config, spool = directory / "es.json", directory / "spool"
        config.write_text(json.dumps({"hosts": [self.elastic.url]}))
        spool.mkdir()
        return {
            "PollPeriod": ["0.5"],
            "HttpAddress": ["0"],
            "OpenTsdbUrl": [f"http://127.0.0.1:{self.victoria.http_port}"],
            "EsConfigFile": [str(config)],
            "EsSpoolDirectory": [str(spool)],
            "OtlpEndpoint": [self.otlp_url],
            "RecordOnStart": ["true"],
        }


@contextmanager
def all_tools(directory: Path) -> Iterator[Tools]:
    collector = Collector()
    with ExitStack() as stack:
        yield Tools(
            victoria=stack.enter_context(VictoriaMetrics(directory)),
            elastic=stack.enter_context(elastic_server(directory / "elastic")),
            collector=collector,
            otlp_url=stack.enter_context(http_stub(collector)).url,
        )


def of_attributes(monitor: EventMonitor, losing: Losing) -> Numbers:
    proxy = monitor.proxy
    published = dict(zip(proxy.serverNames, proxy.serverPublishedEvents, strict=True))
    (worst,) = proxy.worstSubscriptions
    assert worst.endswith(f" at {losing.subscriber.name}")
    own = [proxy.worstReceivedEvents, proxy.worstMissedEvents, proxy.worstUnaccountedEvents]
    totals = ("totalPublishedEvents", "totalReceivedEvents", "totalMissedEvents", "totalUnaccountedEvents")
    values = [monitor.number(name) for name in totals]
    values += [int(published[losing.publisher.name]), *(int(spectrum[0]) for spectrum in own)]
    return dict(zip(TOTALS + OWN, values, strict=True))


def of_victoria(tools: Tools, metric: str) -> float | None:
    """The last point of its only series."""
    (points,) = tools.victoria.export(metric).values() or [{}]
    return points[max(points)] if points else None


def of_elastic(server: ElasticServer, losing: Losing) -> Numbers:
    """Of the newest documents."""
    found: Numbers = {}
    for kind, names in (("poll", TOTALS), ("stream", OWN[:1]), ("subscription", OWN[1:])):
        documents = server.documents({"term": {"kind": kind}})
        found |= {name: documents[-1].get(name) for name in names}
        if kind == "subscription":
            assert {one["subscriber"] for one in documents} == {losing.subscriber.name}
    return found


def of_collector(collector: Collector, losing: Losing) -> Numbers:
    """Of the newest export."""
    metrics = collector.metrics()
    for name in OWN[1:]:
        (point,) = points(metrics[name])
        assert attributes(point.attributes)["subscriber"] == losing.subscriber.name
    return {name: number(points(metrics[name])[0]) for name in TOTALS + OWN}


def answered(url: str, metric: str, losing: Losing) -> float | None:
    """The newest point of the only series, as Grafana asks for it."""
    now = time.time_ns() // 1_000_000
    query = {"metric": metric, "aggregator": "none"}
    body = {"start": now - 300_000, "end": now, "queries": [query], "msResolution": True}
    request = urllib.request.Request(
        f"{url}/api/query", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        (told,) = json.load(answer)
    if "subscriber" in told["tags"]:
        assert told["tags"]["subscriber"] in (losing.subscriber.name, valid_name(losing.subscriber.name))
    values: dict[str, Any] = told["dps"]
    return float(values[max(values, key=int)])


def of_file(monitor: EventMonitor, losing: Losing) -> Numbers:
    """The last rows, while it is being written."""
    with open_recording(str(monitor.value("recordingPath"))) as recording:
        polls, streams, rows = (recording[name] for name in ("polls", "streams", "subscriptions"))
        totals = ("published_total", "received_total", "missed_total", "unaccounted_total")
        found: Numbers = {name: float(polls[column][-1]) for name, column in zip(TOTALS, totals, strict=True)}
        stream = losing.publisher.publisher.stream("change")
        published = [n for n, name in enumerate(streams["stream"]) if name.lower() == stream]
        own = [n for n, name in enumerate(rows["server"]) if name == losing.subscriber.name]
        found[OWN[0]] = float(streams["published_total"][published[-1]])
        for name, column in zip(OWN[1:], totals[1:], strict=True):
            found[name] = float(rows[column][own[-1]])
        return found

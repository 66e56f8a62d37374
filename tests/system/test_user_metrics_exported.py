"""Points of users by every way in and every way out of a real EventMonitor, against what was sent."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import OutOfTimeError, wait_until
from stem_device.opentsdb.pushing.names import valid_name
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory
from tests.system.test_user_metrics import ask
from tests.unit.http_stub import Answer, Request, answer, http_stub

pytest.importorskip("elasticsearch")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
pytest.importorskip("uvicorn")

from tests.unit.elastic.elastic_stub import Cluster
from tests.unit.otlp.otlp_stub import Collector, attributes, number, points

T0 = 1_700_000_000_123_456_789
MANY = {f"label{number}": f"v{number}" for number in range(8)}


class Sent(NamedTuple):
    """One point of the test's own books; ``labels`` with host and process."""

    metric: str
    labels: frozenset[tuple[str, str]]
    at_ns: int
    value: float


class Outside:
    """OTLP, Elasticsearch and OpenTSDB at one address."""

    def __init__(self) -> None:
        self.collector, self.cluster = Collector(), Cluster()
        self.put: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Answer:
        if request.path.endswith("/v1/metrics"):
            return self.collector(request)
        if request.path.startswith("/api/put"):
            self.put += json.loads(request.body)
            return answer(204)
        if request.headers.get("content-encoding") == "gzip":
            request.body = gzip.decompress(request.body)
        return self.cluster(request)

    def otlp(self, *, metric: str = "") -> set[Sent]:
        """A point that was sent again is the same one."""
        return {
            Sent(one.name, labels(attributes(point.attributes)), point.time_unix_nano, number(point))
            for number_of_export in range(len(self.collector.exports))
            for one in self.collector.metrics(number_of_export).values()
            if one.WhichOneof("data") == "gauge" and wanted(one.name, metric)
            for point in points(one)
        }

    def elastic(self, *, metric: str = "") -> list[Sent]:
        return [
            Sent(one["metric"], _labels_of(one), one["at_utc_ns"], one["value"])
            for one in tuple(self.cluster.documents.values())
            if one["kind"] == "metric" and wanted(one["metric"], metric)
        ]

    def opentsdb(self, *, metric: str = "") -> list[Sent]:
        return [
            Sent(one["metric"], labels(one["tags"]), one["timestamp"], one["value"])
            for one in tuple(self.put)
            if wanted(one["metric"], metric)
        ]


def wanted(name: str, metric: str) -> bool:
    return name == metric if metric else not name.startswith(("stem_", "device_attribute"))


def labels(given: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((key, str(text)) for key, text in given.items())


def _labels_of(document: dict[str, Any]) -> frozenset[tuple[str, str]]:
    found = dict(one.split("=", 1) for one in document.get("labels", ()))
    return labels({**found, **{key: document[key] for key in ("host", "process") if key in document}})


def pushed(points: set[Sent], monitor: str) -> set[Sent]:
    """As OpenTSDB has them: ms, names that it takes, and the tag of the monitor."""
    made = {}
    for one in sorted(points, key=lambda point: point.at_ns):
        told = {"user_monitor" if key == "monitor" else key: text for key, text in one.labels}
        tags = labels({key: valid_name(text) for key, text in told.items()} | {"monitor": monitor})
        point = Sent(one.metric, tags, one.at_ns // 1_000_000, one.value)
        made[point[:3]] = point  # of several in one ms the last
    return set(made.values())


def send_all(monitor: EventMonitor, url: str) -> set[Sent]:
    """By the command and by both routes; two processes send one metric, one sends two points a ms."""
    sent = set()
    for process in ("11", "12"):
        times = [T0 + 400_003 * step for step in range(30)]
        values = [int(process) + step / 8 for step in range(30)]
        tags = {"gpu": "0", "monitor": "theirs", "host": "rack-1", "process": process}
        batch = [{"metric": "user/load", "timestamps": times, "values": values, "tags": tags}]
        assert json.loads(monitor.proxy.AddData(json.dumps(batch))) == {
            "success": 30,
            "failed": 0,
            "errors": [],
        }
        sent |= {Sent("user/load", labels(tags), *one) for one in zip(times, values, strict=True)}
    tags = MANY | {"device": "d", "name": "a b", "host": "rack-2", "process": "x"}
    assert ask(f"{url}/api/put", {"metric": "from.put", "timestamp": T0, "value": -3, "tags": tags})[0] == 204
    sent.add(Sent("from.put", labels(tags), T0, -3.0))
    dragons = {"timestamp": 1_700_000_001, "dps": [{"metric": "theirs", "value": 1e-9}]}
    assert ask(f"{url}/api/metrics", dragons)[0] == 201
    return sent | {Sent("theirs", frozenset(), 1_700_000_001 * 10**9, 1e-9)}


def test_every_point_leaves_by_every_way(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    outside, publisher = Outside(), servers().publisher
    with http_stub(outside) as stub:
        (tmp_path / "es.json").write_text(json.dumps({"hosts": [stub.url]}))
        properties = {
            "EsConfigFile": [str(tmp_path / "es.json")],
            "OtlpEndpoint": [stub.url],
            "OpenTsdbUrl": [stub.url],
            "HttpAddress": ["0"],
            "ExtraAttributes": [f"{publisher.device}/number"],
        }
        with event_monitor(database, tmp_path, properties=properties) as monitor:
            url = str(monitor.wait(lambda: monitor.value("httpUrl"), "the port"))
            sent = send_all(monitor, url)
            monitor.wait(lambda: len(outside.elastic()) >= len(sent), "all documents")
            monitor.wait(lambda: outside.otlp() >= sent, "all points by OTLP")
            name = monitor.name.split("/", 3)[-1]
            monitor.wait(lambda: set(outside.opentsdb()) >= pushed(sent, name), "all points at OpenTSDB")
            _check_prometheus(ask(f"{url}/metrics", token="")[1])
            _check_extra_attribute(monitor, outside, publisher)
            health = {
                name: monitor.proxy.read_attribute(f"outlet{name}").value for name in ("Failed", "Dropped")
            }
            assert {sum(counts) for counts in health.values()} == {0}, list(monitor.proxy.outletErrors)
        assert outside.otlp() == sent
        assert Counter(outside.elastic()) == Counter(sent), "each once"
        assert Counter(outside.opentsdb()) == Counter(pushed(sent, name)), "each once"


def _check_prometheus(scraped: str) -> None:
    """The latest value of each series, with names that it allows."""
    for process in ("11", "12"):
        line = f'user_load{{gpu="0",host="rack-1",monitor="theirs",process="{process}"}}'
        assert f"{line} {int(process) + 29 / 8}\n" in scraped
    told = MANY | {"device": "d", "name": "a b", "host": "rack-2", "process": "x"}
    put = next(line for line in scraped.splitlines() if line.startswith("from_put{"))
    assert put.rpartition(" ")[2] == "-3.0"
    wanted_labels = sorted(f'{key}="{text}"' for key, text in told.items())
    assert sorted(put.partition("{")[2].partition("}")[0].split(",")) == wanted_labels
    assert "theirs 1e-09\n" in scraped


def _check_extra_attribute(monitor: EventMonitor, outside: Outside, publisher: Any) -> None:
    """Every event of an attribute of another device, with the time that the device gave it."""
    told: list[tuple[int, float]] = []

    def note(event: Any) -> None:
        stamp = event.attr_value.time
        at = stamp.tv_sec * 10**9 + stamp.tv_usec * 1000 + stamp.tv_nsec
        told.append((at, float(event.attr_value.value)))

    proxy = tango.DeviceProxy(publisher.device)
    index = proxy.subscribe_event("number", tango.EventType.CHANGE_EVENT, note)
    first = _first_to_both(publisher, outside, told)
    publisher.push(steps=20)
    monitor.wait(lambda: told[-1][1] == first + 20, "all events")
    proxy.unsubscribe_event(index)
    truth = [one for one in told if one[1] >= first]
    assert [value for _, value in truth] == [float(step) for step in range(first, first + 21)]
    for told_by in (outside.otlp, outside.elastic, outside.opentsdb):
        monitor.wait(partial(_has, told_by, first + 20), f"all of {told_by}")
    wanted_labels = {("device", publisher.device), ("name", "number")}
    for found in (extras(outside.otlp, first), extras(outside.elastic, first)):
        assert sorted((one.at_ns, one.value) for one in found) == truth
        assert all(wanted_labels <= one.labels for one in found)
    put = extras(outside.opentsdb, first)
    in_ms = {at // 1_000_000: value for at, value in truth}
    assert {one.at_ns: one.value for one in put} == in_ms
    assert len(put) == len(in_ms)


def _first_to_both(publisher: Any, outside: Outside, told: list[tuple[int, float]]) -> int:
    """Push one by one until one has come here and to the monitor; its number.

    ZMQ connects in the background: what is pushed right after a subscription may go nowhere.
    """

    def come(push: int) -> bool:
        return bool(told) and told[-1][1] == push and _has(outside.otlp, push)

    for push in range(1, 41):
        publisher.push(steps=1)
        with suppress(OutOfTimeError):
            wait_until(partial(come, push), f"event {push}", limit_seconds=3.0)
            return push
    raise AssertionError("no event of the attribute comes to both")


def _has(told_by: Callable[..., Iterable[Sent]], push: int) -> bool:
    return any(one.value == push for one in extras(told_by, push))


def extras(told_by: Callable[..., Iterable[Sent]], first: int) -> list[Sent]:
    """Points of the attribute from the push with this number on."""
    return [one for one in told_by(metric="device_attribute") if one.value >= first]

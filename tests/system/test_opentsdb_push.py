"""Losses of real servers: the same numbers in Snapshots, VictoriaMetrics and answers to Grafana."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.model.mark import Mark, MarkKind
from stem_device.model.options import Options
from stem_device.model.snapshot import ServerRecord, Snapshot
from stem_device.monitor import Monitor
from stem_device.opentsdb.answer_json import answer_json
from stem_device.opentsdb.engine import answer
from stem_device.opentsdb.limits import Budget, Limits
from stem_device.opentsdb.pushing import OpenTsdbPusher, parse_endpoint
from stem_device.opentsdb.pushing.names import valid_name
from stem_device.opentsdb.request import checked, decode
from stem_device.opentsdb.window import LiveWindow
from tests.system.event_monitors import event_monitor
from tests.system.harness import ServerFactory, VictoriaMetrics, lose

pytestmark = pytest.mark.needs("victoria-metrics")

NS = 1_000_000

OF_ALL: dict[str, Callable[[Snapshot], int]] = {
    "stem_events_published_total": lambda told: told.counts.published,
    "stem_events_received_total": lambda told: told.counts.received,
    "stem_events_missed_total": lambda told: told.counts.missed,
    "stem_gaps_total": lambda told: told.counts.gaps,
    "stem_polls_total": lambda told: told.poll,
}
OF_A_SUBSCRIBER: dict[str, Callable[[ServerRecord], int]] = {
    "stem_subscriber_events_received_total": lambda told: told.counts.received,
    "stem_subscriber_events_missed_total": lambda told: told.counts.missed,
}


def pusher(port: int, scheme: str, name: str) -> OpenTsdbPusher:
    endpoint = parse_endpoint(f"{scheme}://127.0.0.1:{port}")
    return OpenTsdbPusher(endpoint, {"monitor": name})


@contextmanager
def running(monitor: Monitor) -> Iterator[Monitor]:
    monitor.start()
    try:
        yield monitor
    finally:
        monitor.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def lose_events(monitor: Monitor, servers: ServerFactory) -> int:
    """How many a slow subscriber lost, by what its callback was called with."""
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    for server in (publisher, subscriber):
        monitor.add_target(server.name)
    with running(monitor):
        wait_until(lambda: monitor.snapshot and len(monitor.snapshot.servers) == 2, "both servers")
        _, truth = lose(publisher, subscriber, index)
        wait_until(
            lambda: monitor.snapshot and monitor.snapshot.counts.missed == truth.missing, "what was missed"
        )
    return truth.missing


def test_the_same_numbers_everywhere(servers: ServerFactory, tmp_path: Path) -> None:
    monitor = Monitor(Options(poll_period=1.0))
    polls: list[Snapshot] = []
    monitor.at_each_poll(polls.append)
    window = LiveWindow()
    with VictoriaMetrics(tmp_path) as victoria:
        ways = [
            pusher(victoria.http_port, "http", "by-http"),
            pusher(victoria.telnet_port, "opentsdb", "by-telnet"),
            pusher(free_port(), "http", "nowhere"),
        ]
        http, telnet, dead = (
            monitor.add_consumer(one, name)
            for one, name in zip(ways, ("http", "telnet", "dead"), strict=True)
        )
        monitor.add_consumer(window, "window")
        missed = lose_events(monitor, servers)
        assert missed > 0
        assert (http.health.sent, http.health.failed) == (len(polls), 0), http.health.last_error
        assert (telnet.health.sent, telnet.health.failed) == (len(polls), 0), telnet.health.last_error
        assert (dead.health.sent, dead.health.failed) == (0, len(polls))
        assert "ConnectionRefusedError" in dead.health.last_error
        assert (ways[2].points_sent, ways[0].points_failed) == (0, 0)
        assert ways[2].points_failed == ways[0].points_sent == ways[1].points_sent > 0
        last_second = polls[-1].time_utc_ns // 10**9 * 1000
        victoria.wait_for(
            'stem_polls_total{monitor="by-telnet"}',
            lambda found: last_second in next(iter(found.values()), {}),
        )
        check_by_http(victoria, polls)
        check_by_telnet(victoria, polls)
    check_by_questions(window, polls)
    assert polls[-1].counts.missed == missed


def test_a_device_pushes_by_its_property(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    with VictoriaMetrics(tmp_path) as victoria:
        url = f"http://127.0.0.1:{victoria.http_port}"
        properties = {"OpenTsdbUrl": [url]}
        with event_monitor(database, tmp_path, [target.name], properties=properties) as monitor:
            assert list(monitor.proxy.outletNames) == ["marks", "opentsdb"]
            monitor.wait_polls(2)
            name = monitor.name.partition("://")[2].partition("/")[2]
            stored = victoria.wait_for("stem_servers", bool)
            assert {dict(tags)["monitor"] for tags in stored} == {name}
    with event_monitor(database, tmp_path, [target.name], properties=properties) as monitor:
        monitor.wait(lambda: list(monitor.proxy.outletFailed)[-1] > 2, "polls that nobody took")
        assert "ConnectionRefusedError" in str(list(monitor.proxy.outletErrors)[-1])
        monitor.wait_polls(2)


def test_a_property_that_cannot_be_used_is_told(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with event_monitor(database, tmp_path) as monitor:
        device = monitor.name.partition("://")[2].partition("/")[2]
        for properties, said in (
            ({"OpenTsdbUrl": ["http://me:hush@db"]}, "must not contain a user or a password"),
            (
                {"OpenTsdbUrl": ["https://db"], "OpenTsdbCaFile": ["/no.pem"]},
                "OpenTsdbCaFile: cannot be used",
            ),
            ({"OpenTsdbTokenFile": ["/no.token"]}, "OpenTsdbTokenFile: cannot be read"),
        ):
            database.put_properties(device, properties)
            monitor.proxy.Init()
            assert monitor.proxy.state() == tango.DevState.FAULT
            assert said in monitor.status
            assert "hush" not in monitor.status


def test_the_command_line_pushes_too(servers: ServerFactory, tmp_path: Path) -> None:
    pytest.importorskip("typer")
    target = servers()
    with VictoriaMetrics(tmp_path) as victoria:
        url = f"opentsdb://127.0.0.1:{victoria.telnet_port}"
        line = [sys.executable, "-m", "stem_device", "monitor", target.name, "-p", "0.3", "-c", "3"]
        done = subprocess.run(
            [*line, "--opentsdb-url", url], check=False, capture_output=True, text=True, timeout=90
        )
        assert done.returncode == 0, done.stderr
        stored = victoria.wait_for("stem_polls_total", bool)
        assert {dict(tags)["monitor"] for tags in stored} == {valid_name(socket.gethostname())}


def check_by_http(victoria: VictoriaMetrics, polls: list[Snapshot]) -> None:
    last = polls[-1].time_utc_ns // NS
    victoria.wait_for(
        'stem_polls_total{monitor="by-http"}', lambda found: last in next(iter(found.values()), {})
    )
    for metric, of in OF_ALL.items():
        stored = victoria.export(f'{metric}{{monitor="by-http"}}')
        assert stored == {(("monitor", "by-http"),): {told.time_utc_ns // NS: of(told) for told in polls}}, (
            metric
        )
    for metric, of_server in OF_A_SUBSCRIBER.items():
        stored = victoria.export(f'{metric}{{monitor="by-http"}}')
        expected: dict[str, dict[int, int]] = {}
        for told in polls:
            for server in told.servers:
                if server.age_seconds is not None:
                    points = expected.setdefault(valid_name(server.name), {})
                    points[told.time_utc_ns // NS] = of_server(server)
        assert {dict(tags)["subscriber"]: points for tags, points in stored.items()} == expected, metric


def check_by_telnet(victoria: VictoriaMetrics, polls: list[Snapshot]) -> None:
    """VictoriaMetrics keeps whole seconds of these."""
    for metric, of in OF_ALL.items():
        (points,) = victoria.export(f'{metric}{{monitor="by-telnet"}}').values()
        by_second: dict[int, set[float]] = {}
        for told in polls:
            by_second.setdefault(told.time_utc_ns // (1000 * NS) * 1000, set()).add(of(told))
        for at, value in points.items():
            assert value in by_second[at], metric


def check_by_questions(window: LiveWindow, polls: list[Snapshot]) -> None:
    window.mark(
        Mark(
            kind=MarkKind.BEGIN,
            run="burst",
            name="begin",
            emitted_utc_ns=polls[1].time_utc_ns,
            received_utc_ns=0,
            received_monotonic_ns=0,
        )
    )
    body = {
        "start": polls[0].time_utc_ns // NS,
        "end": polls[-1].time_utc_ns // NS,
        "queries": [{"metric": metric, "aggregator": "sum"} for metric in OF_ALL],
        "msResolution": True,
        "showQuery": True,
        "globalAnnotations": True,
    }
    request = checked(decode(json.dumps(body).encode()), 0, Limits())
    told = json.loads(answer_json(answer(window, request, Budget(Limits()))))
    assert [one["metric"] for one in told] == list(OF_ALL)
    for one in told:
        values = {told.time_utc_ns // NS: OF_ALL[one["metric"]](told) for told in polls}
        assert {int(at): value for at, value in one["dps"].items()}.items() <= values.items()
        assert one["dps"][str(polls[-1].time_utc_ns // NS)] == OF_ALL[one["metric"]](polls[-1])
        (mark,) = one["globalAnnotations"]
        assert (mark["description"], mark["startTime"]) == ("burst: begin", polls[1].time_utc_ns // 10**9)

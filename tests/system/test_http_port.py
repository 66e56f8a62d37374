"""The port of a real device, of ``stem monitor`` and of ``stem serve``."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory
from tests.system.stem_process import Stem, stem

pytest.importorskip("h5py")
pytest.importorskip("plotly")
pytest.importorskip("typer")
pytest.importorskip("uvicorn")


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=90) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def url_of(monitor: EventMonitor) -> str:
    return str(monitor.wait(lambda: monitor.value("httpUrl"), "the port"))


def value(text: str, metric: str) -> float:
    return float(re.findall(rf"^{re.escape(metric)} (\S+)$", text, re.M)[0])


def test_the_port_of_a_device(database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path) -> None:
    target = servers()
    target.subscriber.subscribe(target.publisher)
    with event_monitor(database, tmp_path, [target.name], properties={"HttpAddress": ["0"]}) as monitor:
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        url = url_of(monitor)
        assert f"Serving {url}." in monitor.status
        target.publisher.push(steps=3)
        monitor.wait(lambda: monitor.value("totalReceivedEvents") == 3, "three events")
        wait_until(lambda: value(get(f"{url}/metrics")[1], "stem_events_received_total") == 3, "the scrape")
        snapshot = json.loads(get(f"{url}/snapshot?server={target.name}")[1])
        assert snapshot["totals"]["received"] == 3
        assert [row["received"] for row in snapshot["servers"][0]["subscriptions"]] == [3]
        monitor.proxy.BeginRun(json.dumps({"run": "nightly-1"}))
        page = get(f"{url}/")
        assert page[0] == 200, page
        assert "nightly-1" in page[1]
        assert json.loads(get(f"{url}/health")[1])["status"] == "ok"
        assert get(f"{url}/none")[0] == 404
        monitor.proxy.Init()
        assert json.loads(get(f"{url_of(monitor)}/health")[1])["status"] == "ok"


def test_a_port_that_cannot_be_opened_is_told_and_monitoring_goes_on(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        properties = {"HttpAddress": [address]}
        with event_monitor(database, tmp_path, [target.name], properties=properties) as monitor:
            monitor.wait(lambda: monitor.value("monitoredServers") == 1, "the server")
            monitor.wait_polls(3)
            assert f"The HTTP port is not open: HttpAddress {address} cannot be opened" in monitor.status
            assert monitor.proxy.state() == tango.DevState.ALARM
            taken.close()
            monitor.wait(lambda: monitor.value("httpUrl"), "that it is tried again", 40.0)
            monitor.wait_polls(2)
            assert "not open" not in monitor.status


def test_hostile_clients_cost_no_poll(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    target = servers()
    properties = {"HttpAddress": ["0"], "PollPeriod": ["0.2"]}
    with (
        event_monitor(database, tmp_path, [target.name], properties=properties) as monitor,
        ExitStack() as stack,
    ):
        host, _, port = url_of(monitor).partition("//")[2].partition(":")
        monitor.wait_polls(5)
        overruns = monitor.value("pollOverruns")
        memory = _rss(monitor)
        begun = int(str(monitor.value("pollNumber")))
        for number in range(150):
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            with suppress(OSError):
                connection.sendall(_HOSTILE[number % len(_HOSTILE)])
        monitor.wait(lambda: int(str(monitor.value("pollNumber"))) >= begun + 25, "25 polls")
        assert int(str(monitor.value("pollOverruns"))) - int(str(overruns)) <= 2  # the machine may be busy
        assert _rss(monitor) - memory < 100_000_000


_HOSTILE = (
    b"",
    b"\x00" * 10_000,
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
    b"POST /snapshot HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000,
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100,
    b"GET /snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
)


def _rss(monitor: EventMonitor) -> int:
    pages = Path(f"/proc/{monitor.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def served(run: Stem) -> str:
    """Where it says that it serves."""

    def told() -> str:
        assert run.process.poll() is None, run.errors
        found = re.search(r"serving (http://\S+)/", run.errors)
        return found[1] if found else ""

    return wait_until(told, "where it serves", limit_seconds=90)


def _sentence(page: str) -> Any:
    """The headline of a report page."""
    return re.search(r"<h1[^>]*>.*?</h1>", page, re.S)


def test_stem_monitor_and_stem_serve(
    servers: ServerFactory, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    target = servers()
    target.subscriber.subscribe(target.publisher)
    arguments = ("monitor", target.name, "-p", "0.2", "-m", "-o", "run.h5", "--http", "0")
    with stem(tmp_path, *arguments, tango_host=database.tango_host) as run:
        url = served(run)
        wait_until(lambda: get(f"{url}/ready")[0] == 200, "the first poll", limit_seconds=60)
        target.publisher.push(steps=5)
        wait_until(lambda: value(get(f"{url}/metrics")[1], "stem_events_received_total") == 5, "the events")
        live = get(f"{url}/metrics")[1]
        run.signal(signal.SIGINT)
        assert run.wait() == 0, run.errors
    with stem(tmp_path, "serve", "run.h5", "--http", "0", tango_host="nowhere:1") as run:
        url = served(run)
        recorded = get(f"{url}/metrics")[1]
        for metric in (
            "stem_events_published_total",
            "stem_events_received_total",
            "stem_events_missed_total",
        ):
            assert value(recorded, metric) == value(live, metric)
        assert "stem_processing_seconds_bucket" in recorded
        assert json.loads(get(f"{url}/snapshot")[1])["totals"]["received"] == 5
        page = get(f"{url}/")[1]
        run.signal(signal.SIGINT)
        assert run.wait() == 0, run.errors
    with stem(tmp_path, "report", "run.h5", "-o", "page.html", tango_host="nowhere:1") as run:
        assert run.wait() == 0, run.errors
    reported = (tmp_path / "page.html").read_text()
    made = re.compile(r"Made by stem-device.*?(?=<)", re.S)
    assert made.sub("", page) == made.sub("", reported)


def test_stem_serve_tells_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "none.h5").write_text("no recording")
    with stem(tmp_path, "serve", "none.h5", tango_host="nowhere:1") as run:
        assert run.wait() == 1
        assert "none.h5" in run.errors
    with stem(tmp_path, "serve", "none.h5", "--http", "host", tango_host="nowhere:1") as run:
        assert run.wait() == 2
        assert "--http: must be a port of this machine alone" in run.errors

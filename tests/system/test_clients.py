"""Clients that are no device servers, watched by a real EventMonitor: counted with what they counted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import Server, ServerFactory

SCRIPT = Path(__file__).with_name("watched_client.py")
QUEUE = 100


class Client:
    """One running watched_client.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, question: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(question, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def end(self) -> int:
        assert self.process.stdin is not None
        print("end", file=self.process.stdin, flush=True)
        return self.process.wait(20)

    def wait_last(self, number: int) -> dict[str, Any]:
        def arrived() -> dict[str, Any] | None:
            counts: dict[str, Any] = self.ask("counts")
            return counts if counts["last"] == number else None

        return wait_until(arrived, f"event {number} at the client", limit_seconds=60)


@contextmanager
def client(tango_host: str, device: str, monitor: str, *, delay: float = 0.0) -> Iterator[Client]:
    environment = {**os.environ, "TANGO_HOST": tango_host, "TANGO_EVENT_BUFFER_HWM": str(QUEUE)}
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), device, monitor, str(delay), "Synoptic View"],
        env=environment,
        cwd=SCRIPT.parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Client(process)
        finally:
            process.kill()


@pytest.fixture
def publisher(servers: ServerFactory) -> Server:
    return servers()


def push(publisher: Server, steps: int = 1) -> None:
    """Large events, so that the queues are soon full."""
    publisher.publisher.push("waveform", steps=steps)


def _wait_still(script: Client) -> None:
    """Until the client has worked off what was in its queues, which is less than was pushed."""
    seen: list[int] = []

    def still() -> bool:
        seen.append(script.ask("counts")["events"])
        time.sleep(0.2)
        return seen[-3:] == [seen[-1]] * 3

    wait_until(still, "the client to be idle", limit_seconds=60)


def row_of(monitor: EventMonitor) -> dict[str, Any] | None:
    """The client in the latest Snapshot."""
    found = json.loads(monitor.proxy.QuerySnapshot()).get("servers", ())
    return next((one for one in found if one["name"].startswith("client/synoptic_view/")), None)


def subscribed(monitor: EventMonitor) -> dict[str, Any] | None:
    row = row_of(monitor)
    return row if row and row["subscriptions"] else None


def test_what_a_script_lost_is_what_it_counted(
    publisher: Server, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    """Told by its own numbers, from being unseen to the end of the process."""
    with (
        event_monitor(database, tmp_path, [publisher.name]) as monitor,
        client(database.tango_host, publisher.publisher.device, monitor.name, delay=0.001) as script,
    ):
        time.sleep(0.3)  # ZeroMQ connects, and tells nobody
        push(publisher, 20)
        script.wait_last(20)
        monitor.wait(lambda: monitor.value("streamsWithUnseenSubscribers") == 1, "the unseen one")

        assert script.ask("watch") < 0.5
        row = monitor.wait(lambda: subscribed(monitor), "the client")
        assert row["state"] == "monitored"
        assert monitor.value("clientCount") == 1
        monitor.wait(lambda: monitor.value("streamsWithUnseenSubscribers") == 0, "it to be seen")
        monitor.wait(lambda: "known subscriptions: 1 in 1 server" in monitor.status, "it to be counted")

        monitor.proxy.StartPerformanceMonitoring()
        monitor.wait(lambda: (row_of(monitor) or {}).get("sampling"), "the client to sample")
        push(publisher, 6000)
        _wait_still(script)
        push(publisher)
        counts = script.wait_last(6021)
        lost = 6021 - counts["events"]
        assert lost > 0
        monitor.wait(lambda: monitor.value("totalMissedEvents") == lost, f"{lost} missed events")
        found = row_of(monitor)
        assert found is not None
        row = found
        (subscription,) = row["subscriptions"]
        assert (subscription["missed"], subscription["overdue"]) == (lost, 0)
        assert subscription["received"] + 20 == counts["events"]
        assert monitor.proxy.state() == tango.DevState.ALARM
        assert str(monitor.value("worstSubscription")).count(row["name"]) == 1
        assert monitor.value("worstCause") in {"burst", "callback_slow", "starting"}

        assert script.end() == 0
        row = monitor.wait(lambda: _in_state(monitor, "not exported"), "the end to be told")
        assert row["reason"] == "it has ended"
        assert [one["missed"] for one in row["subscriptions"]] == [lost]
        assert monitor.value("totalUnaccountedEvents") == 0


def _in_state(monitor: EventMonitor, state: str) -> dict[str, Any] | None:
    row = row_of(monitor)
    return row if row and row["state"] == state else None


def test_a_monitor_that_hangs_or_is_away_costs_the_client_nothing(
    publisher: Server, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    with (
        event_monitor(database, tmp_path, [publisher.name]) as monitor,
        client(database.tango_host, publisher.publisher.device, monitor.name) as script,
    ):
        script.ask("watch")
        monitor.wait(lambda: subscribed(monitor), "the client")
        script.ask("counts")
        monitor.process.signal(signal.SIGSTOP)
        try:
            wait_until(lambda: script.ask("counts")["lost"], "a report to be lost")
            push(publisher, 5)
            counts = script.wait_last(5)
            assert counts["longest_pause"] < 0.5
        finally:
            monitor.process.signal(signal.SIGCONT)
        wait_until(lambda: not script.ask("counts")["problem"], "reports to be taken again")

        monitor.process.stop()
        wait_until(lambda: script.ask("counts")["problem"], "it to be noticed")
        assert script.ask("counts")["longest_pause"] < 0.5
        monitor.process.start()
        monitor.wait(lambda: subscribed(monitor), "the client at the next life of the monitor")

        # Killed, it is silent: how many events it waits for is not 0, and State says so.
        monitor.process.signal(signal.SIGSTOP)
        begun = time.monotonic()
        assert script.end() == 0  # and its end waits for no monitor
        assert time.monotonic() - begun < 5
        monitor.process.signal(signal.SIGCONT)


@pytest.mark.matrix
def test_one_that_is_killed_is_silent_and_an_alarm(
    publisher: Server, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    with (
        event_monitor(database, tmp_path, [publisher.name]) as monitor,
        client(database.tango_host, publisher.publisher.device, monitor.name) as script,
    ):
        script.ask("watch")
        monitor.wait(lambda: subscribed(monitor), "the client")
        script.process.kill()
        row = monitor.wait(lambda: _in_state(monitor, "unreachable"), "it to be silent")
        assert "its last report came at" in row["reason"]
        monitor.wait(lambda: "has not answered" in monitor.status, "the alarm", limit_seconds=30)
        assert monitor.proxy.state() == tango.DevState.ALARM


def test_refused_reports_are_told_and_counted(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with event_monitor(database, tmp_path, properties={"MaxClients": ["1"]}) as monitor:
        for report in ("", "{}", '{"version": 1, "name": "\\u2603", "host": "h", "pid": 1, "texts": ["{}"]}'):
            with pytest.raises(tango.DevFailed) as raised:
                monitor.proxy.ReportClient(report)
            assert raised.value.args[0].reason == "STEM_ClientReportError"
            assert "docs/reference/clients.md" in raised.value.args[0].desc
        monitor.wait(lambda: monitor.value("refusedClientReports") == 3, "them to be counted")
        assert "letter or digit" in str(monitor.value("lastClientRefusal"))
        monitor.wait(lambda: "a report of a client was refused" in monitor.status, "Status to tell")

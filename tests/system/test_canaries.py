"""Canaries of a real monitor, at a publisher of a Tango that nobody patched and that tells nothing itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess
from tests.needs import old_tango
from tests.system.event_monitors import EventMonitor, event_monitor

PROGRAM = Path(__file__).with_name("beating_server.py")
DEVICE = "test/beating/1"
BEAT, NUMBER = 0, 1


@pytest.fixture
def beating(database: EmbeddedDatabase, tmp_path: Path) -> Iterator[ChildProcess]:
    database.add_server("beating_server/1", [("BeatingDevice", DEVICE)])
    process = ChildProcess(
        [str(old_tango("9.5")), str(PROGRAM), "1", *LOOPBACK],
        log=tmp_path / "beating.log",
        environment={**os.environ, "TANGO_HOST": database.tango_host},
        ready_line=READY_LINE,
    )
    with process:
        yield process


def canary(monitor: EventMonitor, index: int) -> dict[str, Any]:
    names = (
        "Names",
        "Events",
        "Problems",
        "ProducedEvents",
        "ReceivedEvents",
        "LostEvents",
        "InFlightEvents",
    )
    values = {name: monitor.value(f"canary{name}") for name in (*names, "RoundTrips", "Latencies", "Ages")}
    return {name: value[index] if value is not None else None for name, value in values.items()}


@pytest.mark.needs("tango-9.5")
def test_what_arrives_from_a_publisher_that_cannot_be_asked(
    beating: ChildProcess, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    properties = {"CanaryAttributes": [f"{DEVICE}/beat", f"{DEVICE}/number"], "CanaryLimit": ["1"]}
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        monitor.wait(lambda: list(monitor.value("canaryEvents") or ()) == ["periodic", "change"], "both")
        monitor.wait(lambda: canary(monitor, BEAT)["ReceivedEvents"] >= 10, "ten beats")
        beat = canary(monitor, BEAT)
        assert (beat["Names"], beat["Problems"], beat["LostEvents"]) == (f"{DEVICE}/beat", "", 0)
        assert beat["ProducedEvents"] == beat["ReceivedEvents"] + beat["InFlightEvents"]
        assert 0 < beat["RoundTrips"] < 1
        assert abs(beat["Latencies"]) < 1
        assert 0 <= beat["Ages"] < 2

        time.sleep(0.3)  # ZeroMQ connects, and tells nobody
        device = tango.DeviceProxy(f"tango://{database.tango_host}/{DEVICE}")
        device.Push(250)
        monitor.wait(lambda: canary(monitor, NUMBER)["ReceivedEvents"] == 250, "what was pushed")
        monitor.wait(lambda: canary(monitor, NUMBER)["ProducedEvents"] == 250, "the counters of this process")
        number = canary(monitor, NUMBER)
        # What it has pushed and not yet sent no Tango of that age tells: that is not 0.
        assert (number["LostEvents"], number["InFlightEvents"]) == (0, -1)

        beating.signal(signal.SIGSTOP)
        monitor.wait(lambda: canary(monitor, BEAT)["LostEvents"] > 0, "what is due to be lost")
        assert "due do not arrive" in canary(monitor, BEAT)["Problems"]
        assert "the canary test/beating/1/beat" in monitor.status
        beating.signal(signal.SIGCONT)
        monitor.wait(lambda: not canary(monitor, BEAT)["Problems"], "it to beat again")


@pytest.mark.needs("tango-9.5")
def test_the_verdict_is_clear_where_all_that_is_due_arrives(
    beating: ChildProcess, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    """Its publisher cannot be asked: what is overdue of a period is known without that."""

    properties = {"CanaryAttributes": [f"{DEVICE}/beat"], "AlarmHoldTime": ["5"]}
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        monitor.wait(lambda: monitor.level == "clear", "an all-clear")
        assert monitor.value("overdueEvents") == 0
        beating.signal(signal.SIGSTOP)
        monitor.wait(lambda: monitor.level != "clear", "what is due not to come")
        beating.signal(signal.SIGCONT)
        monitor.wait(lambda: monitor.level == "clear", "all to come again")
        assert monitor.value("totalMissedEvents") == 0


@pytest.mark.matrix
@pytest.mark.needs("tango-9.5")
def test_what_is_pushed_from_code_is_known_with_the_tap(
    beating: ChildProcess, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    """Nothing but its publisher tells how often it was pushed: the tap does, from the first event on."""
    canaries = {"CanaryAttributes": [f"{DEVICE}/number"]}
    device = tango.DeviceProxy(f"tango://{database.tango_host}/{DEVICE}")
    for tapped in (False, True):
        properties = {**canaries, **({"TapPublishers": ["unsupported"]} if tapped else {})}
        with event_monitor(database, tmp_path, properties=properties) as monitor:
            monitor.wait(lambda: list(monitor.value("canaryEvents") or ()) == ["change"], "the canary")
            if tapped:
                monitor.wait(lambda: '"tapped"' in monitor.proxy.QuerySnapshot(), "the tap")
            time.sleep(0.5)  # ZeroMQ connects, and tells nobody
            device.Push(250)
            monitor.wait(lambda: canary(monitor, 0)["ReceivedEvents"] == 250, "what was pushed")
            known = (250, 0, 0) if tapped else (250, 0, -1)
            names = ("ProducedEvents", "LostEvents", "InFlightEvents")
            monitor.wait(
                lambda: tuple(canary(monitor, 0)[name] for name in names) == known,  # noqa: B023
                "what is known of it",
            )
            level = "clear" if tapped else "unknown"
            monitor.wait(lambda: monitor.level == level, level)  # noqa: B023


@pytest.mark.matrix
@pytest.mark.needs("tango-9.5")
def test_a_publisher_that_is_frozen_is_not_heard_any_more(
    beating: ChildProcess, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    """After two missed heartbeats, though it cannot be asked and nothing was pushed."""
    properties = {"CanaryAttributes": [f"{DEVICE}/number"], "ListenToHeartbeats": ["true"]}
    with event_monitor(database, tmp_path, properties=properties) as monitor:
        monitor.wait(lambda: list(monitor.value("canaryEvents") or ()) == ["change"], "the canary")
        time.sleep(25)
        assert list(monitor.value("silentPublishers") or ()) == []
        beating.signal(signal.SIGSTOP)
        begun = time.monotonic()
        monitor.wait(lambda: len(monitor.value("silentPublishers") or ()) == 1, "silence", limit_seconds=40)
        assert time.monotonic() - begun > 10
        assert "no heartbeat of tango://" in monitor.status
        assert "it is dead or frozen" in monitor.status
        beating.signal(signal.SIGCONT)
        monitor.wait(
            lambda: not len(monitor.value("silentPublishers") or ()), "it to be heard", limit_seconds=30
        )

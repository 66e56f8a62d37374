"""Attributes called Température: shown as they are called wherever a name is shown.

Of the names that a PyTango server has, only those of attributes can be beyond ASCII: it does not start with a
device (the database refuses its export) or an instance (it is not found) of such a name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import tango

from stem_device import open_recording
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import OutOfTimeError, wait_until
from tests.system.accented_devices import DYNAMIC, KINDS, SERVER, STATIC
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory
from tests.system.stem_process import stem

pytestmark = [pytest.mark.extras, pytest.mark.timeout(180)]

MODULE = "tests.system.accented_devices"
SUBSCRIPTIONS = len(KINDS) * len((STATIC, DYNAMIC))
HELD = 5


@dataclass(frozen=True)
class System:
    """``streams``: the names of those that both servers have, in lower case."""

    tango_host: str
    streams: frozenset[str]
    monitor: EventMonitor


@pytest.fixture(scope="module")
def system(
    database: EmbeddedDatabase,
    module_servers: ServerFactory,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    """Its display received one event of each, and hangs in another while the rest is overdue."""
    prefix = f"tango://{database.tango_host}"
    for instance, kind in (("p", "Thermometer"), ("s", "Display")):
        device = f"accented/{kind.lower()}/1"
        module_servers.start(MODULE, instance, register=(f"{SERVER}/{instance}", [(kind, device)]))
    thermometer, display = (
        tango.DeviceProxy(f"{prefix}/accented/{name}/1") for name in ("thermometer", "display")
    )
    display.Subscribe("accented/thermometer/1")

    def arrive() -> bool:
        # ZeroMQ connects in the background: what is pushed before goes nowhere.
        before = display.Count()
        thermometer.Push(1)
        with suppress(OutOfTimeError):
            wait_until(lambda: display.Count() >= before + SUBSCRIPTIONS, "them", limit_seconds=0.5)
            return True
        return False

    wait_until(arrive, "an event of each")
    streams = {
        f"{prefix}/accented/thermometer/1/{name.lower()}.{kind}"
        for name in (STATIC, DYNAMIC)
        for kind in ("change", "user_event")
    }
    folder = tmp_path_factory.mktemp("accented")
    with event_monitor(database, folder, [f"dserver/{SERVER}/*"]) as monitor:
        monitor.wait_polls(2)
        display.Hold()
        thermometer.Push(HELD)
        monitor.wait(
            lambda: monitor.value("overdueEvents") >= SUBSCRIPTIONS * (HELD - 1), "the rest to be overdue"
        )
        try:
            yield System(database.tango_host, frozenset(streams), monitor)
        finally:
            display.GoOn()


def test_status_and_attributes(system: System) -> None:
    monitor = system.monitor
    monitor.wait(lambda: STATIC.lower() in monitor.status, "the name in Status")
    assert "Ã" not in monitor.status
    shown = " ".join(monitor.proxy.worstSubscriptions)
    assert {STATIC.lower(), DYNAMIC.lower()} <= set(shown.replace(".", "/").split("/"))
    assert "Ã" not in shown


def test_json(system: System) -> None:
    full = json.loads(system.monitor.proxy.QuerySnapshot())
    streams = {stream["name"] for server in full["servers"] for stream in server["streams"]}
    assert {name.lower() for name in streams} == system.streams
    subscriptions = [one for server in full["servers"] for one in server["subscriptions"]]
    assert {one["stream"] for one in subscriptions} == system.streams
    assert all(one["overdue"] for one in subscriptions)
    latest = json.loads(system.monitor.value("latestSnapshot"))
    assert STATIC.lower() in json.dumps(latest, ensure_ascii=False)


def test_recording_monitor_and_statistics(system: System, tmp_path: Path) -> None:
    file = str(tmp_path / "names.h5")
    arguments = ("--poll-period", "0.5", "--polls", "3", "--output", file)
    with stem(
        tmp_path, "monitor", f"dserver/{SERVER}/*", *arguments, tango_host=system.tango_host
    ) as watched:
        assert watched.wait() == 0, watched.errors
    shown = {line["stream"].lower() for line in watched.kinds("stream-new")}
    assert shown == system.streams
    with open_recording(file) as recording:
        recorded = {str(name).lower() for name in recording.names}
    assert system.streams <= recorded
    for command in ("stats", "why"):
        with stem(tmp_path, command, file) as told:
            told.wait()
        assert STATIC.lower() in told.output.lower(), told.output + told.errors
        assert "Ã" not in told.output
    with stem(tmp_path, "export", file, "--output", "names.jsonl") as exported:
        assert exported.wait() == 0, exported.errors
    assert f"{STATIC.lower()}.change" in (tmp_path / "names.jsonl").read_text().lower()

"""What the chart runs in its pod, run here: the device is where Service, policy and probes look."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import READY_LINE, ChildProcess, wait_until
from tests.chart_values import CHART
from tests.needs import helm
from tests.system.harness import ServerFactory

pytest.importorskip("yaml")
pytest.importorskip("uvicorn")

import yaml

pytestmark = pytest.mark.needs("helm")

PROGRAMS = Path(sys.executable).parent
DEVICE = "test/eventmon/chart"


class Running(NamedTuple):
    """The container of the pod as a process here; ``ports`` by their names in the chart."""

    process: ChildProcess
    container: dict[str, Any]
    test: list[dict[str, Any]]
    ports: dict[str, int]
    environment: dict[str, str]


@pytest.fixture
def running(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Running]:
    """A parameter is the value ``publishAddress``."""
    with ExitStack() as held:
        free = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        numbers = [one.getsockname()[1] for one in free]
    ports = dict(zip(("tango", "events", "heartbeat", "http"), numbers, strict=True))
    values = {
        "tangoHost": database.tango_host,
        "device": DEVICE,
        "instance": "chart",
        "port": ports["tango"],
        "eventPort": ports["events"],
        "heartbeatPort": ports["heartbeat"],
        "publishAddress": getattr(request, "param", ""),
        "http": {"port": ports["http"], "address": "127.0.0.1"},
        "properties": {"TargetDevices": [servers().name], "PollPeriod": 0.2},
    }
    objects = _made(tmp_path, values)
    pod = next(one for one in objects if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    test = next(one for one in objects if one["kind"] == "Pod")["spec"]["containers"]
    (register,), (container,) = pod["initContainers"], pod["containers"]
    environment = {**os.environ, **{one["name"]: one["value"] for one in container["env"]}}
    subprocess.run(_here(register, tmp_path), env=environment, check=True, timeout=60, capture_output=True)
    command = _here(container, tmp_path)
    process = ChildProcess(
        command, log=tmp_path / "monitor.log", environment=environment, ready_line=READY_LINE
    )
    with process:
        yield Running(process, container, test, ports, environment)


def _made(folder: Path, values: dict[str, Any]) -> list[dict[str, Any]]:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    told = subprocess.run(
        [str(helm()), "template", "monitor", str(CHART), "--values", str(file)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [one for one in yaml.safe_load_all(told.stdout) if one]


def _here(container: dict[str, Any], folder: Path) -> list[str]:
    """Its command line, on loopback alone and with a directory of this machine."""
    line: list[str] = [*container["command"], *container.get("args", ())]
    program, *others = line
    words = [
        word.replace("giop:tcp::", "giop:tcp:127.0.0.1:").replace("/recordings", str(folder))
        for word in others
    ]
    return [str(PROGRAMS / program), *words]


def test_the_device_listens_where_the_chart_says_and_nowhere_else(running: Running) -> None:
    device = tango.DeviceProxy(f"tango://{running.environment['TANGO_HOST']}/{DEVICE}")
    got: list[bool] = []
    identity = device.subscribe_event(
        "pollNumber", tango.EventType.CHANGE_EVENT, lambda event: got.append(not event.err)
    )
    try:
        # Not the reading at the beginning: two that came as events.
        wait_until(lambda: len(got) > 2, "events")
        assert all(got)
        process = psutil.Process(running.process.pid)
        listening = {
            one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN
        }
        assert listening == set(running.ports.values())
    finally:
        device.unsubscribe_event(identity)


@pytest.mark.parametrize("running", ["localhost"], indirect=True)
def test_clients_outside_get_the_address_that_is_published(running: Running) -> None:
    database = tango.Database(*running.environment["TANGO_HOST"].split(":"))
    ior = bytes.fromhex(database.get_device_info(DEVICE).ior.removeprefix("IOR:"))
    assert b"localhost" in ior
    assert b"127.0.0.1" not in ior
    admin = tango.DeviceProxy(f"tango://{running.environment['TANGO_HOST']}/dserver/EventMonitor/chart")
    words = [DEVICE, "pollNumber", "subscribe", "change", "6"]
    _, told = admin.command_inout("ZmqEventSubscriptionChange", words)
    # Where the server itself listens, and in case that this cannot be reached, what is published.
    assert list(told[:4]) == [
        f"tcp://{host}:{running.ports[port]}"
        for host in ("127.0.0.1", "localhost")
        for port in ("heartbeat", "events")
    ]


def test_the_probes_and_the_test_of_the_chart_pass(running: Running) -> None:
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = running.container[probe]["httpGet"]
        url = f"http://127.0.0.1:{running.ports[asked['port']]}{asked['path']}"
        answer = wait_until(partial(_answer, url), f"{probe} to pass")
        assert answer["status"] == "ok"
    (by_name, by_service) = running.test
    told = subprocess.run(
        [str(PROGRAMS / by_name["command"][0]), *by_name["command"][1:]],
        env=running.environment,
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    program, *others, url = by_service["command"]
    here = url.replace("monitor-stem-device", "127.0.0.1")
    assert here != url
    told = subprocess.run(
        [str(PROGRAMS / program), *others, here], check=True, timeout=60, capture_output=True, text=True
    )
    assert json.loads(told.stdout)["status"] == "ok"


def _answer(url: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except OSError:
        return None

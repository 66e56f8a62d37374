"""A publisher behind a firewall that drops its event port alone, in a network namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import READY_LINE, ChildProcess

_IP = shutil.which("ip") or "/usr/sbin/ip"
DEVICE = "doctor/walled/1"


@contextmanager
def walled_publisher(directory: Path) -> Iterator[tuple[str, str]]:
    """(attribute, TANGO_HOST); the attribute is pushed ten times a second.

    The namespace's own routing rules drop what is for the event port, without a word, as firewalls do: they
    need no program but ``ip``. The addresses are of 198.18.0.0/15, reserved for tests of network devices.
    """
    number = os.getpid() % 10_000
    namespace, near, far = f"stem-wall-{number}", f"stemw{number}", f"stemv{number}"
    here, there = (f"198.19.{number % 250}.{low}" for low in (1, 2))
    folder = directory / "walled"
    folder.mkdir(exist_ok=True)
    _ip("netns", "add", namespace)
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", namespace)
        _ip("addr", "add", f"{here}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", namespace, "addr", "add", f"{there}/30", "dev", far)
        _ip("-n", namespace, "link", "set", far, "up")
        with EmbeddedDatabase(folder, host=here) as database:
            database.add_server("Patient/walled", [("Patient", DEVICE)])
            with _server(namespace, there, database.tango_host, folder):
                _wall(namespace, far, _event_port(database.tango_host))
                yield f"{DEVICE}/pushed", database.tango_host
    finally:
        subprocess.run([_IP, "netns", "del", namespace], check=False)
        subprocess.run([_IP, "link", "del", near], check=False, stderr=subprocess.DEVNULL)


def _server(namespace: str, address: str, tango_host: str, folder: Path) -> ChildProcess:
    module = [sys.executable, "-m", "tests.system.doctor.devices", "walled"]
    return ChildProcess(
        [_IP, "netns", "exec", namespace, *module, "-ORBendPoint", f"giop:tcp:{address}:0"],
        log=folder / "walled.log",
        environment={**os.environ, "TANGO_HOST": tango_host},
        ready_line=READY_LINE,
    )


def _event_port(tango_host: str) -> str:
    """The event endpoint is there from the first subscription on: this is one."""
    admin = tango.DeviceProxy(f"tango://{tango_host}/dserver/patient/walled")
    admin.ZmqEventSubscriptionChange([DEVICE, "pushed", "subscribe", "change", "6"])
    line = next(line for line in admin.ZmqEventSubscriptionChange(["info"])[1] if line.startswith("Event"))
    return str(line.rpartition(":")[2])


def _wall(namespace: str, device: str, port: str) -> None:
    """Drop what comes in for one port; routing looks at the local addresses later than usual."""
    _ip("-n", namespace, "rule", "add", "pref", "20", "lookup", "local")
    drop = ("iif", device, "ipproto", "tcp", "dport", port, "blackhole")
    _ip("-n", namespace, "rule", "add", "pref", "10", *drop)
    _ip("-n", namespace, "rule", "del", "pref", "0")


def _ip(*arguments: str) -> None:
    subprocess.run([_IP, *arguments], check=True, timeout=10)

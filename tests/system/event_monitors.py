"""EventMonitor servers for the system tests of the device."""

from __future__ import annotations

import itertools
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import READY_LINE, ChildProcess, tango_server, wait_until

T = TypeVar("T")

MODULE = "stem_device.device"

_instances = itertools.count(1)


class EventMonitor:
    """One EventMonitor server with one device; ``directory`` is where it may record."""

    def __init__(self, process: ChildProcess, name: str, directory: Path) -> None:
        self.process = process
        self.name = name
        self.directory = directory
        # PyTango declares neither the value of an attribute nor commands.
        self.proxy: Any = tango.DeviceProxy(name)
        self.proxy.set_timeout_millis(20_000)  # the machine may be busy

    @property
    def status(self) -> str:
        return str(self.proxy.status())

    def value(self, attribute: str) -> Any:
        return self.proxy.read_attribute(attribute).value

    def number(self, attribute: str) -> int:
        """The value of an attribute that is a whole number."""
        return int(str(self.value(attribute)))

    @property
    def level(self) -> str:
        """The word of its verdict, "none yet" before the first poll."""
        value = self.value("verdict")
        if value is None:
            return "none yet"
        return str(self.proxy.get_attribute_config("verdict").enum_labels[int(str(value))])

    def wait(self, condition: Callable[[], T | None], what: str, limit_seconds: float = 60.0) -> T:
        return wait_until(condition, f"{what}; Status: {self.status}", limit_seconds=limit_seconds)

    def wait_state(self, state: tango.DevState, limit_seconds: float = 60.0) -> None:
        self.wait(lambda: self.proxy.state() == state, str(state), limit_seconds)

    def wait_polls(self, polls: int = 1) -> None:
        """Wait until that many polls more have ended."""

        def number() -> int:
            reading = self.proxy.read_attribute("pollNumber")
            return int(reading.value) if reading.quality == tango.AttrQuality.ATTR_VALID else 0

        wanted = number() + polls
        self.wait(lambda: number() >= wanted, f"poll {wanted}")


@contextmanager
def event_monitor(
    database: EmbeddedDatabase,
    directory: Path,
    targets: Sequence[str] = (),
    *,
    properties: Mapping[str, Sequence[str]] | None = None,
    module: str = MODULE,
    environment: Mapping[str, str] | None = None,
) -> Iterator[EventMonitor]:
    """One that runs, polling every 0.2 s if not told otherwise. Stopped on exit."""
    instance = f"m{next(_instances)}"
    device = f"test/eventmon/{instance}"
    database.add_server(f"EventMonitor/{instance}", [("EventMonitor", device)])
    defaults = {"PollPeriod": ["0.2"], "RecordingDirectory": [str(directory)]}
    given = {"TargetDevices": list(targets)} if targets else {}
    database.put_properties(device, defaults | given | dict(properties or {}))
    process = tango_server(
        module, instance, log=directory / f"{instance}.log", tango_host=database.tango_host
    )
    process.environment |= environment or {}
    with process:
        yield EventMonitor(process, f"tango://{database.tango_host}/{device}", directory)


@contextmanager
def event_monitor_without_database(directory: Path) -> Iterator[EventMonitor]:
    """One that was started with ``-nodb``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    device = "test/eventmon/nodb"
    arguments = ["nodb", "-nodb", "-dlist", device, "-ORBendPoint", f"giop:tcp:127.0.0.1:{port}"]
    process = ChildProcess(
        [sys.executable, "-m", MODULE, *arguments],
        log=directory / "nodb.log",
        name="EventMonitor nodb",
        environment={name: value for name, value in os.environ.items() if name != "TANGO_HOST"},
        ready_line=READY_LINE,
    )
    with process:
        yield EventMonitor(process, f"tango://127.0.0.1:{port}/{device}#dbase=no", directory)

"""The servers that the doctor is tried on: one database, one set of servers for all faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import READY_LINE, ChildProcess
from stem_device.doctor import Diagnosis, Request, diagnose
from tests.system.harness import Server, ServerFactory

MODULE = "tests.system.doctor.devices"
PATIENT = "doctor/patient/1"
SOUND = "doctor/sound/1"
ROOT = "doctor/sound/2"


class Ward:
    """Started lazily: a fault starts what it needs, and what it breaks is its own."""

    def __init__(self, database: EmbeddedDatabase, servers: ServerFactory, directory: Path) -> None:
        self.database = database
        self.servers = servers
        self.directory = directory
        self._number = 0
        self._shared: dict[str, object] = {}

    def patient(self) -> str:
        """The device with one fault an attribute."""
        if "patient" not in self._shared:
            self._shared["patient"] = self.start("patient", [("Patient", PATIENT)])
        return PATIENT

    def sound(self) -> str:
        """The device without any fault, whose forwarded attribute is another device's."""
        if "sound" not in self._shared:
            roots: Any = {"__root_att": [f"tango://{self.database.tango_host}/{ROOT}/pushed_double"]}
            self.database.connection().put_device_attribute_property(SOUND, {"forwarded": roots})
            self._shared["root"] = self.start("root", [("Sound", ROOT)])
            self._shared["sound"] = self.start("sound", [("Sound", SOUND)])
        return SOUND

    def start(self, instance: str, devices: list[tuple[str, str]]) -> ChildProcess:
        """A server of the two devices."""
        return self.servers.start(MODULE, instance, register=(f"Patient/{instance}", devices))

    def own_patient(self) -> tuple[ChildProcess, str]:
        """A server that a fault may break, and its device."""
        self._number += 1
        device = f"doctor/own/{self._number}"
        return self.start(f"own{self._number}", [("Patient", device)]), device

    def demo(self) -> Server:
        """A server of the demo: a publisher that is driven, and a subscriber whose callbacks can be slow."""
        return self.servers()

    def diagnose(
        self,
        name: str,
        event: str = "change",
        *,
        subscriber: str = "",
        wait_seconds: float = 3.0,
        tango_host: str | None = None,
    ) -> Diagnosis:
        """As ``stem doctor`` does it, with this TANGO_HOST; waits for less than a heartbeat takes."""
        with environment(TANGO_HOST=self.database.tango_host if tango_host is None else tango_host):
            return self.diagnose_here(name, event, subscriber=subscriber, wait_seconds=wait_seconds)

    def diagnose_here(
        self, name: str, event: str = "change", *, subscriber: str = "", wait_seconds: float = 3.0
    ) -> Diagnosis:
        """With the TANGO_HOST that is set."""
        request = Request(text=name, event=event, subscriber=subscriber, wait_seconds=wait_seconds)
        return diagnose(request)

    def old_patient(self, python: Path, instance: str) -> str:
        """A device of few faults under an old PyTango."""
        device = f"doctor/old/{instance}"
        self.database.add_server(f"old_events/{instance}", [("OldEvents", device)])
        source = Path(__file__).with_name("old_events.py")
        process = ChildProcess(
            [str(python), str(source), instance, "-ORBendPoint", "giop:tcp:127.0.0.1:0"],
            log=self.directory / f"old-{instance}.log",
            environment={**os.environ, "TANGO_HOST": self.database.tango_host},
            ready_line=READY_LINE,
        )
        self.servers.adopt(process)
        process.start()
        return device


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for child processes; empty: not set."""
    before = {name: os.environ.get(name) for name in values}
    try:
        for name, value in values.items():
            _set(name, value or None)
        yield
    finally:
        for name, old in before.items():
            _set(name, old)


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


@contextmanager
def ward(directory: Path) -> Iterator[Ward]:
    """A ward with a database of its own."""
    tango.ApiUtil.instance()
    with EmbeddedDatabase(directory) as database:
        servers = ServerFactory(database, directory)
        try:
            yield Ward(database, servers, directory)
        finally:
            servers.stop()


def broken_number(diagnosis: Diagnosis) -> int | None:
    """The number of the first broken link."""
    return diagnosis.broken.number if diagnosis.broken else None


__all__ = ["PATIENT", "ROOT", "SOUND", "Ward", "broken_number", "environment", "ward"]

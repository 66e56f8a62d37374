"""Servers of the environment that is examined, and typed handles for them."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tango
from msgspec import Struct, convert

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess, wait_until

SCRIPT = Path(__file__).with_name("device_server.py")
EXECUTABLE = SCRIPT.stem


class Counted(Struct, frozen=True):
    """What one callback was called with; ``numbers`` of the events that came over the wire."""

    readings: int
    numbers: list[int]
    errors: dict[str, int]


class Examined:
    """One server process with one device."""

    def __init__(self, process: ChildProcess, instance: str, tango_host: str, device: str) -> None:
        self.process = process
        self.prefix = f"tango://{tango_host}/"
        self.name = f"{self.prefix}dserver/{EXECUTABLE}/{instance}"
        self.device = f"{self.prefix}{device}"
        self.proxy = tango.DeviceProxy(self.device)
        self.admin = tango.DeviceProxy(self.name)
        for proxy in (self.proxy, self.admin):
            proxy.set_timeout_millis(30_000)

    def query(self) -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(self.admin.QueryEventSystem())
        return reply

    def enable(self, on: bool = True) -> None:
        self.admin.EnableEventSystemPerfMon(on)

    def push(self, count: int = 1, name: str = "number", kind: str = "change") -> None:
        self.proxy.Push([name, kind, str(count)])

    def subscribe(
        self,
        publisher: Examined | str,
        name: str = "number",
        kind: str = "CHANGE_EVENT",
        how: str = "plain",
        delay_seconds: float = 0.0,
    ) -> int:
        """Number of the new callback."""
        device = publisher if isinstance(publisher, str) else publisher.device
        return int(self.proxy.Subscribe([device, name, kind, how, str(delay_seconds)]))

    def subscribe_surely(
        self,
        publisher: Examined,
        name: str = "number",
        kind: str = "CHANGE_EVENT",
        push: str = "change",
        delay_seconds: float = 0.0,
    ) -> tuple[int, int]:
        """Subscribe, and push one by one until an event arrives; the callback, and its events so far.

        A subscription needs a moment to reach its publisher; what is pushed meanwhile is lost to it.
        """
        index = self.subscribe(publisher, name, kind, delay_seconds=delay_seconds)

        def arrived() -> bool:
            publisher.push(name=name, kind=push)
            time.sleep(0.1)
            return bool(self.counted(index).numbers)

        wait_until(arrived, f"the first event at {self.device}", limit_seconds=20.0)
        time.sleep(0.1)
        return index, len(self.counted(index).numbers)

    def unsubscribe(self, index: int) -> None:
        self.proxy.Unsubscribe(index)

    def counted(self, index: int) -> Counted:
        return convert(json.loads(self.proxy.Counted(index)), Counted)

    def wait_events(self, count: int, index: int = 0, limit_seconds: float = 20.0) -> Counted:
        """Wait until a callback got so many events over the wire."""

        def arrived() -> Counted | None:
            return self.counted(index) if self.proxy.ReceivedCount(index) >= count else None

        return wait_until(arrived, f"{count} events at {self.device}", limit_seconds=limit_seconds)

    def wait_topic(self, topic: str, limit_seconds: float = 20.0, **values: object) -> dict[str, Any]:
        """Wait until fields of a topic have these values; the topic."""

        def reached() -> dict[str, Any] | None:
            found: dict[str, Any] | None = self.query()["client"]["event_callbacks"].get(topic)
            return found if found and values.items() <= found.items() else None

        return wait_until(reached, f"{values} of {topic}", limit_seconds=limit_seconds)

    def stream(self, event: str = "change", name: str = "number") -> str:
        """Name of a stream as this publisher tells it."""
        return f"{self.device}/{name}.{event}"

    def topic(self, event: str = "idl5_change", name: str = "number") -> str:
        """Name of a topic of this publisher as subscribers tell it."""
        return self.stream(event, name)

    @property
    def versions(self) -> tuple[str, str]:
        """Of PyTango and of cppTango."""
        python, library = json.loads(self.proxy.Versions())
        return python, library

    @property
    def is_patched(self) -> bool:
        return tuple(int(part) for part in self.versions[1].split(".")[:2]) < (10, 1)

    def stop(self) -> None:
        self.process.stop()

    def start(self) -> None:
        self.process.start()
        wait_until(self._answers, f"{self.device} to answer", limit_seconds=20.0)

    def _answers(self) -> bool:
        try:
            self.proxy.ping()
            self.admin.ping()
        except tango.DevFailed:
            return False
        return True


class ExaminedFactory:
    """Starts servers with the interpreters given, one after the other, and stops them all in the end."""

    _instances = itertools.count(1)

    def __init__(self, database: EmbeddedDatabase, directory: Path, interpreters: Sequence[str]) -> None:
        self._database = database
        self._directory = directory
        self._interpreters = itertools.cycle(interpreters)
        self._processes: list[ChildProcess] = []

    def prepare(self, device: str | None = None) -> tuple[ChildProcess, str, str]:
        """A server that is registered, not yet started: its process, its instance, its device."""
        instance = f"c{next(self._instances)}"
        device = device or f"test/conformance/{instance}"
        self._database.add_server(f"{EXECUTABLE}/{instance}", [("Conformance", device)])
        process = ChildProcess(
            [next(self._interpreters), str(SCRIPT), instance, *LOOPBACK],
            log=self._directory / f"{instance}.log",
            name=f"{EXECUTABLE} {instance}",
            environment={**os.environ, "TANGO_HOST": self._database.tango_host},
            ready_line=READY_LINE,
        )
        self._processes.append(process)
        return process, instance, device

    def __call__(self, device: str | None = None) -> Examined:
        """One more server, ready."""
        process, instance, device = self.prepare(device)
        process.start()
        return self.examined(process, instance, device)

    def examined(self, process: ChildProcess, instance: str, device: str) -> Examined:
        return Examined(process, instance, self._database.tango_host, device)

    def stop(self) -> None:
        while self._processes:
            self._processes.pop().stop()

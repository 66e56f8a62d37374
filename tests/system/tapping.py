"""Publishers of old and new Tango versions for the tests of the tap."""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess, OutOfTimeError, wait_until
from stem_device.polling.client import endpoints_of
from stem_device.wire.tap import Tap
from stem_device.wire.topics import Topics
from tests.needs import old_tango

T = TypeVar("T")

PROGRAM = Path(__file__).with_name("tapped_devices.py")
NEWEST = "newest"
OLD = pytest.param("9.5", marks=pytest.mark.needs("tango-9.5"))
VERSIONS = [
    OLD,
    pytest.param("10.0", marks=[pytest.mark.needs("tango-10.0"), pytest.mark.matrix]),
    pytest.param(NEWEST, marks=pytest.mark.matrix),
]

_instances = itertools.count(1)


@dataclass
class TappedPublisher:
    """One server with one device of :mod:`tests.system.tapped_devices`.

    ``pushed`` counts by attribute, over all lives of the process.
    """

    process: ChildProcess
    device: str
    server: str
    pushed: Counter[str] = field(default_factory=Counter)

    @property
    def proxy(self) -> tango.DeviceProxy:
        return tango.DeviceProxy(self.device)

    def push(self, count: int, attribute: str = "number") -> None:
        proxy = self.proxy
        proxy.set_timeout_millis(60_000)
        proxy.Push([attribute, str(count)])
        self.pushed[attribute] += count

    def push_until_heard(self, heard: Callable[[int], T | None], attribute: str = "number") -> T:
        """Push one by one until ``heard``, which is told the event's number, returns something; that.

        After a burst the publisher's queue may still be full: what is pushed then is lost as well.
        """
        for _ in range(40):
            self.push(1, attribute)
            number = self.pushed[attribute]
            with suppress(OutOfTimeError):
                return wait_until(
                    partial(heard, number), f"event {number}", limit_seconds=1.0, interval_seconds=0.0
                )
        raise AssertionError(f"no event of {attribute} is heard any more")

    def stream(self, attribute: str = "number") -> str:
        return f"{self.device}/{attribute}.change"

    def tap(self, topics: Topics | None = None) -> Tap:
        told = endpoints_of(tango.DeviceProxy(self.server).ZmqEventSubscriptionChange(["info"]))
        return Tap(told.events, told.heartbeats, topics)


@contextmanager
def publisher(version: str, database: EmbeddedDatabase, directory: Path) -> Iterator[TappedPublisher]:
    """Started, and stopped in the end."""
    instance = f"tap{next(_instances)}"
    device = f"test/tapped/{instance}"
    database.add_server(f"tapped_devices/{instance}", [("Tapped", device)])
    python = sys.executable if version == NEWEST else str(old_tango(version))
    process = ChildProcess(
        [python, str(PROGRAM), instance, *LOOPBACK],
        log=directory / f"{instance}.log",
        name=f"tapped_devices {instance}",
        environment={**os.environ, "TANGO_HOST": database.tango_host},
        ready_line=READY_LINE,
    )
    with process:
        prefix = f"tango://{database.tango_host}"
        yield TappedPublisher(process, f"{prefix}/{device}", f"{prefix}/dserver/tapped_devices/{instance}")

"""The little control system of the demo: a database and five servers, all on loopback."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import tango

from stem_device.demo import devices, weather
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.director import ATTRIBUTE
from stem_device.demo.processes import READY_LINE, ChildProcess, tango_server

MONITOR = "sys/eventmon/1"
PUBLISHER = "demo/publisher/fast"
QUICK = "demo/subscriber/quick"
SLOW = "demo/subscriber/slow"
WEATHER = "demo/weather/1"
WEATHER_ATTRIBUTES = ("temperature", "pressure", "wind-speed")

_SERVERS = (
    ("stem_device.demo.devices", f"{devices.SERVER}/publisher", [("Publisher", PUBLISHER)]),
    ("stem_device.demo.devices", f"{devices.SERVER}/quick", [("Subscriber", QUICK)]),
    ("stem_device.demo.devices", f"{devices.SERVER}/slow", [("Subscriber", SLOW)]),
    ("stem_device.demo.weather", f"{weather.SERVER}/station", [("Weather", WEATHER)]),
    ("stem_device.device", "EventMonitor/demo", [("EventMonitor", MONITOR)]),
)
_START_SECONDS = 60.0


class DemoSystem:
    """Starts everything on entry and stops all of it on exit, whatever happens in between.

    Enter it on the main thread: the kernel ends the children together with the thread that started them.
    ``recordings`` is where ``EventMonitor`` records to. Raises MissingExtraError and ProcessError.
    """

    def __init__(self, recordings: Path, *, poll_period_seconds: float = 1.0) -> None:
        self._recordings = recordings
        self._poll_period_seconds = poll_period_seconds
        self._stack = ExitStack()
        self._database: EmbeddedDatabase | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="stem-demo-", ignore_cleanup_errors=True)
            )
            self._database = stack.enter_context(EmbeddedDatabase(Path(folder)))
            self._register(self._database)
            self._start(stack, Path(folder))
            self._subscribe()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def tango_host(self) -> str:
        """``host:port`` of the database."""
        return self._database.tango_host if self._database else ""

    def device(self, name: str) -> tango.DeviceProxy:
        """A client of one device, whatever TANGO_HOST says."""
        return tango.DeviceProxy(self._full(name))

    def _full(self, name: str) -> str:
        return f"tango://{self.tango_host}/{name}"

    def _register(self, database: EmbeddedDatabase) -> None:
        for _, server, devices_of_server in _SERVERS:
            database.add_server(server, devices_of_server)
        database.put_properties(
            MONITOR,
            {
                "TargetDevices": [f"dserver/{devices.SERVER}/*", WEATHER],
                "PollPeriod": [str(self._poll_period_seconds)],
                "RecordingDirectory": [str(self._recordings)],
            },
        )

    def _start(self, stack: ExitStack, folder: Path) -> None:
        """Start all at once; each needs a second, most of it for imports."""
        started: list[ChildProcess] = []
        for module, server, _ in _SERVERS:
            log = folder / f"{server.replace('/', '-')}.log"
            process = tango_server(module, server.partition("/")[2], log=log, tango_host=self.tango_host)
            process.ready_line = ""
            started.append(stack.enter_context(process))
        for process in started:
            process.wait_ready(partial(_ready, process), limit_seconds=_START_SECONDS)

    def _subscribe(self) -> None:
        """Let both subscribers listen to the publisher, and the quick one to the weather as well."""
        quick, slow, station = self.device(QUICK), self.device(SLOW), self.device(WEATHER)
        for subscriber in (slow, quick):
            subscriber.Subscribe([self._full(PUBLISHER), ATTRIBUTE, "CHANGE_EVENT", "0"])
        for name in WEATHER_ATTRIBUTES:
            station.poll_attribute(name, 1000)
            quick.Subscribe([self._full(WEATHER), name, "PERIODIC_EVENT", "0"])


def _ready(process: ChildProcess) -> bool:
    return READY_LINE in process.output()

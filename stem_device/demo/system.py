"""The little control system of the demo: a database and six servers, all on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import tango

from stem_device.demo import collecting, devices, weather
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.director import ATTRIBUTE, LARGEST_BURST
from stem_device.demo.processes import READY_LINE, ChildProcess, ProcessError, tango_server
from stem_device.demo.scratch import scratch_folder

MONITOR = "sys/eventmon/1"
PUBLISHER = "demo/publisher/fast"
QUICK = "demo/subscriber/quick"
SLOW = "demo/subscriber/slow"
COLLECTING = "demo/subscriber/collecting"
WEATHER = "demo/weather/1"
WEATHER_ATTRIBUTES = ("temperature", "pressure", "wind-speed")


@dataclass(frozen=True, slots=True)
class Part:
    """One server of the demo with its device; ``name`` is for people.

    Without one that is ``needed`` there is nothing to show. ``environment`` is added to that of the demo.
    """

    name: str
    module: str
    server: str
    device_class: str
    device: str
    needed: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


PARTS = (
    Part("The publisher", "stem_device.demo.devices", f"{devices.SERVER}/publisher", "Publisher", PUBLISHER),
    Part("The slow subscriber", "stem_device.demo.devices", f"{devices.SERVER}/slow", "Subscriber", SLOW),
    Part("EventMonitor", "stem_device.device", "EventMonitor/demo", "EventMonitor", MONITOR),
    Part(
        "The quick subscriber",
        "stem_device.demo.devices",
        f"{devices.SERVER}/quick",
        "Subscriber",
        QUICK,
        needed=False,
        # A whole burst: on a busy machine this one is late, and loses nothing all the same.
        environment={"TANGO_EVENT_BUFFER_HWM": str(LARGEST_BURST)},
    ),
    Part(
        "The subscriber with garbage to collect",
        "stem_device.demo.collecting",
        f"{collecting.SERVER}/demo",
        "Collecting",
        COLLECTING,
        needed=False,
    ),
    Part(
        "The simulated weather station",
        "stem_device.demo.weather",
        f"{weather.SERVER}/station",
        "Weather",
        WEATHER,
        needed=False,
    ),
)


class DemoSystem:
    """Starts everything on entry and stops all of it on exit, whatever happens in between.

    Enter it on the main thread: the kernel ends the children together with the thread that started them.
    ``recordings`` is where ``EventMonitor`` records to. ``left_out`` has a sentence for each part that could
    not be started and can be done without. Raises MissingExtraError and ProcessError.
    """

    def __init__(self, recordings: Path, *, poll_period_seconds: float = 1.0) -> None:
        self._recordings = recordings
        self._poll_period_seconds = poll_period_seconds
        self.left_out: tuple[str, ...] = ()
        self._started: set[str] = set()
        self._stack = ExitStack()
        self._database: EmbeddedDatabase | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(scratch_folder("stem-demo-"))
            self._database = stack.enter_context(EmbeddedDatabase(folder))
            telemetry = folder / "telemetry"
            telemetry.mkdir()
            self._register(self._database, telemetry)
            self._started = self._start(stack, folder)
            self._subscribe(self._started)
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

    def device_if_started(self, name: str) -> tango.DeviceProxy | None:
        """A client of a device; None if it could not be started."""
        return self.device(name) if name in self._started else None

    def _full(self, name: str) -> str:
        return f"tango://{self.tango_host}/{name}"

    def _register(self, database: EmbeddedDatabase, telemetry: Path) -> None:
        for part in PARTS:
            database.add_server(part.server, [(part.device_class, part.device)])
        database.put_properties(
            MONITOR,
            {
                "TargetDevices": [f"dserver/{devices.SERVER}/*", COLLECTING, WEATHER],
                "PollPeriod": [str(self._poll_period_seconds)],
                "RecordingDirectory": [str(self._recordings)],
                "TelemetryDirectories": [str(telemetry)],
            },
        )
        database.put_properties(COLLECTING, {"TelemetryDirectory": [str(telemetry)]})

    def _start(self, stack: ExitStack, folder: Path) -> set[str]:
        """Start all at once; each needs a second, most of it for imports. Returns the devices that run."""
        started: list[tuple[Part, ChildProcess]] = []
        for part in PARTS:
            log = folder / f"{part.server.replace('/', '-')}.log"
            instance = part.server.partition("/")[2]
            process = tango_server(part.module, instance, log=log, tango_host=self.tango_host)
            process.ready_line = ""
            process.environment |= part.environment
            started.append((part, stack.enter_context(process)))
        return {part.device for part, process in started if self._runs(part, process)}

    def _runs(self, part: Part, process: ChildProcess) -> bool:
        """Whether a part is ready; one that is not and can be done without is stopped."""
        try:
            process.wait_ready(partial(_ready, process))
        except ProcessError as error:
            if part.needed:
                raise
            process.stop()
            reason = (error.output.strip() or error.reason).splitlines()[-1].strip(" .")
            self.left_out += (f"{part.name} could not be started and is left out: {reason}.",)
            return False
        return True

    def _subscribe(self, started: set[str]) -> None:
        """Let all subscribers listen to the publisher, and the quick one to the weather as well."""
        for subscriber in {SLOW, COLLECTING, QUICK} & started:
            self.device(subscriber).Subscribe([self._full(PUBLISHER), ATTRIBUTE, "CHANGE_EVENT", "0"])
        if COLLECTING in started:
            self.device(COLLECTING).StartTelemetry("runtime")
        if not {QUICK, WEATHER} <= started:
            return
        quick, station = self.device(QUICK), self.device(WEATHER)
        for name in WEATHER_ATTRIBUTES:
            station.poll_attribute(name, 1000)
            quick.Subscribe([self._full(WEATHER), name, "PERIODIC_EVENT", "0"])


def _ready(process: ChildProcess) -> bool:
    return READY_LINE in process.output()

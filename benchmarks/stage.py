"""What the benchmarks need around them: a database, relays, an EventMonitor; all on loopback."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import relays
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess, tango_server, wait_until

MONITOR = "bench/eventmon/1"
START_SECONDS = 120.0


class Stage:
    """Enter it on the main thread: the kernel ends the children together with the thread that started them.

    ``directory`` is temporary and goes away on exit, as do all processes.
    """

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="stem-bench-", ignore_cleanup_errors=True)
            )
            self.directory = Path(folder)
            self.database = stack.enter_context(EmbeddedDatabase(self.directory))
            os.environ["TANGO_HOST"] = self.database.tango_host
            tango.ApiUtil.instance()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def relays(
        self, instance: str, number: int, properties: Mapping[str, int | bool]
    ) -> tuple[ChildProcess, list[str]]:
        """Start one process with ``number`` relays; the process and the full names of its devices."""
        devices = [f"bench/{instance}/{i:03}" for i in range(number)]
        self.database.add_server(f"{relays.EXECUTABLE}/{instance}", [("Relay", device) for device in devices])
        for device in devices:
            self.database.put_properties(device, {name: [str(v)] for name, v in properties.items()})
        process = ChildProcess(
            [sys.executable, relays.__file__, instance, *LOOPBACK],
            log=self.directory / f"{instance}.log",
            name=f"relays {instance}",
            environment={**os.environ},
            ready_line=READY_LINE,
        )
        self._start(process)
        return process, [f"tango://{self.database.tango_host}/{device}" for device in devices]

    def monitor(self, targets: Sequence[str], properties: Mapping[str, str]) -> MonitorServer:
        """Start the real device server, as an operator would."""
        self.database.add_server("EventMonitor/bench", [("EventMonitor", MONITOR)])
        given = {"TargetDevices": list(targets), "RecordingDirectory": [str(self.directory)]}
        self.database.put_properties(MONITOR, given | {name: [value] for name, value in properties.items()})
        process = tango_server(
            "stem_device.device",
            "bench",
            log=self.directory / "monitor.log",
            tango_host=self.database.tango_host,
        )
        self._start(process)
        return MonitorServer(process, tango.DeviceProxy(f"tango://{self.database.tango_host}/{MONITOR}"))

    def _start(self, process: ChildProcess) -> None:
        self._stack.callback(process.stop)
        process.start(limit_seconds=START_SECONDS)


class MonitorServer:
    """An EventMonitor, and what its process has used."""

    def __init__(self, process: ChildProcess, proxy: tango.DeviceProxy) -> None:
        self.process = process
        self.proxy = proxy
        self._ps = psutil.Process(process.pid)

    def value(self, attribute: str) -> object:
        """None while the attribute has no value."""
        reading = self.proxy.read_attribute(attribute)
        return None if reading.quality == tango.AttrQuality.ATTR_INVALID else reading.value

    def number(self, attribute: str) -> float:
        value = self.value(attribute)
        return float(value) if isinstance(value, int | float) else 0.0

    def cpu_seconds(self) -> float:
        """User and system time of all its threads; the kernel counts in steps of 10 ms."""
        times = self._ps.cpu_times()
        return float(times.user + times.system)

    def wait_monitored(self, servers: int) -> None:
        wait_until(
            lambda: self.number("monitoredServers") == servers,
            f"{servers} monitored servers; Status: {self.proxy.status()[:500]}",
            limit_seconds=START_SECONDS,
        )

    def wait_polls(self, polls: int) -> None:
        """Wait until so many polls more have ended."""
        wanted = self.number("pollNumber") + polls
        wait_until(
            lambda: self.number("pollNumber") >= wanted,
            f"{polls} polls",
            limit_seconds=polls * self.number("pollPeriod") + 30,
            interval_seconds=0.05,
        )


def machine() -> str:
    """One line to put figures into proportion."""
    with Path("/proc/cpuinfo").open() as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {models[0] if models else 'unknown processor'}; load now {load:.1f}"


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text in columns; the first row is the header."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\n{title}")
    for number, row in enumerate(rows):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
    print(flush=True)


def verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def at_period(polls: int, period_seconds: float) -> Iterator[int]:
    """Yield at absolute times, ``polls`` times."""
    start = time.monotonic()
    for number in range(polls):
        time.sleep(max(0.0, start + number * period_seconds - time.monotonic()))
        yield number

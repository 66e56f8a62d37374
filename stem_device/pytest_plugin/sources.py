"""Who counts the events of a test: a running EventMonitor, or an engine in this process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol, Unpack

import msgspec
import tango

from stem_device.client import RunMarker
from stem_device.client.marker import Told
from stem_device.errors import MonitorNotRunningError
from stem_device.model.mark import Mark, MarkKind
from stem_device.model.options import Options
from stem_device.monitor import Monitor
from stem_device.pytest_plugin.failures import EventSourceError
from stem_device.pytest_plugin.observation import Observation, from_json, from_snapshot

POLL_SECONDS = 1.0
"""Between the polls of an engine of our own; every test is also polled at its begin and end."""
CALL_SECONDS = 60.0
"""How long a device may take to poll: a target that hangs takes its TargetTimeout."""
NO_TARGETS = (
    "it has no targets; say which by --event-monitor-target or in the fixture or the setting "
    "event_monitor_targets; or name a running EventMonitor by --event-monitor"
)


class EventSource(Protocol):
    """Polls when told, and takes marks."""

    name: str

    def watch(self, targets: tuple[str, ...]) -> None:
        """Monitor these servers, if it is ours to say. Raises EventSourceError without any."""

    def poll(self) -> Observation:
        """Ask all servers now. Raises EventSourceError."""

    def begin(self, run: str, **told: Unpack[Told]) -> None:
        """Mark the begin of a run. Never raises because of the monitor."""

    def mark(self, run: str, name: str, **told: Unpack[Told]) -> None:
        """Mark a point of a run."""

    def end(self, run: str, **told: Unpack[Told]) -> None:
        """Mark the end of a run."""

    def close(self) -> None:
        """Leave nothing behind."""


def open_source(device: str | None, recordings: str | None) -> EventSource:
    """The device if one is named, otherwise an engine, which records if there is a directory for it."""
    # On the main thread: a process that makes its first proxy elsewhere can crash at its first event.
    tango.ApiUtil.instance()
    return DeviceSource(device) if device else EngineSource(Path(recordings) if recordings else None)


class DeviceSource:
    """A running EventMonitor. Its targets are its own."""

    def __init__(self, device: str) -> None:
        self.name = device
        try:
            self._proxy = tango.DeviceProxy(device)
        except tango.DevFailed as error:
            raise EventSourceError(device, _reason(error)) from error
        self._proxy.set_timeout_millis(round(CALL_SECONDS * 1000))
        self._marker = RunMarker(device, never_fail=True)

    def watch(self, targets: tuple[str, ...]) -> None:
        """Its TargetDevices are what it monitors."""

    def poll(self) -> Observation:
        try:
            self._proxy.command_inout("Poll")
            return from_json(self._proxy.command_inout("QuerySnapshot"))
        except tango.DevFailed as error:
            raise EventSourceError(self.name, _reason(error)) from error
        except msgspec.DecodeError as error:
            raise EventSourceError(self.name, f"its answer cannot be used: {error}") from error

    def begin(self, run: str, **told: Unpack[Told]) -> None:
        self._marker.begin(run, **told)

    def mark(self, run: str, name: str, **told: Unpack[Told]) -> None:
        self._marker.mark(run, name, **told)

    def end(self, run: str, **told: Unpack[Told]) -> None:
        self._marker.end(run, **told)

    def close(self) -> None:
        """Nothing of it is ours."""


class EngineSource:
    """An engine of our own. It records if there is a directory for it, from the first targets on."""

    name = "the engine of the tests"

    def __init__(self, recordings: Path | None) -> None:
        self._recordings = recordings
        self._monitor: Monitor | None = None

    def watch(self, targets: tuple[str, ...]) -> None:
        if not targets:
            raise EventSourceError(self.name, NO_TARGETS)
        monitor = self._monitor
        if monitor is None:
            monitor = self._monitor = self._started(targets)
        for target in monitor.targets:
            if target not in targets:
                monitor.remove_target(target)
        for target in targets:
            monitor.add_target(target)

    def poll(self) -> Observation:
        if self._monitor is None:
            raise EventSourceError(self.name, NO_TARGETS)
        try:
            return from_snapshot(self._monitor.poll_now())
        except MonitorNotRunningError as error:
            raise EventSourceError(self.name, str(error)) from error

    def begin(self, run: str, **told: Unpack[Told]) -> None:
        self._take(MarkKind.BEGIN, run, "begin", **told)

    def mark(self, run: str, name: str, **told: Unpack[Told]) -> None:
        self._take(MarkKind.MARK, run, name, **told)

    def end(self, run: str, **told: Unpack[Told]) -> None:
        self._take(MarkKind.END, run, "end", **told)

    def close(self) -> None:
        if self._monitor is not None:
            self._monitor.stop()

    def _started(self, targets: tuple[str, ...]) -> Monitor:
        # Servers of tests come and go: wildcards are looked up again all the time.
        options = Options(
            target_devices=targets,
            poll_period=POLL_SECONDS,
            resolve_period=POLL_SECONDS,
            max_query_share=1.0,  # the end of a test needs the numbers of its end
            recording_directory=self._recordings or Path(),
        )
        monitor = Monitor(options)
        monitor.start()
        if self._recordings is not None:
            self._recordings.mkdir(parents=True, exist_ok=True)
            monitor.start_recording("pytest")
        return monitor

    def _take(self, kind: MarkKind, run: str, name: str, **told: Any) -> None:
        if self._monitor is None or not self._monitor.recording.active:
            return
        self._monitor.mark(
            Mark(
                kind=kind,
                run=run,
                name=name,
                emitted_utc_ns=time.time_ns(),
                received_utc_ns=0,
                received_monotonic_ns=0,
                **told,
            )
        )


def _reason(error: tango.DevFailed) -> str:
    return str(error.args[0].desc).strip()

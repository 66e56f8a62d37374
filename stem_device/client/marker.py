"""Marks of runs, sent to an EventMonitor."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

import msgspec
import tango
from msgspec import Struct

from stem_device.errors import MarkError, MonitorUnreachableError
from stem_device.model.mark import MAX_ERROR_CHARACTERS

TIMEOUT_SECONDS = 3.0

_REFUSED = "STEM_MarkError"
_NO_COMMAND = "API_CommandNotFound"

_REFUSAL = re.compile(r"the mark cannot be used: (?P<reason>.*) \(at (?P<key>[^)]*)\)\. ", re.DOTALL)
"""How the device puts a MarkError."""

_log = logging.getLogger(__name__)


class MarkReply(Struct, frozen=True):
    """The answer of the monitor. ``reason`` says why the mark is not recorded; empty if it is."""

    recorded: bool
    reason: str = ""
    received: str = ""


class Told(TypedDict, total=False):
    """What may be told with every mark; see docs/reference/marks.md.

    ``time`` is when it happened: ISO 8601 with a zone, or nanoseconds since 1970 UTC; now if not given.
    """

    time: str | int
    iteration: int
    device_group: str
    queue: str
    configuration: str
    host: str
    worker: str
    requestor: str
    request_id: str
    error: str


class RunMarker:
    """Sends marks to the EventMonitor ``device``; any thread may.

    A monitor that cannot be reached raises MonitorUnreachableError, at the latest after ``timeout_seconds``
    (a DeviceProxy keeps its own). With ``never_fail`` that is logged and counted by ``lost`` instead: the
    test goes on, whatever becomes of the monitor. Wrong arguments raise MarkError in any case.
    ``unrecorded`` counts the marks that the monitor took but did not record, for instance because no
    recording was under way.
    """

    def __init__(
        self,
        device: str | tango.DeviceProxy = "sys/eventmon/1",
        *,
        never_fail: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._device = device
        self._never_fail = never_fail
        self._timeout_seconds = timeout_seconds
        self._utc_ns = utc_ns
        self._proxy: Any = None
        self._lock = threading.Lock()
        self.lost = 0
        self.unrecorded = 0

    def begin(self, run: str, **told: Unpack[Told]) -> MarkReply:
        """The run begins."""
        return self._send("BeginRun", run=run, **told)

    def mark(self, run: str, name: str, **told: Unpack[Told]) -> MarkReply:
        """The run reached the point ``name``."""
        return self._send("Mark", run=run, name=name, **told)

    def end(self, run: str, **told: Unpack[Told]) -> MarkReply:
        """The run ended; ``error`` says what went wrong, if anything did."""
        return self._send("EndRun", run=run, **told)

    def run(self, run: str, **told: Unpack[Told]) -> Run:
        """A run for ``with``: begun on entry, ended on exit, with the exception as its error if one left."""
        return Run(self, run, told)

    def _send(self, command: str, **told: object) -> MarkReply:
        # Stamped here: what follows may take its time.
        given = {name: value for name, value in told.items() if value is not None}
        argument = {"time": self._utc_ns()} | given
        try:
            reply = self._call(command, json.dumps(argument))
        except MonitorUnreachableError as error:
            if not self._never_fail:
                raise
            _log.warning("mark lost: %s", error)
            with self._lock:
                self.lost += 1
            return MarkReply(recorded=False, reason=str(error))
        if not reply.recorded:
            _log.info("mark not recorded: %s", reply.reason)
            with self._lock:
                self.unrecorded += 1
        return reply

    def _call(self, command: str, argument: str) -> MarkReply:
        try:
            text = self._connected().command_inout(command, argument)
            return msgspec.json.decode(text, type=MarkReply)
        except tango.DevFailed as error:
            raise _explained(self._name, error) from error
        except msgspec.DecodeError as error:
            raise MonitorUnreachableError(
                self._name, f"{error} in its answer; is it an EventMonitor?"
            ) from error

    @property
    def _name(self) -> str:
        return self._device if isinstance(self._device, str) else str(self._device.dev_name())

    def _connected(self) -> Any:
        with self._lock:
            if self._proxy is None and isinstance(self._device, str):
                self._proxy = tango.DeviceProxy(self._device)
                self._proxy.set_timeout_millis(round(self._timeout_seconds * 1000))
            return self._proxy or self._device


class Run:
    """One run of a RunMarker."""

    def __init__(self, marker: RunMarker, run: str, told: Told) -> None:
        self._marker = marker
        self._told = told
        self.id = run

    def mark(self, name: str, **told: Unpack[Told]) -> MarkReply:
        """The run reached the point ``name``; its iteration is that of the run if not told."""
        return self._marker.mark(self.id, name, **(self._iteration() | told))

    def __enter__(self) -> Self:
        self._marker.begin(self.id, **self._told)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._marker.end(self.id, **self._iteration())
            return
        text = f"{type(error).__name__}: {error}".encode("utf-8", "replace").decode()
        try:
            self._marker.end(self.id, **(self._iteration() | Told(error=text[:MAX_ERROR_CHARACTERS])))
        except MonitorUnreachableError as failure:  # what ended the run is more important
            _log.error("mark lost: %s", failure)

    def _iteration(self) -> Told:
        return Told(iteration=self._told["iteration"]) if "iteration" in self._told else Told()


def _explained(device: str, error: tango.DevFailed) -> MarkError | MonitorUnreachableError:
    first = error.args[0]
    refused = _REFUSAL.match(str(first.desc)) if first.reason == _REFUSED else None
    if refused:
        return MarkError(refused["key"], refused["reason"])
    if first.reason == _NO_COMMAND:
        return MonitorUnreachableError(device, "it is no EventMonitor, or one of an older version")
    return MonitorUnreachableError(device, str(first.desc).strip())

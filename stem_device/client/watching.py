"""A client that is no device server, seen by an EventMonitor like any server: it reports of itself.

All is done on one thread in the background. Nothing here is called by an event, and nothing is waited for.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec
import tango
from msgspec import structs

from stem_device.errors import WatchError
from stem_device.model.client_report import (
    MAX_REPORT_CHARACTERS,
    MAX_TEXTS,
    VERSION,
    ClientAnswer,
    ClientReport,
)

TIMEOUT_SECONDS = 1.0
"""What a report may take. The end of the process waits for one that is under way: Python ends a thread that
comes back from C++ after that by ending the process (measured: abort)."""
FIRST_PERIOD_SECONDS = 1.0
"""Between two attempts, before the monitor has said what it wants."""
LONGEST_PAUSE_SECONDS = 10.0
"""Between two attempts to reach a monitor that is away: as often as Tango itself tries to subscribe."""
CLOSE_SECONDS = 1.0
"""How long ``close`` may wait for the last report."""
LONGEST_CALL_SECONDS = 10.0
"""What no call takes longer than: 1 s for a report, 3 s to connect to a monitor that hangs, 9 s to ask a
database that hangs where the monitor is."""

SAMPLES_OF_A_BUSY_BUFFER = 192
"""Of the 256 that are kept: then it is asked twice as often; with less than a quarter of it half as often."""

_OFF = re.compile(r'"perf"\s*:\s*null')
_NO_CLIENT = re.compile(r'"client"\s*:\s*null')
_SAMPLE = '"process_micros"'
_NO_COMMAND = "API_CommandNotFound"
_TIMED_OUT = "API_DeviceTimedOut"

_log = logging.getLogger(__name__)


class EventSystem(Protocol):
    """The event system of this process; see :class:`OwnEvents`."""

    def query(self) -> str: ...
    def sample(self, on: bool) -> None: ...


class OwnEvents:
    """The real one. Raises WatchError where it cannot be asked; make it on the main thread."""

    def __init__(self) -> None:
        if _is_device_server():
            raise WatchError("it is a device server, which is asked by itself; add it to TargetDevices")
        if not hasattr(tango.ApiUtil, "query_event_system"):
            raise WatchError(
                f"PyTango {tango.__version__} does not tell a client of its own subscriptions, 10.3 and "
                "later do; upgrade PyTango in this process, the servers may stay as they are"
            )
        self._util = tango.ApiUtil.instance()

    def query(self) -> str:
        return str(self._util.query_event_system())

    def sample(self, on: bool) -> None:
        self._util.enable_event_system_perf_mon(on)


def _is_device_server() -> bool:
    try:
        tango.Util.instance(False)  # noqa: FBT003 - do not end the process if there is none
    except tango.DevFailed:
        return False
    return True


def connect_monitor(device: str) -> Any:
    """A proxy whose time limit is set. A proxy that is not connected would hold Python's lock meanwhile."""
    proxy = tango.DeviceProxy(device)
    proxy.set_transparency_reconnection(False)
    proxy.ping()
    proxy.set_timeout_millis(round(TIMEOUT_SECONDS * 1000))
    return proxy


class Watch:
    """One process that reports to one monitor, from :func:`watch` until ``close`` or its end.

    ``server`` is its name in the monitor, empty before the first answer. ``problem`` says why the monitor did
    not take the latest report; empty if it did. ``reports`` counts those that it took, ``lost`` the others.
    """

    def __init__(
        self,
        device: str,
        name: str,
        events: EventSystem,
        *,
        connect: Any = connect_monitor,
        monotonic: Any = time.monotonic,
    ) -> None:
        self.device, self.name = device, name
        self.server = self.problem = ""
        self.reports = self.lost = 0
        self._events, self._connect, self._monotonic = events, connect, monotonic
        self._proxy: Any = None
        self._host = socket.gethostname() or "localhost"
        self._pid = os.getpid()
        self._started = datetime.now(UTC).isoformat()
        self._number = self._answered = 0
        self._answered_at = self._asked_at = self._query_seconds = 0.0
        self._answer = ClientAnswer(server="", period_seconds=FIRST_PERIOD_SECONDS)
        self._texts: list[str] = []
        self._queries = 1
        self._sampling_ours = False
        self._failures = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stem-watch", daemon=True)

    def start(self) -> Self:
        """Begin to report."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Tell the monitor that this is the end, and stop; waits for that no longer than a second."""
        self._end(CLOSE_SECONDS)

    def close_at_exit(self) -> None:
        """The same where the process ends: a call that is under way has to come back before."""
        self._end(LONGEST_CALL_SECONDS)

    def _end(self, limit_seconds: float) -> None:
        self._ending.set()
        if self._thread.is_alive() and os.getpid() == self._pid:
            self._thread.join(limit_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        with tango.EnsureOmniThread():
            while not self._ending.is_set():
                self._guarded(self.turn)
                self._ending.wait(self.pause_seconds)
            self._guarded(self.say_farewell)

    def _guarded(self, step: Any) -> None:
        """Whatever happens here must not happen to the program that is watched."""
        try:
            step()
        except Exception as error:  # noqa: BLE001
            _log.debug("A report failed", exc_info=error)
            self._note(f"{type(error).__name__}: {error}")

    @property
    def pause_seconds(self) -> float:
        """Until the next turn."""
        period = self._answer.period_seconds
        if self._failures:
            return min(max(period, FIRST_PERIOD_SECONDS) * 2.0**self._failures, LONGEST_PAUSE_SECONDS)
        return period / self._queries

    def turn(self) -> None:
        """Ask this process, and report when as many answers are together as are wanted."""
        self._ask()
        if len(self._texts) >= self._queries or self._failures:
            self._report(ended=False)

    def say_farewell(self) -> None:
        """The last counters, and that no others come."""
        if self._sampling_ours:
            self._events.sample(False)  # noqa: FBT003
            self._sampling_ours = False
        if self.server and not self._failures:
            self._ask()
            self._report(ended=True)

    def _ask(self) -> None:
        self._asked_at = self._monotonic()
        text = self._events.query()
        self._query_seconds = max(0.0, self._monotonic() - self._asked_at)
        self._texts = [*self._texts[-MAX_TEXTS + 1 :], text]
        while len(self._texts) > 1 and sum(map(len, self._texts)) > MAX_REPORT_CHARACTERS // 2:
            del self._texts[0]  # samples alone are lost by it

    def _report(self, *, ended: bool) -> None:
        self._number += 1
        report = ClientReport(
            version=VERSION,
            name=self.name,
            host=self._host,
            pid=self._pid,
            started=self._started,
            tango_version=str(tango.__version__),
            number=self._number,
            answered=self._answered,
            since_answer_seconds=max(0.0, self._asked_at - self._answered_at) if self._answered else 0.0,
            age_seconds=max(0.0, self._monotonic() - self._asked_at),
            query_seconds=self._query_seconds,
            period_seconds=self._answer.period_seconds,
            sampling_ours=self._sampling_ours,
            ended=ended,
            texts=self._texts,
        )
        text = self._texts[-1]
        try:
            self._answer = self._send(json.dumps(structs.asdict(report)))
        except tango.DevFailed as error:
            self._failed(error)
            return
        self._answered, self._answered_at = self._number, self._monotonic()
        self._texts, self._failures = [], 0
        self.server, self.reports = self._answer.server, self.reports + 1
        self._note("")
        if not ended:
            self._sample_as_wanted(text)

    def _send(self, argument: str) -> ClientAnswer:
        if self._proxy is None:
            self._proxy = self._connect(self.device)
        return msgspec.json.decode(self._proxy.command_inout("ReportClient", argument), type=ClientAnswer)

    def _failed(self, error: tango.DevFailed) -> None:
        """The counters of the next report contain those of this one; samples that wait are bounded."""
        first = error.args[0]
        if not any(one.reason == _TIMED_OUT for one in error.args):
            self._proxy = None  # one that is connected to a monitor that hangs needs no other connection
        self._failures = min(self._failures + 1, 8)
        self.lost += 1
        older = "it is no EventMonitor, or one of an older version"
        self._note(older if first.reason == _NO_COMMAND else str(first.desc).strip())

    def _note(self, problem: str) -> None:
        if problem and problem != self.problem:
            _log.warning("%s does not take what is reported to it: %s", self.device, problem)
        self.problem = problem

    def _sample_as_wanted(self, text: str) -> None:
        """Where sampling is on already somebody else wants it, and it is left on."""
        wanted = self._answer.sampling
        if wanted and (_OFF.search(text) or (not self._sampling_ours and _NO_CLIENT.search(text))):
            self._events.sample(True)  # noqa: FBT003
            self._sampling_ours = True
        elif not wanted and self._sampling_ours:
            self._events.sample(False)  # noqa: FBT003
            self._sampling_ours = False
        samples = text.count(_SAMPLE)
        most = max(1, min(self._answer.queries, MAX_TEXTS))
        if not wanted:
            self._queries = 1
        elif samples > SAMPLES_OF_A_BUSY_BUFFER:
            self._queries = min(2 * self._queries, most)
        elif samples < SAMPLES_OF_A_BUSY_BUFFER // 4:
            self._queries = max(1, min(self._queries // 2, most))


_watches: dict[str, Watch] = {}


def watch(device: str = "sys/eventmon/1", name: str = "") -> Watch:
    """Let the EventMonitor ``device`` see this process like a server: its subscriptions, losses and causes.

    Returns at once; everything else is done on a thread in the background, whatever the monitor does. Call it
    on the main thread, before or after anything is subscribed. ``name`` is what the monitor calls the
    process; without it, what its script is called. A second call for the same monitor ends the first.
    Raises WatchError with a PyTango older than 10.3, and in a device server.
    """
    events = OwnEvents()
    before = _watches.pop(device.lower(), None)
    if before is not None:
        before.close()
    made = _watches[device.lower()] = Watch(device, name or _script_name(), events).start()
    atexit.register(made.close_at_exit)
    return made


def _script_name() -> str:
    with contextlib.suppress(IndexError):
        return Path(sys.argv[0]).stem or "python"
    return "python"

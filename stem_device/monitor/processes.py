"""Telemetry that comes with each poll: of processes that write it, and of the monitor's own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from stem_device.errors import TelemetryError
from stem_device.model.processes import OwnProcess, ProcessRuntime
from stem_device.model.snapshot import NO_TELEMETRY, TelemetryRows
from stem_device.telemetry import RUNTIME_FILE_PREFIX, names
from stem_device.telemetry.following import Follower, Measured
from stem_device.telemetry.runtime import Runtime

LOOK_SECONDS = 1.0
"""As often as processes write."""
MOST_WAITING = 200_000
"""Measurements between two polls, 20 MB; what there is more is dropped and counted."""
GONE_SECONDS = 30.0
"""A process that has not written runtime metrics for so long is gone: it writes every second. Half of it
is what a machine that swaps may hold one up for; twice as much shows a minute of what is no more."""
_OWN_PERIOD_NS = 1_000_000_000
_PAUSE = names.GC_PAUSE.partition("{")[0]
_PAUSES = names.GC_PAUSES.partition("{")[0]
_OWN = (names.USER_TIME, names.SYSTEM_TIME, names.RSS, _PAUSE, _PAUSES)
"""Of its own process a monitor records these: it does so for ever."""


class ProcessWatch:
    """Reads ``directories`` on a thread of its own: a disk that hangs costs no poll.

    ``take`` is called by the poll thread, all else by any. One directory that cannot be read is told, and
    tried again every second.
    """

    def __init__(self, directories: Sequence[str]) -> None:
        self._followers = [Follower(Path(one)) for one in directories]
        self._lock = threading.Lock()
        self._waiting: list[Measured] = []
        self._dropped = 0
        self._unreadable: dict[str, str] = {}
        self._latest: dict[tuple[str, int], tuple[float, dict[str, float]]] = {}
        self._runtime = Runtime()
        self._own: OwnProcess | None = None
        self._own_at_ns = -_OWN_PERIOD_NS
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._runtime.start()
        if self._followers:
            self._thread = threading.Thread(target=self._run, name="stem-processes", daemon=True)
            self._thread.start()

    def stop(self, limit_seconds: float) -> None:
        """A disk that hangs is not waited for longer than that."""
        self._runtime.stop()
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(limit_seconds)

    def take(self, durations: Sequence[Measured] = ()) -> TelemetryRows:
        """What came since the last call, in the order of time, with what is told of this process.

        ``durations`` are those that it measured itself.
        """
        own = [*self._own_rows(), *durations]
        with self._lock:
            taken, self._waiting = self._waiting, []
        rows = sorted([*taken, *own], key=lambda row: row.at_utc_ns)
        if not rows:
            return NO_TELEMETRY
        return TelemetryRows(
            at_utc_ns=np.array([row.at_utc_ns for row in rows], np.int64),
            value=np.array([row.value for row in rows], np.float64),
            label=tuple(row.label for row in rows),
            kind=tuple(row.kind for row in rows),
            pid=np.array([row.pid for row in rows], np.int64),
        )

    @property
    def processes(self) -> tuple[ProcessRuntime, ...]:
        """Those that write runtime metrics now."""
        with self._lock:
            return tuple(
                ProcessRuntime(directory, pid, dict(values))
                for (directory, pid), (_, values) in sorted(self._latest.items())
            )

    @property
    def own(self) -> OwnProcess | None:
        """None before the first poll."""
        return self._own

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences for Status: what cannot be read, and what was dropped."""
        with self._lock:
            told = [*self._unreadable.values()]
            if self._dropped:
                told.append("more was measured between two polls than there is room for: the rest is dropped")
        return tuple(told)

    def _run(self) -> None:
        while not self._stopping.is_set():
            for follower in self._followers:
                self._look(follower)
            self._forget()
            self._stopping.wait(LOOK_SECONDS)

    def _look(self, follower: Follower) -> None:
        directory = str(follower.directory)
        try:
            rows = follower.look()
        except TelemetryError as error:
            with self._lock:
                self._unreadable[directory] = str(error)
            return
        now = time.monotonic()
        with self._lock:
            self._unreadable.pop(directory, None)
            if follower.problem:
                self._unreadable[directory] = follower.problem
            room = MOST_WAITING - len(self._waiting)
            self._dropped += max(0, len(rows) - room)
            self._waiting += islice(rows, room)
            for row in rows:
                if row.kind == RUNTIME_FILE_PREFIX:
                    values = self._latest.get((directory, row.pid), (0.0, {}))[1]
                    values[row.label] = row.value
                    self._latest[directory, row.pid] = now, values

    def _forget(self) -> None:
        oldest = time.monotonic() - GONE_SECONDS
        with self._lock:
            self._latest = {key: told for key, told in self._latest.items() if told[0] >= oldest}

    def _own_rows(self) -> list[Measured]:
        """Once a second at most, but for pauses, which are all told."""
        rows = [row for row in self._runtime.rows(None) if row[2].startswith(_OWN)]
        values = {label: value for _, value, label in rows}
        pauses = [(value, at) for at, value, label in rows if label.startswith(_PAUSE)]
        before = self._own
        known = (before.worst_pause_seconds, before.worst_pause_utc_ns) if before else (0.0, 0)
        worst, worst_at = max([known, *pauses])
        rss = values.get(names.RSS)
        self._own = OwnProcess(
            cpu_seconds=values[names.USER_TIME] + values[names.SYSTEM_TIME],
            memory_bytes=None if rss is None else round(rss * 1024),
            gc_pause_seconds=sum(value for label, value in values.items() if label.startswith(_PAUSES)),
            longest_pause_seconds=max((seconds for seconds, _ in pauses), default=0.0),
            worst_pause_seconds=worst,
            worst_pause_utc_ns=worst_at,
        )
        now = time.monotonic_ns()
        whole = now - self._own_at_ns >= _OWN_PERIOD_NS
        if whole:
            self._own_at_ns = now
        pid = os.getpid()
        return [
            Measured(RUNTIME_FILE_PREFIX, at, value, label, pid)
            for at, value, label in rows
            if whole or label.startswith(_PAUSE)
        ]

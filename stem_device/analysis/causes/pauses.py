"""Pauses of the garbage collectors of processes that write telemetry."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from msgspec import Struct

from stem_device.model.poll import PHASE_LABELS
from stem_device.model.snapshot import TelemetryRows
from stem_device.telemetry.names import GC_PAUSE

MAX_PAUSES = 1000
"""Of one process: the latest. One that pauses more often than that in a window is slow without it."""
PAUSE = GC_PAUSE.partition("{")[0]
"""How labels begin under which there is a row a pause."""


class Pause(Struct, frozen=True, gc=False, order=True):
    """One pause, which ended at ``end_utc_ns``."""

    end_utc_ns: int
    seconds: float


class Pauses:
    """By number of the process. Not thread-safe."""

    def __init__(self) -> None:
        self._by_pid: dict[int, list[Pause]] = {}
        self.monitors: set[int] = set()
        """Processes that polled: where a server has the same number, as in containers, whose the pauses
        are nobody knows."""

    def take(self, rows: TelemetryRows) -> None:
        """More telemetry; in whatever order it comes."""
        for place, label in enumerate(rows.label):
            if label in PHASE_LABELS:
                self.monitors.add(int(rows.pid[place]))
            elif label.startswith(PAUSE):
                pause = Pause(int(rows.at_utc_ns[place]), float(rows.value[place]))
                self.add(int(rows.pid[place]), (pause,))

    def add(self, pid: int, pauses: Iterable[Pause]) -> None:
        known = sorted({*self._by_pid.get(pid, ()), *pauses})
        self._by_pid[pid] = known[-MAX_PAUSES:]

    def of(self, pid: int | None, begin_utc_ns: int, end_utc_ns: int) -> tuple[Pause, ...]:
        """Those of a process that ended within a time; none where it is not known which process it is."""
        known = self._by_pid.get(pid, []) if pid is not None else []
        begin = bisect_left(known, Pause(begin_utc_ns, 0.0))
        return tuple(known[begin : bisect_right(known, Pause(end_utc_ns, float("inf")))])

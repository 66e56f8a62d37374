"""What the process itself says of how busy it is, once a second."""

from __future__ import annotations

import gc
import os
import resource
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns, time_ns
from typing import Any

from stem_device.telemetry import names

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024
_GENERATIONS = 3
_MOST_WAITING = 1000
"""Pauses and lags that wait for the next second; a second of them takes 0.1 MB."""

Row = tuple[int, float, str]


class GcPauses:
    """How long Python's garbage collector stopped the process: every long pause, and the sum of all."""

    def __init__(self) -> None:
        self.long: deque[Row] = deque(maxlen=_MOST_WAITING)
        self.seconds = [0.0] * _GENERATIONS
        self._began = 0

    def begin_in_child(self) -> None:
        """After a fork: what was seen so far was in the parent, which tells it."""
        self.long.clear()
        self.seconds = [0.0] * _GENERATIONS
        self._began = 0

    def start(self) -> None:
        if self._seen not in gc.callbacks:
            gc.callbacks.append(self._seen)

    def stop(self) -> None:
        if self._seen in gc.callbacks:
            gc.callbacks.remove(self._seen)

    def _seen(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = perf_counter_ns()
            return
        if not self._began:
            return  # it began before we looked
        seconds = (perf_counter_ns() - self._began) / 1e9
        self._began = 0
        generation = min(info["generation"], _GENERATIONS - 1)
        self.seconds[generation] += seconds
        if seconds >= names.LONG_PAUSE_SECONDS:
            self.long.append((time_ns(), seconds, names.GC_PAUSE.format(generation)))


class LoopLag:
    """How long a callback waits in the event loops of the process: asked once a second."""

    def __init__(self) -> None:
        self._loops: weakref.WeakSet[Any] = weakref.WeakSet()
        self._rows: deque[Row] = deque(maxlen=_MOST_WAITING)

    def watch(self, loop: Any) -> None:
        self._loops.add(loop)

    def begin_in_child(self) -> None:
        """After a fork: the loops are the parent's, and so are the pipes that wake them."""
        self._loops = weakref.WeakSet()
        self._rows.clear()

    def ask(self) -> None:
        for loop in list(self._loops):
            if not loop.is_running():  # what waits in it would wait for nothing, and stay in memory
                continue
            try:
                loop.call_soon_threadsafe(self._called, perf_counter_ns())
            except RuntimeError:  # closed
                self._loops.discard(loop)

    def _called(self, asked: int) -> None:
        self._rows.append((time_ns(), (perf_counter_ns() - asked) / 1e9, names.EVENT_LOOP_LAG))

    def take(self) -> Iterator[Row]:
        yield from _drained(self._rows)


def _drained(rows: deque[Row]) -> Iterator[Row]:
    while rows:
        yield rows.popleft()


_COLLECTED = {
    "collections": names.GC_COLLECTIONS,
    "collected": names.GC_COLLECTED,
    "uncollectable": names.GC_UNCOLLECTABLE,
}


def _collected() -> dict[str, int]:
    """What Python counts since the interpreter began, over a fork too."""
    generations = gc.get_stats()
    return {key: sum(one[key] for one in generations) for key in _COLLECTED}


class Runtime:
    """Rows of one second. ``proc`` is where the kernel tells of this process; what it lacks has no row."""

    def __init__(self, proc: Path = Path("/proc/self")) -> None:
        self.loops = LoopLag()
        self._pauses = GcPauses()
        self._proc = proc
        self._inherited = dict.fromkeys(_COLLECTED, 0)

    def begin_in_child(self) -> None:
        """After a fork: pauses, lags and collections so far are the parent's."""
        self.loops.begin_in_child()
        self._pauses.begin_in_child()
        self._inherited = _collected()

    def start(self) -> None:
        self._pauses.start()

    def stop(self) -> None:
        self._pauses.stop()

    def rows(self, lag_seconds: float | None) -> list[Row]:
        """All metrics now; ``lag_seconds`` is how late the caller was woken, None where it was early."""
        now = time_ns()
        rows = [*_drained(self._pauses.long), *self.loops.take()]
        rows += [(now, float(value), label) for label, value in self._values(lag_seconds)]
        self.loops.ask()
        return rows

    def _values(self, lag_seconds: float | None) -> Iterator[tuple[str, float]]:
        for key, number in _collected().items():
            yield _COLLECTED[key], number - self._inherited[key]
        usage = resource.getrusage(resource.RUSAGE_SELF)
        yield names.USER_TIME, usage.ru_utime
        yield names.SYSTEM_TIME, usage.ru_stime
        yield names.MAX_RSS, usage.ru_maxrss
        yield names.VOLUNTARY_SWITCHES, usage.ru_nvcsw
        yield names.INVOLUNTARY_SWITCHES, usage.ru_nivcsw
        for generation, seconds in enumerate(self._pauses.seconds):
            yield names.GC_PAUSES.format(generation), seconds
        if lag_seconds is not None:
            yield names.INTERPRETER_LAG, lag_seconds
        yield from self._of_the_kernel()

    def _of_the_kernel(self) -> Iterator[tuple[str, float]]:
        try:
            yield names.RSS, int((self._proc / "statm").read_text().split()[1]) * _PAGE_KB
            yield names.OPEN_FILES, len(os.listdir(self._proc / "fd")) - 1  # noqa: PTH208 - names alone
            yield names.THREADS, len(os.listdir(self._proc / "task"))  # noqa: PTH208
        except OSError:
            yield names.THREADS, threading.active_count()

"""Processes that write telemetry, and the monitor's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stem_device.catalogue.quantities.making import Reading, quantity
from stem_device.catalogue.quantity import Kind, Quantity, Spread
from stem_device.catalogue.scope import Scope, Told
from stem_device.model.processes import OwnProcess, ProcessRuntime
from stem_device.model.snapshot import Floats
from stem_device.telemetry import names

_counter = partial(quantity, Kind.COUNTER, Scope.PROCESS)
_gauge = partial(quantity, Kind.GAUGE, Scope.PROCESS)

BOUNDS = (1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0)
"""As those of callbacks: what processes time is much the same."""


def _spread(values: Floats) -> Spread:
    return Spread.of(values, BOUNDS)


def _latest(label: str, scale: float = 1.0) -> Reading:
    """What a process told last under ``label``; None where it does not tell."""

    def value(process: ProcessRuntime) -> float | None:
        found = process.values.get(label)
        return None if found is None else found * scale

    return value


def _pauses(process: ProcessRuntime) -> float | None:
    beginning = names.GC_PAUSES.partition("{")[0]
    told = [value for label, value in process.values.items() if label.startswith(beginning)]
    return sum(told) if told else None


def _own(read: Callable[[OwnProcess], float | None]) -> Reading:
    def value(told: Told) -> float | None:
        own = told.monitor.own if told.monitor else None
        return None if own is None else read(own)

    return value


PROCESSES: tuple[Quantity, ...] = (
    quantity(
        Kind.HISTOGRAM,
        Scope.TIMED,
        "process_duration_seconds",
        "s",
        "How long took what processes time, by label, of all processes that write to TelemetryDirectories "
        "together; with the phases of the monitor's own polls, as poll.ask.",
        _spread,
        bounds=BOUNDS,
    ),
    quantity(
        Kind.HISTOGRAM,
        Scope.HALT,
        "process_halt_seconds",
        "s",
        "How long processes stood still: pauses of their garbage collectors of a millisecond or more, lags "
        "of interpreter lock and event loop; the monitor's own pauses too.",
        _spread,
        bounds=BOUNDS,
    ),
    _counter(
        "process_cpu_user_seconds",
        "s",
        "Time of a processor in the code of a process, since it began.",
        _latest(names.USER_TIME),
    ),
    _counter(
        "process_cpu_system_seconds",
        "s",
        "Time of a processor that the kernel spent for a process, since it began.",
        _latest(names.SYSTEM_TIME),
    ),
    _gauge(
        "process_resident_memory_bytes", "bytes", "Memory that a process takes.", _latest(names.RSS, 1024.0)
    ),
    _gauge("process_threads", "threads", "Threads of a process.", _latest(names.THREADS)),
    _gauge("process_open_files", "files", "Open file descriptors of a process.", _latest(names.OPEN_FILES)),
    _counter(
        "process_gc_collections",
        "collections",
        "Collections of a process's garbage collector, since it began.",
        _latest(names.GC_COLLECTIONS),
    ),
    _counter(
        "process_gc_pause_seconds",
        "s",
        "Time for which its garbage collector stopped a process, since its telemetry began.",
        _pauses,
    ),
    _counter(
        "process_samples_lost",
        "samples",
        "Samples of telemetry that a process lost; no value while it lost none.",
        _latest(names.LOST),
    ),
    quantity(
        Kind.COUNTER,
        Scope.MONITOR,
        "monitor_cpu_seconds",
        "s",
        "Time of a processor that the monitor's own process took, since it began.",
        _own(lambda own: own.cpu_seconds),
        attribute="ownCpuTime",
    ),
    quantity(
        Kind.GAUGE,
        Scope.MONITOR,
        "monitor_memory_bytes",
        "bytes",
        "Memory that the monitor's own process takes.",
        _own(lambda own: own.memory_bytes),
        attribute="ownMemory",
    ),
    quantity(
        Kind.COUNTER,
        Scope.MONITOR,
        "monitor_gc_pause_seconds",
        "s",
        "Time for which its garbage collector stopped the monitor's own process, since monitoring began.",
        _own(lambda own: own.gc_pause_seconds),
        attribute="ownGcPauseTime",
    ),
    quantity(
        Kind.GAUGE,
        Scope.MONITOR,
        "monitor_gc_longest_pause_seconds",
        "s",
        "Longest pause of the garbage collector of the monitor's own process since the poll before, of those "
        "of a millisecond or more.",
        _own(lambda own: own.longest_pause_seconds),
        attribute="ownLongestGcPause",
    ),
)

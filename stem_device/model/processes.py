"""What is known of processes: of those whose telemetry a monitor reads, and of its own."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class ProcessRuntime(Struct, frozen=True):
    """The latest runtime metrics of a process, by the labels of ``docs/reference/telemetry.md``."""

    directory: str
    pid: int
    values: Mapping[str, float]


class OwnProcess(Struct, frozen=True, gc=False):
    """The monitor's own process, at its latest poll.

    ``cpu_seconds`` and ``gc_pause_seconds`` are sums since it began (that of pauses: since monitoring did),
    ``longest_pause_seconds`` the longest pause of its garbage collector since the poll before, of those of a
    millisecond or more; ``worst_pause_seconds`` that since monitoring began. ``memory_bytes`` is None where
    the system does not tell.
    """

    cpu_seconds: float
    memory_bytes: int | None
    gc_pause_seconds: float
    longest_pause_seconds: float
    worst_pause_seconds: float
    worst_pause_utc_ns: int

"""The one buffer of a process, and the two functions that the program calls most.

A sample is three values in a flat list: no object for it stays behind, so that collecting never makes
Python's garbage collector run. ``list.extend`` of a tuple, slicing and deleting a slice are each one step
under the interpreter lock, and under the list's own lock where there is none: the buffer needs no other.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns, time_ns

VALUES = 3
"""Values of a sample: time in ns since 1970 at the stop, duration in ns, label."""

SAMPLE_BYTES = 96
"""What a sample takes in the buffer: three places of 8 bytes, two integers of 32, and room to grow. With half
of it, a process would hold twice the memory that it was given."""


def _no_room() -> bool:
    return False


class Buffer:
    """``samples`` is flat; at ``threshold`` values a thread calls ``make_room`` before it adds one."""

    __slots__ = ("make_room", "on", "rejected", "samples", "threshold")

    def __init__(self) -> None:
        self.on = False
        self.samples: list[int | str] = []
        self.threshold = 0
        self.make_room: Callable[[], bool] = _no_room
        self.rejected = 0

    def take(self, most: int) -> list[int | str]:
        """Up to ``most`` samples, which leave the buffer. One thread alone may call it."""
        taken = self.samples[: most * VALUES]
        del self.samples[: len(taken)]
        return taken


buffer = Buffer()


def start_duration_sample() -> str:
    """Begin a sample. Returns its identity, which any thread or task may end; "" while telemetry is off.

    The identity is the moment in ns of the monotonic clock: one that is never ended holds nothing.
    """
    return str(perf_counter_ns()) if buffer.on else ""


def stop_duration_sample(label: str, sample_id: str) -> None:
    """End the sample ``sample_id`` under ``label``. Does nothing while telemetry is off, or was at its begin.

    Ending one twice gives two samples from the same begin. What is no identity is counted as rejected.
    """
    stopped = perf_counter_ns()
    if not sample_id or not buffer.on:
        return
    try:
        duration = stopped - int(sample_id)
    except (TypeError, ValueError):
        duration = -1
    if not 0 <= duration <= stopped:
        buffer.rejected += 1
        return
    if len(buffer.samples) >= buffer.threshold and not buffer.make_room():
        return
    buffer.samples.extend((time_ns(), duration, label))


def add_sample(label: str, duration_ns: int) -> None:
    """Add a duration that has been measured, ending now."""
    if buffer.on and (len(buffer.samples) < buffer.threshold or buffer.make_room()):
        buffer.samples.extend((time_ns(), duration_ns, label))

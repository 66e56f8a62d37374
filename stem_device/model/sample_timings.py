"""The timings of sampled events: what each is called, where it stands, and of which events it is one.

Every distribution is made of what is said here, live and recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Column = Callable[[str], npt.NDArray[Any]]
"""Gives the columns of samples by their names, of a poll or of a recording."""


class SampleTiming(Struct, frozen=True):
    """One column of samples, in microseconds. ``table`` and ``column`` are those of recordings.

    ``of_callbacks``: cppTango calls nobody back for an event that it discards, so that one has no such time,
    whatever stands in its place (0 for ``process_micros``).
    """

    name: str
    table: str
    column: str
    of_callbacks: bool = False


PUSH_INTERVAL = SampleTiming("push_interval", "publisher_samples", "micros_since_last_event")
PUSH = SampleTiming("push", "publisher_samples", "push_event_micros")
RECEIVE_INTERVAL = SampleTiming("receive_interval", "subscriber_samples", "micros_since_last_event")
SLEEP = SampleTiming("sleep", "subscriber_samples", "sleep_micros")
PROCESSING = SampleTiming("processing", "subscriber_samples", "process_micros", of_callbacks=True)
LATENCY = SampleTiming("latency", "subscriber_samples", "first_callback_latency_micros", of_callbacks=True)


def concerned(timing: SampleTiming, column: Column) -> npt.NDArray[np.bool_] | None:
    """Which samples are of events that have such a timing, be it known or not; shape (n,). None: all."""
    return np.logical_not(column("discarded")) if timing.of_callbacks else None


def micros(timing: SampleTiming, column: Column) -> npt.NDArray[Any]:
    """The timing of every sample, shape (n,); NaN for those that do not count. Whole numbers if all do."""
    values, kept = column(timing.column), concerned(timing, column)
    return values if kept is None or kept.all() else np.where(kept, values, np.nan)


def counted(timing: SampleTiming, column: Column) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]:
    """Which samples count in a distribution, shape (n,): those that have the timing, if known; and theirs."""
    values = micros(timing, column)
    kept = ~np.isnan(values)
    return kept, values[kept]

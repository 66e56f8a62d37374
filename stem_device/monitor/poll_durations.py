"""The phases of the monitor's own polls, as durations among those of other processes."""

from __future__ import annotations

import math
import os

from msgspec import structs

from stem_device.model.poll import PHASE_LABELS, PollPhases
from stem_device.telemetry import DURATION_FILE_PREFIX
from stem_device.telemetry.following import Measured


class PollDurations:
    """One measurement for each phase that is known. The poll thread alone may use it.

    Of each poll up to ``account``; of the one before ``record`` and ``publish``, which come after it.
    """

    def __init__(self) -> None:
        self._accounted_utc_ns = 0

    def of(self, started_utc_ns: int, duration_seconds: float, phases: PollPhases) -> list[Measured]:
        """Durations of a poll that began at ``started_utc_ns``, after ``resolve``, and took until now.

        Times are the ends of phases. Sources are asked one after the other, and what each says is parsed at
        once: all parsing counts as after all asking.
        """
        before = self._accounted_utc_ns
        self._accounted_utc_ns = started_utc_ns + _ns(duration_seconds)
        recorded = before + _ns(phases.record_seconds)
        ends = (
            started_utc_ns,
            started_utc_ns + _ns(phases.ask_seconds),
            self._accounted_utc_ns - _ns(phases.account_seconds),
            self._accounted_utc_ns,
            recorded,
            recorded + _ns(phases.publish_seconds),
        )
        pid = os.getpid()
        return [
            Measured(DURATION_FILE_PREFIX, end, seconds, label, pid)
            for end, seconds, label in zip(ends, structs.astuple(phases), PHASE_LABELS, strict=True)
            if math.isfinite(seconds)
        ]


def _ns(seconds: float) -> int:
    """0 for what is not known: it is no measurement, and moves no end."""
    return round(seconds * 1e9) if math.isfinite(seconds) else 0

"""How long things took in the processes whose telemetry is in the recording: beside what was lost when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stem_device.model.poll import PHASE_LABELS
from stem_device.report.page.bins import Floats, Integers, TimeBins
from stem_device.report.page.report_data import ProcessRows, ReportData, Samples
from stem_device.report.page.timings import Distribution, distribution
from stem_device.telemetry.names import HALTS


@dataclass(frozen=True, slots=True)
class ProcessTimes:
    """One label over all processes, in seconds; ``worst_utc_ns`` is when the longest one ended.

    ``halt``: in it the process did nothing of its own: a pause of its garbage collector, or a lag.
    """

    label: str
    halt: bool
    processes: int
    count: int
    median_seconds: float
    p99_seconds: float
    worst_seconds: float
    worst_utc_ns: int


@dataclass(frozen=True, slots=True)
class DrawnTimes:
    """A label with a line of its own: the longest of each step (n), NaN where there is none; and all."""

    times: ProcessTimes
    longest_seconds: Floats
    distribution: Distribution


@dataclass(frozen=True, slots=True)
class Processes:
    """All labels, in the order of their longest duration, and those that are drawn, in the same order.

    Phases of the monitor's own polls come after all others and are never drawn: what is drawn stands above
    the events that were lost, which they explain nothing of.
    """

    bins: TimeBins
    times: tuple[ProcessTimes, ...]
    drawn: tuple[DrawnTimes, ...]

    def part(self, *, halts: bool) -> tuple[DrawnTimes, ...]:
        """Those drawn that are halts of the process, or those that are work."""
        return tuple(one for one in self.drawn if one.times.halt is halts)

    @property
    def others(self) -> int:
        """How many labels have no line and could have one."""
        return sum(one.label not in PHASE_LABELS for one in self.times) - len(self.drawn)


def processes(evidence: ReportData, bins: TimeBins, limit: int) -> Processes:
    """Labels with durations. ``limit`` of those that are work, and as many halts, are drawn."""
    rows = evidence.processes
    found = sorted(_found(evidence), key=_order)
    left = {False: limit, True: limit}
    drawn = []
    for times, own in found:
        if left[times.halt] > 0 and times.label not in PHASE_LABELS:
            left[times.halt] -= 1
            drawn.append(DrawnTimes(times, _longest(rows, own, bins), _distribution(rows, own)))
    return Processes(bins, tuple(times for times, _ in found), tuple(drawn))


def _order(one: tuple[ProcessTimes, Integers]) -> tuple[bool, float, str]:
    times, _ = one
    return times.label in PHASE_LABELS, -times.worst_seconds, times.label


def _found(evidence: ReportData) -> Iterator[tuple[ProcessTimes, Integers]]:
    """Each label and its rows."""
    rows = evidence.processes
    key = rows.label.astype(np.int64) * 2 + rows.duration
    order = np.argsort(key, kind="stable")
    keys, begins = np.unique(key[order], return_index=True)
    for code, own in zip(keys.tolist(), np.split(order, begins[1:]), strict=False):
        name, halt = evidence.name(code // 2), not code % 2
        if not halt or name.startswith(HALTS):
            yield _times(name, rows, own, halt=halt), own


def _times(label: str, rows: ProcessRows, own: Integers, *, halt: bool) -> ProcessTimes:
    seconds = rows.value[own]
    median, p99 = np.quantile(seconds, (0.5, 0.99))
    worst = int(np.argmax(seconds))
    return ProcessTimes(
        label,
        halt,
        len(np.unique(rows.pid[own])),
        len(seconds),
        float(median),
        float(p99),
        float(seconds[worst]),
        int(rows.at_utc_ns[own][worst]),
    )


def _longest(rows: ProcessRows, own: Integers, bins: TimeBins) -> Floats:
    longest = np.full(len(bins), np.nan)
    steps = bins.of(rows.at_utc_ns[own])
    inside = (steps >= 0) & (steps < len(bins))
    np.fmax.at(longest, steps[inside], rows.value[own][inside])
    return longest


def _distribution(rows: ProcessRows, own: Integers) -> Distribution:
    return distribution(Samples(rows.at_utc_ns[own], np.zeros(len(own), np.int64), rows.value[own] * 1e6))

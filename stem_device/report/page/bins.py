"""Steps of the time axis. They end at polls: what a poll counted lies within one step, never across two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TimeBins:
    """Step i holds the polls after ``edges_utc_ns[i]`` up to and with ``edges_utc_ns[i + 1]``.

    ``polls_a_bin`` is how many polls of the recording a step sums up, at most.
    """

    edges_utc_ns: Integers
    polls_a_bin: int

    def __len__(self) -> int:
        return max(0, len(self.edges_utc_ns) - 1)

    @property
    def seconds(self) -> Floats:
        """Length of each step."""
        lengths: Floats = np.diff(self.edges_utc_ns) / 1e9
        return lengths

    def of(self, times_utc_ns: Integers) -> Integers:
        """The step of each time; -1 before the first and ``len(self)`` after the last."""
        place: Integers = np.searchsorted(self.edges_utc_ns, times_utc_ns, side="left").astype(np.int64)
        place -= 1
        return place

    def sums(self, times_utc_ns: Integers, values: Integers) -> Integers:
        """Sum of the values in each step, shape (n,). Values outside all steps are left out."""
        one_row = np.zeros(len(times_utc_ns), dtype=np.int64)
        summed: Integers = self.grid(one_row, times_utc_ns, values, 1)[0]
        return summed

    def grid(self, rows: Integers, times_utc_ns: Integers, values: Integers, height: int) -> Integers:
        """Sums by row and step, shape (height, n). Entries with a row below 0 are left out."""
        steps = self.of(times_utc_ns)
        inside = (steps >= 0) & (steps < len(self)) & (rows >= 0)
        cells = rows[inside].astype(np.int64) * len(self) + steps[inside]
        summed = np.bincount(cells, weights=values[inside], minlength=height * len(self))
        return np.rint(summed).astype(np.int64).reshape(height, len(self))


def time_bins(poll_times_utc_ns: Integers, *, limit: int, before: bool = False, sources: int = 1) -> TimeBins:
    """Steps of equally many polls, ``limit`` at most.

    The first poll begins the first step, because what it counted precedes the recording; with ``before`` (a
    part of a recording is shown) it ends a step of its own. Polls of ``sources`` monitors at the same time
    are taken together, so that every step has polls of each.
    """
    times = np.unique(poll_times_utc_ns)
    if before and len(times):
        usual = int(np.median(np.diff(times))) if len(times) > 1 else 1_000_000_000
        times = np.concatenate(([times[0] - usual], times))
    group = max(1 if sources == 1 else 2 * sources, -(-(len(times) - 1) // limit))
    edges = times[::group]
    if len(times) and edges[-1] != times[-1]:
        edges = np.append(edges, times[-1])
    return TimeBins(edges.astype(np.int64), group)

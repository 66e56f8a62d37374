"""The polls of a recording: how long each reaches back, and which of them count."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stem_device.reading import Recording

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


LONG_INTERVAL = 1.9
"""From so many usual intervals on one is long: at least one poll was left out. A poll that is left out makes
two of one; with 2 the jitter of polls would hide it, with 1.5 a poll that came late would be told."""

INTERVALS_TOLD = 100
"""Long ones that are listed, the longest of all."""


def is_long(seconds: Floats, usual: Floats) -> Flags:
    """Which intervals between polls are gaps in time, shape (n,); ``usual`` are those of their sources."""
    found: Flags = (seconds >= LONG_INTERVAL * usual) & (seconds > 0)
    return found


class Polls:
    """Columns of length n, one row a poll, as the recording has them: by source and time.

    ``interval_seconds`` is the time since the poll before, by the monotonic clock. Where that poll is not
    in the recording (a file is missing, or a selection begins here) it is the usual interval of the
    source: what happened before is told of by nobody. It is 0 for the very first poll of a source, whose
    deltas precede the recording: ``counts`` is False there. ``steps`` are the times since the row before,
    0 for the first of a source, and ``missing`` how many polls were made in between that are not here.
    ``usual`` is the median interval of each source.
    """

    def __init__(self, recording: Recording) -> None:
        table = recording["polls"]
        sources = len(recording.sources)
        self.source: Integers = table["source"].astype(np.int64)
        self.time_utc_ns: Integers = table["time_utc_ns"]
        self.counts: Flags = table["counted"]
        begins = np.diff(self.source, prepend=-1) != 0
        skipped = np.diff(table["poll"], prepend=0) - 1
        self.steps: Floats = np.where(begins, 0.0, np.diff(table["monotonic_ns"], prepend=0) / 1e9)
        self.missing: Integers = np.where(begins, 0, np.maximum(skipped, 0))
        unknown = begins | (self.missing > 0)
        self.usual: Floats = np.array(
            [_median(self.steps[(self.source == source) & ~unknown]) for source in range(sources)]
        )
        usual = self.usual[self.source]
        self.interval_seconds: Floats = np.where(unknown, usual, self.steps) * self.counts

    def __len__(self) -> int:
        return len(self.source)

    def last_polls(self) -> Integers:
        """The row of the last poll of each source that has any."""
        return np.flatnonzero(np.diff(self.source, append=-1) != 0)

    def seconds_of(self, source: int) -> float:
        """How much time the polls of a source cover."""
        return float(self.interval_seconds[self.source == source].sum())


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else 0.0

"""Statistics of the event timings that the monitored servers sampled."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stem_device.model.sample_timings import (
    LATENCY,
    PROCESSING,
    PUSH,
    PUSH_INTERVAL,
    RECEIVE_INTERVAL,
    SLEEP,
    counted,
)
from stem_device.model.snapshot import Snapshot

_QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)


class TimingStatistics(Struct, frozen=True, gc=False):
    """One timing of one server over the samples of one poll. Times in microseconds.

    ``standard_error`` is that of the mean (standard deviation / sqrt(count)); NaN for one sample.
    """

    server: str
    timing: str
    count: int
    mean: float
    standard_error: float
    median: float
    minimum: float
    maximum: float
    quantile_01: float
    quantile_10: float
    quantile_90: float
    quantile_99: float


def timing_statistics(snapshot: Snapshot) -> tuple[TimingStatistics, ...]:
    """Every timing of every server that has samples in this poll, in the order of the servers."""
    columns = _columns(snapshot)
    found = []
    for index, server in enumerate(snapshot.servers):
        for timing, owners, values in columns:
            mine = values[owners == index]
            if mine.size:
                found.append(statistics_of(server.name, timing, mine))
    return tuple(found)


def statistics_of(server: str, timing: str, micros: npt.NDArray[np.float64]) -> TimingStatistics:
    """Summarise ``micros``, shape (n,) with n >= 1 and no NaN."""
    q01, q10, median, q90, q99 = (float(value) for value in np.quantile(micros, _QUANTILES))
    error = float(np.std(micros, ddof=1) / np.sqrt(micros.size)) if micros.size > 1 else float("nan")
    return TimingStatistics(
        server=server,
        timing=timing,
        count=int(micros.size),
        mean=float(np.mean(micros)),
        standard_error=error,
        median=median,
        minimum=float(np.min(micros)),
        maximum=float(np.max(micros)),
        quantile_01=q01,
        quantile_10=q10,
        quantile_90=q90,
        quantile_99=q99,
    )


_Column = tuple[str, npt.NDArray[np.int64], npt.NDArray[np.float64]]


def _columns(snapshot: Snapshot) -> tuple[_Column, ...]:
    """(name, server of each sample that counts, its value) of every timing."""
    return tuple(
        (name, samples.server[kept], values.astype(np.float64))
        for samples, timings in (
            (snapshot.publisher_samples, {"push": PUSH, "between pushes": PUSH_INTERVAL}),
            (
                snapshot.subscriber_samples,
                {
                    "sleep": SLEEP,
                    "processing": PROCESSING,
                    "latency": LATENCY,
                    "between receives": RECEIVE_INTERVAL,
                },
            ),
        )
        for name, timing in timings.items()
        for kept, values in (counted(timing, partial(getattr, samples)),)
    )

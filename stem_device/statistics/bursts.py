"""How losses are spread in time, and whether a recording is long enough to compare them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stem_device.statistics.polls import Floats, Polls

PERIODS = 2
"""A recording must cover so many times the distance of two bursts. Of less it depends on the moment of its
start alone whether it has a burst or none."""

FEWEST = 3
"""Bursts that make a pattern: two that happen to be far apart are none."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """Polls with losses that follow each other are a burst. ``seconds`` are between the polls of all of it.

    ``interval_seconds`` is the median time from the start of one to that of the next; NaN for less than
    FEWEST.
    """

    number: int
    interval_seconds: float
    seconds: float


def bursts_of(lost: Floats, polls: Polls) -> Bursts:
    """``lost`` (polls) are the events of each poll. Of several sources each has bursts of its own."""
    begun, apart = 0, [np.empty(0)]
    for source in range(len(polls.usual)):
        own = polls.source == source
        lossy = (lost[own] > 0) & polls.counts[own]
        times = np.cumsum(polls.steps[own])
        starts = times[lossy & ~np.concatenate([[False], lossy[:-1]])] if len(times) else times
        begun += len(starts)
        apart.append(np.diff(starts))
    every = np.concatenate(apart)
    interval = float(np.median(every)) if len(every) >= FEWEST - 1 else math.nan
    return Bursts(begun, interval, float(polls.interval_seconds.sum()))


def too_short(one: Bursts, other: Bursts) -> float:
    """The interval of bursts, of either recording, that ``one`` does not cover PERIODS times; else NaN."""
    known = [bursts.interval_seconds for bursts in (one, other) if not math.isnan(bursts.interval_seconds)]
    longest = max(known, default=math.nan)
    return longest if one.seconds < PERIODS * longest else math.nan

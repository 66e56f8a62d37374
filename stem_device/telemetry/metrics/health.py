"""How the points of a process are doing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricsHealth:
    """Counts of points of this process since it was born, or since the object was made.

    ``offered`` were kept by their level; each of them is ``sent`` (taken by the monitor), ``waiting``,
    ``dropped`` (the oldest, where the buffer was full or the end came) or ``rejected`` (by this process or by
    the monitor, for what ``last_rejection`` says). ``errors`` counts requests that failed, which are tried
    again; the last is ``last_error`` ("" before any).
    """

    level: int
    url: str
    pid: int
    offered: int
    sent: int
    waiting: int
    dropped: int
    rejected: int
    errors: int
    last_error: str
    last_rejection: str

"""How the collecting itself is doing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Counts of this process since it was born.

    ``written`` duration samples are in files, ``waiting`` in memory, ``lost`` in neither: there was no room,
    because the disk was full, hung or away. ``removed`` were written to files that somebody deleted while
    they were being written. ``rejected`` ends of samples named none that began. ``rows_lost`` are rows of
    runtime metrics. ``errors`` counts failures to write, to read a control file or to profile; the last is
    ``last_error`` ("" before any).
    """

    on: bool
    directory: str
    pid: int
    written: int
    waiting: int
    lost: int
    removed: int
    rejected: int
    rows_written: int
    rows_lost: int
    files: int
    errors: int
    last_error: str

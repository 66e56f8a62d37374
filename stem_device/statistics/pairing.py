"""The same servers and streams in two recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from stem_device.reading import Recording
from stem_device.statistics.polls import Integers

_PREFIX = "tango://"
Key = TypeVar("Key", bound=str | tuple[str, str])


def short_names(a: Recording, b: Recording) -> dict[str, str]:
    """Names by which both recordings know the same thing.

    Without ``tango://host:port/`` where either recording has one database: a test system often gets a new
    port each time. In lower case, as Tango does not tell it from upper case.
    """
    one_database = all(len(_databases(recording)) <= 1 for recording in (a, b))
    names = {str(name) for recording in (a, b) for name in recording.names}
    return {name: _short(name).lower() if one_database else name.lower() for name in names}


def paired(a: Sequence[Key], b: Sequence[Key]) -> tuple[Integers, Integers, list[Key]]:
    """What is in both, in the order of ``a``: its rows in ``a``, its rows in ``b``, and what it is."""
    rows_b = {key: row for row, key in enumerate(b)}
    both = [(row, rows_b[key], key) for row, key in enumerate(a) if key in rows_b]
    rows = np.array([(row_a, row_b) for row_a, row_b, _ in both], dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1], [key for _, _, key in both]


def _databases(recording: Recording) -> set[str]:
    names = (str(name) for name in recording.names)
    return {name[: len(name) - len(_short(name))] for name in names if name.startswith(_PREFIX)}


def _short(name: str) -> str:
    if not name.startswith(_PREFIX):
        return name
    return name[len(_PREFIX) :].partition("/")[2]

"""Which of several losers is the worst: one order for the rows of a poll and the columns of a recording.

Most lost first (missed and unaccounted), then most overdue, then most gaps. What is not known counts as 0
here: it must put nobody before those of whom a loss is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from stem_device.model.snapshot import SubscriptionRecord

T = TypeVar("T")
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]


class Badness(NamedTuple):
    """The greater, the worse."""

    lost: int
    overdue: int
    gaps: int = 0


def badness_of(record: SubscriptionRecord) -> Badness:
    """Of a subscription, by its totals."""
    lost = record.missed_total + (record.unaccounted_total or 0)
    return Badness(lost, record.overdue or 0, record.gaps_total)


def worst_first(items: Iterable[T], badness: Callable[[T], Badness], name: Callable[[T], Any]) -> list[T]:
    """In that order; those that are equally bad by ``name``."""
    return sorted(sorted(items, key=name), key=badness, reverse=True)


def rows_worst_first(
    lost: Numbers, overdue: Numbers, gaps: Numbers, *equals: Numbers
) -> npt.NDArray[np.intp]:
    """The same of columns (n): which row is the worst, the next, and so on, shape (n,).

    Less than 0, or NaN, stands for what is not known. Of rows that are equally bad the one with more of
    ``equals`` comes first, then the earlier one.
    """
    keys = [np.maximum(np.nan_to_num(column), 0) for column in (lost, overdue, gaps, *equals)]
    return np.lexsort([-key for key in reversed(keys)])

"""What questions are answered from: series of points, and the marks of runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stem_device.opentsdb.limits import Budget

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Tags = Mapping[str, str]
"""Name of a tag -> its value."""


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one metric with one set of tags.

    ``times_ns`` (int64, shape (n,)) are nanoseconds since 1970 UTC and rise strictly; ``values`` (float64,
    shape (n,)) are finite. What is not known has no point.
    """

    metric: str
    tags: Tags
    times_ns: Integers
    values: Floats


@dataclass(frozen=True, slots=True)
class Annotation:
    """A moment with a text. ``time_ns``: since 1970 UTC; ``custom``: what else is known of it."""

    time_ns: int
    description: str
    custom: Tags = field(default_factory=dict)


class SeriesSource(Protocol):
    """Where series come from: the polls of a monitor, or recordings. Any thread may ask."""

    def metrics(self) -> Collection[str]:
        """Every metric that there can be, whether or not it has series now."""

    def tag_sets(self, metric: str, budget: Budget) -> Iterable[Tags]:
        """The tags of each series of a metric, in any order; none for a metric that is not known.

        Where that takes long the budget is asked now and then, also by ``read``.
        """

    def read(
        self, metric: str, begin_ns: int, end_ns: int, wanted: Callable[[Tags], bool], budget: Budget
    ) -> Iterable[Series]:
        """The points of each series that is wanted from ``begin_ns`` to ``end_ns``, both included.

        And the points of the poll before and after, as far as there are such: between them lie values, and
        changes, within the span.
        """

    def annotations(self, begin_ns: int, end_ns: int) -> Sequence[Annotation]:
        """Those of the span, both ends included, in the order of time."""

"""A source of series that a test makes by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from stem_device.opentsdb.limits import Budget
from stem_device.opentsdb.series import Annotation, Series, Tags

NS = 1_000_000

Made = Sequence[tuple[Mapping[str, str], Mapping[int, float]]]
"""Tags, and values by milliseconds."""


class MadeSource:
    """Series of some metrics; all points of a series are read, whatever span was asked for."""

    def __init__(self, made: Mapping[str, Made], annotations: Sequence[Annotation] = ()) -> None:
        self._made = made
        self._annotations = annotations

    def metrics(self) -> Collection[str]:
        return self._made.keys()

    def tag_sets(self, metric: str, budget: Budget) -> Iterable[Tags]:
        budget.check_time()
        return [tags for tags, _ in self._made.get(metric, ())]

    def read(
        self, metric: str, begin_ns: int, end_ns: int, wanted: Callable[[Tags], bool], budget: Budget
    ) -> Iterator[Series]:
        budget.check_time()
        assert begin_ns <= end_ns
        for tags, points in self._made[metric]:
            if wanted(tags):
                times = np.array(sorted(points), dtype=np.int64)
                values = np.array([points[time] for time in times.tolist()], dtype=np.float64)
                yield Series(metric, tags, times * NS, values)

    def annotations(self, begin_ns: int, end_ns: int) -> Sequence[Annotation]:
        return [one for one in self._annotations if begin_ns <= one.time_ns <= end_ns]

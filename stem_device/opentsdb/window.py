"""The last polls of a monitor, kept so that questions can be answered from them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from stem_device.catalogue import Accumulation, Details, PollSeries
from stem_device.catalogue import Series as CatalogueSeries
from stem_device.model.mark import Mark
from stem_device.model.snapshot import Snapshot
from stem_device.opentsdb.columns import Columns
from stem_device.opentsdb.limits import Budget
from stem_device.opentsdb.points import PointMaker, annotation_of, known_metrics
from stem_device.opentsdb.series import Annotation, Series, Tags

MAX_POLLS = 3600
"""An hour at a period of 1 s."""
MAX_POINTS = 5_000_000
"""Of all series together, 8 bytes each: 40 MB. A system of 1000 series has its 3600 polls within them; a
larger one has fewer."""
MAX_MARKS = 10_000


class LiveWindow:
    """The last ``max_polls`` polls, or fewer if they have more than ``max_points`` points.

    A consumer of Snapshots, for an outlet of its own, and a source of series. Any thread may call it.
    ``series`` are those of all exporters of a monitor; ``details`` says which subscriptions have series of
    their own.
    """

    def __init__(
        self,
        series: PollSeries | None = None,
        details: Details = Details.LOSING,
        *,
        max_polls: int = MAX_POLLS,
        max_points: int = MAX_POINTS,
    ) -> None:
        self._series = series or PollSeries()
        self._details = details
        self._accumulation = Accumulation()
        self._maker = PointMaker()
        self._lock = threading.Lock()
        self._columns = Columns(max_polls, max_points)
        self._marks: deque[Mark] = deque(maxlen=MAX_MARKS)

    def take(self, snapshot: Snapshot) -> None:
        """One more poll, as a consumer."""
        series = self._series(snapshot, self._details)
        self.add(snapshot.time_utc_ns, self._accumulation.add(snapshot, series))

    def close(self) -> None:
        """Nothing ends: questions are answered as long as anybody asks."""

    def add(self, time_utc_ns: int, series: Iterable[CatalogueSeries]) -> None:
        """One more poll, by who has its series already; its histograms are those of all polls so far."""
        points = list(self._maker.points(series))
        with self._lock:
            self._columns.add(time_utc_ns, points)

    def mark(self, mark: Mark) -> None:
        """One more mark of a run, with the times that it was stamped with."""
        with self._lock:
            self._marks.append(mark)

    def metrics(self) -> Collection[str]:
        return known_metrics()

    def tag_sets(self, metric: str, budget: Budget) -> Iterable[Tags]:
        budget.check_time()
        with self._lock:
            return [dict(tags) for tags in self._columns.tag_sets(metric)]

    def read(
        self, metric: str, begin_ns: int, end_ns: int, wanted: Callable[[Tags], bool], budget: Budget
    ) -> Iterator[Series]:
        budget.check_time()
        with self._lock:
            found = list(self._columns.read(metric, begin_ns, end_ns, wanted))
        return iter(found)

    def annotations(self, begin_ns: int, end_ns: int) -> Sequence[Annotation]:
        with self._lock:
            marks = [mark for mark in self._marks if begin_ns <= mark.emitted_utc_ns <= end_ns]
        return [annotation_of(mark) for mark in sorted(marks, key=lambda mark: mark.emitted_utc_ns)]

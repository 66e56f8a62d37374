"""Points of many polls, kept as columns: a row a poll, a column a series."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from stem_device.opentsdb.series import Floats, Integers, Series, Tags

Layout = tuple[tuple[tuple[str, str], ...], ...]
"""The tags of each column."""

BLOCK_POLLS = 64
"""Rows of one block at most. Memory is freed block by block; with 1 there would be a layout for each poll."""
LAYOUT_POINTS = 8
"""What a column's tags count as when a block is weighed: about as many bytes as so many values."""


class Point(NamedTuple):
    """One value of one poll; ``tags`` are in the order of the metric's labels."""

    metric: str
    tags: tuple[tuple[str, str], ...]
    value: float


class Block:
    """Consecutive polls in which a metric has the same series."""

    __slots__ = ("last_poll", "layout", "times", "values")

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.last_poll = 0
        self.times = array("q")
        self.values = array("d")

    @property
    def points(self) -> int:
        """How much memory it is worth."""
        return len(self.values) + LAYOUT_POINTS * len(self.layout)

    def add(self, poll: int, time_ns: int, values: Iterable[float]) -> None:
        self.last_poll = poll
        self.times.append(time_ns)
        self.values.extend(values)


class Columns:
    """All metrics of some polls. Not thread-safe.

    What is older than ``max_polls`` polls goes, and the oldest while there are more than ``max_points``
    points; both block by block, so that up to 64 polls more are there. A poll may be stamped earlier than
    the one before, where a clock was set.
    """

    def __init__(self, max_polls: int, max_points: int) -> None:
        self._max_polls = max_polls
        self._max_points = max_points
        self._blocks: dict[str, deque[Block]] = {}
        self.polls = 0
        self.points = 0

    def metrics(self) -> Iterable[str]:
        """Those with points."""
        return self._blocks.keys()

    def tag_sets(self, metric: str) -> set[tuple[tuple[str, str], ...]]:
        """The tags of each series that has points."""
        return {tags for block in self._blocks.get(metric, ()) for tags in block.layout}

    def add(self, time_ns: int, points: Iterable[Point]) -> None:
        """One more poll. Series that are not among its points have none there."""
        by_metric: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for point in points:
            by_metric.setdefault(point.metric, {})[point.tags] = point.value
        self.polls += 1
        for metric, values in by_metric.items():
            layout = tuple(sorted(values))
            self._block_for(metric, layout).add(self.polls, time_ns, map(values.__getitem__, layout))
            self.points += len(layout)
        self._forget()

    def _block_for(self, metric: str, layout: Layout) -> Block:
        blocks = self._blocks.setdefault(metric, deque())
        if not blocks or blocks[-1].layout != layout or len(blocks[-1].times) >= BLOCK_POLLS:
            # Whoever has the same series as before shares their names.
            blocks.append(Block(blocks[-1].layout if blocks and blocks[-1].layout == layout else layout))
            self.points += LAYOUT_POINTS * len(layout)
        return blocks[-1]

    def _forget(self) -> None:
        for metric in list(self._blocks):
            while (
                metric in self._blocks and self._blocks[metric][0].last_poll <= self.polls - self._max_polls
            ):
                self._drop_oldest(metric)
        while self.points > self._max_points:
            self._drop_oldest(min(self._blocks, key=lambda metric: self._blocks[metric][0].last_poll))

    def _drop_oldest(self, metric: str) -> None:
        blocks = self._blocks[metric]
        self.points -= blocks.popleft().points
        if not blocks:
            del self._blocks[metric]

    def read(
        self, metric: str, begin_ns: int, end_ns: int, wanted: Callable[[Tags], bool]
    ) -> Iterator[Series]:
        """As :meth:`SeriesSource.read`; arrays are copies."""
        blocks = self._blocks.get(metric, ())
        every = np.concatenate([np.empty(0, np.int64), *(_times(block) for block in blocks)])
        low, high = _with_neighbours(every, begin_ns, end_ns)
        pieces: dict[tuple[tuple[str, str], ...], list[tuple[Integers, Floats]]] = {}
        chosen: dict[tuple[tuple[str, str], ...], bool] = {}
        for block in blocks:
            times = _times(block)
            rows = np.flatnonzero((times >= low) & (times <= high))
            if not len(rows):
                continue
            matrix = np.frombuffer(block.values).reshape(len(times), -1)[rows]
            for column, tags in enumerate(block.layout):
                if tags not in chosen:
                    chosen[tags] = wanted(dict(tags))
                if chosen[tags]:
                    pieces.setdefault(tags, []).append((times[rows], matrix[:, column]))
        for tags, parts in pieces.items():
            yield Series(metric, dict(tags), *_joined(parts))


def _times(block: Block) -> Integers:
    return np.array(block.times, dtype=np.int64)


def _with_neighbours(times: Integers, begin_ns: int, end_ns: int) -> tuple[int, int]:
    """The span, and to either side the nearest poll outside of it."""
    before, after = times[times < begin_ns], times[times > end_ns]
    return (
        int(before.max()) if len(before) else begin_ns,
        int(after.min()) if len(after) else end_ns,
    )


def _joined(parts: list[tuple[Integers, Floats]]) -> tuple[Integers, Floats]:
    """In the order of time, of each moment what came last."""
    times = np.concatenate([own for own, _ in parts])
    values = np.concatenate([own for _, own in parts])
    if (np.diff(times) > 0).all():
        return times, values
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    last = np.append(times[1:] != times[:-1], True)
    return times[last], values[last]

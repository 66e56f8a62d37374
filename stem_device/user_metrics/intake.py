"""The intake: points of users come in, within limits, and go on with the next poll.

What is stored costs whoever sends nothing: a point is appended to arrays, whatever is in them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from stem_device.model.options import MetricsOptions
from stem_device.model.snapshot import NO_METRICS, Floats, Integers, MetricRows, MetricSeries
from stem_device.telemetry.metrics.points import HOST, PROCESS, labels_problem, name_problem
from stem_device.user_metrics.outcome import MAX_ERRORS, Outcome, Rejection
from stem_device.user_metrics.parsing import BadElement, Element, parse_batch
from stem_device.user_metrics.points import Block, Growing, checked_points
from stem_device.user_metrics.rates import Rates
from stem_device.user_metrics.registry import Registry

MAX_WAITING = 2_000_000
"""Points between two polls, 24 bytes each: 48 MB; 200,000 points/s at a period of 10 s."""
WINDOW_POINTS = 5_000_000
"""Points that questions are answered from, 24 bytes each: 120 MB."""
WINDOW_SECONDS = 3600.0
"""As long as series count for the limit after their last point."""
RELEASE_SECONDS = 10.0
"""Between two looks for series that can be forgotten, each of which reads the whole window."""
MAX_TOLD = 50_000
"""Ways to write series that are remembered: their labels may come in any order."""
SHOWN_SECONDS = 300.0
"""How long the latest value of a series is exported: after 5 minutes Prometheus takes a series for gone."""


class IntakeCounts(NamedTuple):
    """Points taken and rejected since the monitor began, series known now, and the last reason."""

    taken: int = 0
    rejected: int = 0
    series: int = 0
    last_rejection: str = ""


class Intake:
    """Takes points; any thread may call every method. ``clock`` is monotonic, in s; ``utc_ns`` stamps points
    that come without a time."""

    def __init__(
        self,
        options: MetricsOptions,
        *,
        clock: Callable[[], float] = time.monotonic,
        utc_ns: Callable[[], int] = time.time_ns,
        max_waiting: int = MAX_WAITING,
        window_points: int = WINDOW_POINTS,
    ) -> None:
        self._options = options
        self._clock = clock
        self._utc_ns = utc_ns
        self._max_waiting = max_waiting
        self._window_points = window_points
        self._lock = threading.Lock()
        self._registry = Registry()
        self._rates = Rates(options.max_metric_rate)
        self._waiting = Growing()
        self._blocks: deque[tuple[float, Block]] = deque()
        self._kept_points = 0
        self._taken = self._rejected = 0
        self._last_rejection = ""
        self._next_release = 0.0
        self._told: dict[tuple[object, ...], int] = {}

    @property
    def counts(self) -> IntakeCounts:
        return IntakeCounts(self._taken, self._rejected, len(self._registry), self._last_rejection)

    def add_json(self, text: bytes | str, sender: str) -> Outcome:
        """Take a batch; see :mod:`.parsing`. ``sender`` tells those apart that do not say who they are.

        Raises MetricError for what is no batch.
        """
        elements = parse_batch(text)
        with self._lock:
            return self._add_all(elements, sender)

    def add(self, series: MetricSeries, at_utc_ns: int, value: float) -> str:
        """Take a point of the monitor's own, which has no limit of its rate; why not, "" if taken."""
        with self._lock:
            number, problem = self._number(series)
            if problem or len(self._waiting) >= self._max_waiting:
                self._rejected += 1
                self._last_rejection = problem or self._full()
                return self._last_rejection
            self._keep(number, (at_utc_ns,), (value,))
            return ""

    def take(self) -> MetricRows:
        """What came since the last time, with the latest value of every series that is not old."""
        with self._lock:
            now = self._clock()
            block = self._waiting.block()
            self._waiting = Growing()
            if len(block.series):
                self._blocks.append((now, block))
                self._kept_points += len(block.series)
            self._forget(now)
            return self._rows(block, now)

    # Questions.

    def names(self) -> set[str]:
        """Of all metrics that are known."""
        with self._lock:
            return {one.name for one in self._registry.numbers}

    def series_of(self, name: str) -> list[MetricSeries]:
        """The known series of a metric."""
        with self._lock:
            return [one for one in self._registry.numbers if one.name == name]

    def read(
        self, name: str, wanted: Callable[[MetricSeries], bool]
    ) -> Iterator[tuple[MetricSeries, Integers, Floats]]:
        """Times (ns) and values of each wanted series of a metric, in the order of time."""
        with self._lock:
            blocks = [block for _, block in self._blocks] + [self._waiting.block()]
            numbers = [
                (number, one) for number, one in self._registry.known() if one.name == name and wanted(one)
            ]
        chosen = np.array([number for number, _ in numbers], np.int64)
        parts = [_only(block, chosen) for block in blocks]
        index = np.concatenate([one.series for one in parts])
        at = np.concatenate([one.at_utc_ns for one in parts])
        value = np.concatenate([one.value for one in parts])
        for number, one in numbers:
            own = np.flatnonzero(index == number)
            if len(own):
                own = own[np.argsort(at[own], kind="stable")]
                yield one, at[own], value[own]

    # With the lock.

    def _add_all(self, elements: list[Element | BadElement], sender: str) -> Outcome:
        now, taken, failed = self._clock(), 0, 0
        errors: list[Rejection] = []
        for one in elements:
            points = 1 if isinstance(one, BadElement) else one.points
            kept, problem = (0, one.error) if isinstance(one, BadElement) else self._add(one, sender, now)
            taken += kept
            if kept < points or problem:
                failed += points - kept
                self._last_rejection = f"{one.metric[:200]!r}: {problem}"
                if len(errors) < MAX_ERRORS:
                    errors.append(Rejection(one.metric[:200], points - kept, problem))
        self._taken += taken
        self._rejected += failed
        return Outcome(taken, failed, tuple(errors))

    def _add(self, one: Element, sender: str, now: float) -> tuple[int, str]:
        """How many points were taken, and why others were not."""
        times, values, problem = self._told_points(one)
        if not values:
            return 0, problem or "it has no value"
        tags = one.tags or {}
        key = (one.metric, *tags.items(), *map(type, tags.values()))  # 1, 1.0 and true are equal
        number = self._told.get(key)
        if number is None:
            number, unknown = self._checked(one)
            if unknown:
                return 0, unknown
            self._told[key] = number
        series = self._registry.series[number]
        room = self._max_waiting - len(self._waiting)
        who = (sender, series.host, series.process)
        allowed = self._rates.allowed(who, min(len(values), max(0, room)), now)
        if allowed < len(values):
            problem = self._full() if allowed >= room else self._too_fast()
            times, values = times[:allowed], values[:allowed]
        if values:
            self._keep(number, times, values)
        return len(values), problem

    def _checked(self, one: Element) -> tuple[int, str]:
        """The number of its series, and why it can have none."""
        told = {key: str(value) for key, value in (one.tags or {}).items()}
        if problem := name_problem(one.metric) or labels_problem(told):
            return 0, problem
        host, process = told.pop(HOST, None), told.pop(PROCESS, None)
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        return self._number(MetricSeries(one.metric, tuple(sorted(told.items())), host, process))

    def _told_points(self, one: Element) -> tuple[list[int], list[float], str]:
        moment = self._utc_ns() if one.timestamp is None else one.timestamp
        if one.values is None:
            values = [] if one.value is None else [one.value]
            times: list[float] = [moment] * len(values)
        else:
            values = one.values
            times = [moment] * len(values) if one.timestamps is None else one.timestamps
            if len(times) != len(values):
                return [], [], f"it has {len(values)} values and {len(times)} timestamps"
        at, kept, problem = checked_points(times, values)
        return list(at), list(kept), problem

    def _keep(
        self, number: int, at: tuple[int, ...] | list[int], values: tuple[float, ...] | list[float]
    ) -> None:
        self._waiting.add(number, at, values)
        self._registry.saw(number, at, values, self._clock(), self._utc_ns())

    def _number(self, series: MetricSeries) -> tuple[int, str]:
        number = self._registry.numbers.get(series)
        if number is not None:
            return number, ""
        most = self._options.max_metric_series
        if len(self._registry) >= most:
            self._release()
        if len(self._registry) >= most:
            return 0, (
                f"{most} series are known, and no more are taken within an hour (MaxMetricSeries)"
                if most
                else "this monitor takes no metrics (MaxMetricSeries is 0)"
            )
        return self._registry.add(series), ""

    def _release(self) -> None:
        """Forget series without points in the window; not often, as whoever sends too many asks for it."""
        now = self._clock()
        if now < self._next_release:
            return
        self._next_release = now + RELEASE_SECONDS
        self._forget(now)
        self._registry.release(set(self._present()))
        self._told.clear()

    def _full(self) -> str:
        return f"{self._max_waiting} points wait for the next poll: poll more often, or send less"

    def _too_fast(self) -> str:
        most = self._options.max_metric_rate
        return f"a process may send {most} points a second (MaxMetricRate), and this one sends more"

    def _present(self) -> list[int]:
        """Numbers of series that have points in the window."""
        parts = [np.unique(block.series) for _, block in self._blocks] + [
            np.unique(self._waiting.block().series)
        ]
        return [int(number) for number in np.unique(np.concatenate(parts))]

    def _forget(self, now: float) -> None:
        blocks = self._blocks
        while blocks and (
            now - blocks[0][0] > WINDOW_SECONDS
            or (self._kept_points > self._window_points and len(blocks) > 1)
        ):
            self._kept_points -= len(blocks.popleft()[1].series)

    def _rows(self, block: Block, now: float) -> MetricRows:
        shown = self._registry.seen_since(now - SHOWN_SECONDS)
        numbers = np.union1d(np.unique(block.series), np.array(shown, np.int64)).astype(np.int64)
        if not len(numbers):
            return NO_METRICS
        registry, own = self._registry, numbers.tolist()
        return MetricRows(
            series=tuple(registry.series[number] for number in own),
            index=np.searchsorted(numbers, block.series).astype(np.int64),
            at_utc_ns=block.at_utc_ns,
            value=block.value,
            latest_utc_ns=np.array([registry.latest[number][0] for number in own], np.int64),
            latest_value=np.array([registry.latest[number][1] for number in own], np.float64),
        )


def _only(block: Block, numbers: Integers) -> Block:
    kept = np.flatnonzero(np.isin(block.series, numbers))
    return Block(block.series[kept], block.at_utc_ns[kept], block.value[kept])

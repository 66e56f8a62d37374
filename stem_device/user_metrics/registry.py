"""The series that are known, each by a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stem_device.model.snapshot import MetricSeries

_GONE = MetricSeries("")
AHEAD_NS = 60 * 10**9
"""Clocks of machines may differ by so much."""


class Registry:
    """Not thread-safe. Numbers of series that were released are given again.

    ``latest`` of each number: time (ns) and value of the latest point, and when one last came (monotonic, s).
    """

    def __init__(self) -> None:
        self.numbers: dict[MetricSeries, int] = {}
        self.series: list[MetricSeries] = []
        self.latest: list[tuple[int, float, float]] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.numbers)

    def known(self) -> Iterator[tuple[int, MetricSeries]]:
        return ((number, one) for one, number in self.numbers.items())

    def add(self, series: MetricSeries) -> int:
        """A number for one that is not known."""
        if self._free:
            number = self._free.pop()
            self.series[number], self.latest[number] = series, (0, 0.0, 0.0)
        else:
            number = len(self.series)
            self.series.append(series)
            self.latest.append((0, 0.0, 0.0))
        self.numbers[series] = number
        return number

    def saw(self, number: int, at: Sequence[int], values: Sequence[float], now: float, utc_ns: int) -> None:
        """Points came; the latest is that of the latest time, of several the last that came.

        A time that is still to come holds until then only against those that are to come too: one point of a
        wrong clock must not hide all that follow.
        """
        time, value, _ = self.latest[number]
        newest = max(at)
        if newest >= time or newest <= utc_ns + AHEAD_NS < time:
            back = 1
            while at[-back] != newest:
                back += 1
            time, value = newest, values[-back]
        self.latest[number] = (time, value, now)

    def seen_since(self, now: float) -> list[int]:
        """Numbers of those that had a point since then."""
        return [number for number in self.numbers.values() if self.latest[number][2] >= now]

    def release(self, used: set[int]) -> None:
        """Forget all others."""
        for series, number in tuple(self.numbers.items()):
            if number not in used:
                del self.numbers[series]
                self.series[number] = _GONE
                self._free.append(number)

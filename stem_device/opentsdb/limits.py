"""How much one question may cost. Whoever asks for more is told what to ask instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from stem_device.errors import TsdbQueryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one request.

    ``points`` are read at most by all its queries together; a point takes 16 bytes, so that the default is
    80 MB. ``cells``: series times moments of one group, with what is filled in; ``results``: series that one
    request answers with. ``seconds``: for all of it. ``queries`` of one request, ``filters`` of one query,
    ``characters`` of a regular expression. ``body_bytes`` of a request.
    """

    points: int = 5_000_000
    cells: int = 20_000_000
    results: int = 10_000
    seconds: float = 20.0
    queries: int = 100
    filters: int = 50
    characters: int = 500
    body_bytes: int = 1_000_000


class Budget:
    """What is left of the limits while one request is answered. One thread."""

    def __init__(self, limits: Limits, now: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._now = now
        self._end = now() + limits.seconds
        self._points = self._results = 0

    def read(self, points: int) -> None:
        """Count points that were read. Raises TsdbQueryError beyond the limit, as all methods here do."""
        self._points += points
        if self._points > self.limits.points:
            raise _too_much(
                f"the queries read more than {self.limits.points:,} points",
                "ask for a shorter time, or for fewer series by filters",
            )
        self.check_time()

    def check_points(self, more: int) -> None:
        """Before so many points more are held that :meth:`read` has not counted yet."""
        if self._points + more > self.limits.points:
            self.read(more)
        self.check_time()

    def answer(self, results: int) -> None:
        """Count series that are answered with."""
        self._results += results
        if self._results > self.limits.results:
            raise _too_much(
                f"the answer has more than {self.limits.results:,} series",
                "filter, or group by fewer tags",
            )

    def check_cells(self, series: int, moments: int) -> None:
        """Before so many series are put side by side at so many moments."""
        if series * moments > self.limits.cells:
            raise _too_much(
                f"{series:,} series at {moments:,} moments are more than {self.limits.cells:,} values",
                "downsample, as 1m-avg, by a longer interval, or ask for a shorter time",
            )
        self.check_time()

    def check_time(self) -> None:
        if self._now() > self._end:
            raise _too_much(
                f"the answer takes longer than {self.limits.seconds:g} s",
                "ask for a shorter time, or again: of recordings, what was read is kept",
            )


def _too_much(message: str, details: str) -> TsdbQueryError:
    # 413 is what OpenTSDB 2.4 says when a query goes beyond its limits.
    return TsdbQueryError(message, details, status=413)

"""A consumer of Snapshots that pushes the catalogue's numbers of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from stem_device.catalogue import Accumulation, Details, PerRow, PollSeries, labels_of
from stem_device.errors import PushError
from stem_device.model.snapshot import MetricRows, Snapshot
from stem_device.opentsdb.columns import Point
from stem_device.opentsdb.points import PointMaker
from stem_device.opentsdb.pushing.endpoint import Endpoint
from stem_device.opentsdb.pushing.http_put import HttpPut, PutPoint
from stem_device.opentsdb.pushing.names import PutTags, users_tags, valid_name, valid_tags
from stem_device.opentsdb.pushing.telnet_put import TelnetPut
from stem_device.outlets.bounded_http import END_SECONDS, ExchangeBudget

TIMEOUT_SECONDS = 10.0
"""For all points of one poll. A server that is restarted is back by then; 30 polls wait meanwhile."""
_EXACT = 2**53


class Put(Protocol):
    """One of the two ways."""

    def send(self, points: Sequence[PutPoint]) -> int:
        """How many were taken. Raises PushError, which says the same."""

    def close(self) -> None:
        """Close what is open."""


class OpenTsdbPusher:
    """Pushes every poll to one endpoint; belongs behind an outlet, where it costs no poll.

    ``tags`` are on every point and tell this monitor from others: at least one. ``series`` are those of all
    exporters of a monitor, ``details`` say which subscriptions have series of their own. A poll of which a
    point was not taken raises PushError, so that the outlet counts it as failed; ``points_sent`` and
    ``points_failed`` count points.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        tags: Mapping[str, str],
        series: PollSeries | None = None,
        details: Details = Details.LOSING,
        *,
        authorization: str = "",
        ca_file: Path | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._series = series or PollSeries()
        self._maker = PointMaker()
        self._tags: PerRow[tuple[tuple[str, str], ...], PutTags] = PerRow(lambda own: valid_tags(own, tags))
        self._users_tags: PerRow[tuple[tuple[str, str], ...], PutTags] = PerRow(
            lambda labels: users_tags(labels, tags)
        )
        self._details = details
        self._accumulation = Accumulation()
        self._budget = ExchangeBudget(timeout_seconds)
        self._put: Put = (
            TelnetPut(endpoint, self._budget)
            if endpoint.telnet
            else HttpPut(endpoint, self._budget, authorization=authorization, ca_file=ca_file)
        )
        self._failing = ""
        """Why the last poll was not taken; empty if it was."""
        self.points_sent = 0
        self.points_failed = 0

    def take(self, snapshot: Snapshot) -> None:
        """Push one poll. Raises PushError."""
        series = self._accumulation.add(snapshot, self._series(snapshot, self._details))
        self._tags.begin_poll()
        self._users_tags.begin_poll()
        points, twice = put_points(snapshot.time_utc_ns, self._maker.points(series), self._tags)
        of_users, their_twice = users_points(snapshot.metrics, self._users_tags)
        points, twice = points + of_users, twice + their_twice
        taken = 0
        try:
            taken = self._put.send(points)
            self._failing = ""
        except PushError as error:
            taken = error.taken
            if self._failing and self._budget.ended:  # the end is not why
                raise PushError(str(self._endpoint), self._failing, taken) from error
            self._failing = error.reason
            raise
        finally:
            self.points_sent += taken
            self.points_failed += len(points) - taken + twice
        if twice:
            reason = "series have the same name once what OpenTSDB does not allow in names is replaced"
            raise PushError(str(self._endpoint), reason, taken)

    def ending(self) -> None:
        """Wait for nobody who did not answer last, and for others not long; by any thread."""
        self._budget.end_within(0.0 if self._failing else END_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._put.close()


def put_points(
    time_utc_ns: int, points: Iterable[Point], tags: PerRow[tuple[tuple[str, str], ...], PutTags]
) -> tuple[list[PutPoint], int]:
    """Points with valid names, each once, and how many had the name of another one.

    ``tags`` makes valid tags of those of a point.
    """
    made: dict[tuple[str, str], PutPoint] = {}
    moment, given = time_utc_ns // 1_000_000, 0
    for point in points:
        given += 1
        metric, own = valid_name(point.metric), tags[point.tags]
        if (metric, own.text) not in made:
            made[metric, own.text] = PutPoint(metric, moment, _number(point.value), own.by_name)
    return list(made.values()), given - len(made)


def users_points(
    metrics: MetricRows, tags: PerRow[tuple[tuple[str, str], ...], PutTags]
) -> tuple[list[PutPoint], int]:
    """Points of users' metrics, each at its own time, in ms; of several of a series in one, the last stays.

    And how many points belong to a series that has the name of another one.
    """
    named = [(valid_name(one.name), tags[tuple(labels_of(one).items())]) for one in metrics.series]
    first: dict[tuple[str, str], int] = {}
    owner = [first.setdefault((name, own.text), number) for number, (name, own) in enumerate(named)]
    twice = 0
    last: dict[tuple[int, int], float] = {}
    columns = (metrics.index, metrics.at_utc_ns // 1_000_000, metrics.value)
    for number, at_ms, value in zip(*(column.tolist() for column in columns), strict=True):
        if owner[number] == number:
            last[number, at_ms] = value
        else:
            twice += 1
    made = [
        PutPoint(named[number][0], at_ms, _number(value), named[number][1].by_name)
        for (number, at_ms), value in last.items()
    ]
    return made, twice


def _number(value: float) -> float | int:
    """Whole numbers without a point: OpenTSDB keeps them exactly, and floats with 7 digits only in places."""
    value = float(value)
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value

"""Answers: series of points, filtered, downsampled, turned into rates, grouped and aggregated.

In this order, which is OpenTSDB's; each series is downsampled, then made a rate of, before it meets others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stem_device.errors import TsdbQueryError
from stem_device.opentsdb.aggregators import NONE
from stem_device.opentsdb.downsampling import Downsampling
from stem_device.opentsdb.limits import Budget
from stem_device.opentsdb.merging import Points, merged
from stem_device.opentsdb.request import Query, Request
from stem_device.opentsdb.series import Annotation, Floats, Integers, Series, SeriesSource, Tags

NS = 1_000_000
"""Nanoseconds of a millisecond."""


@dataclass(frozen=True, slots=True)
class Result:
    """One series of an answer.

    ``tags``: what all its series have in common; ``aggregate_tags``: tags that all have, with different
    values. ``times_ms`` (int64) rise, ``values`` (float64, NaN where a bucket is filled with nothing).
    """

    query: Query
    tags: Tags
    aggregate_tags: tuple[str, ...]
    times_ms: Integers
    values: Floats


@dataclass(frozen=True, slots=True)
class Answer:
    """To one request; results stand query by query."""

    request: Request
    results: tuple[Result, ...]
    annotations: Sequence[Annotation] = ()


def answer(source: SeriesSource, request: Request, budget: Budget) -> Answer:
    """Answer a request. Raises TsdbQueryError for a metric that there cannot be, and beyond the limits."""
    known = source.metrics()
    for query in request.queries:
        if query.metric not in known:
            raise TsdbQueryError(
                f"No such name for 'metrics': '{query.metric:.200}'", "see /api/suggest?type=metrics"
            )
    results = tuple(
        result for query in request.queries for result in _results(source, request, query, budget)
    )
    wanted = request.annotations or request.global_annotations
    annotations = source.annotations(request.begin_ms * NS, (request.end_ms + 1) * NS - 1) if wanted else ()
    return Answer(request, results, annotations)


def _results(source: SeriesSource, request: Request, query: Query, budget: Budget) -> Iterable[Result]:
    begin_ms, end_ms = _span_to_read(request, query.downsampling)
    groups: dict[tuple[str, ...], list[tuple[Tags, Points]]] = {}
    for series in source.read(
        query.metric, begin_ms * NS, (end_ms + 1) * NS - 1, lambda tags: _passes(query, tags), budget
    ):
        budget.read(len(series.times_ns))
        points = _prepared(series, request, query, budget)
        if len(points.times_ms):
            groups.setdefault(_group(query, series.tags), []).append((series.tags, points))
    for members in (groups[key] for key in sorted(groups)):
        result = _result(request, query, members, budget)
        if len(result.times_ms):
            budget.answer(1)
            yield result


def _passes(query: Query, tags: Tags) -> bool:
    if query.explicit_tags and tags.keys() != {one.key for one in query.filters}:
        return False
    return all(one(tags) for one in query.filters)


def _group(query: Query, tags: Tags) -> tuple[str, ...]:
    """Series with the same one are answered together."""
    if query.aggregator is NONE:
        return tuple(f"{key}\0{value}" for key, value in sorted(tags.items()))
    return tuple(tags.get(key, "") for key in query.group_keys)


def _span_to_read(request: Request, downsampling: Downsampling | None) -> tuple[int, int]:
    """What the answer depends on: whole buckets, and one more before, from which a rate or a line begins."""
    if downsampling is None or not downsampling.interval_ms:
        return request.begin_ms, request.end_ms
    interval = downsampling.interval_ms
    begin = (request.begin_ms // interval - 1) * interval
    end = (request.end_ms // interval + 1) * interval - 1
    return max(0, begin), end


def _prepared(series: Series, request: Request, query: Query, budget: Budget) -> Points:
    times_ms, values = series.times_ns // NS, series.values
    if query.downsampling is not None:
        begin_ms, end_ms = request.begin_ms, request.end_ms
        if query.downsampling.fills:
            # The bucket before, from which the first rate is.
            begin_ms = max(0, begin_ms - query.downsampling.interval_ms)
            budget.read(query.downsampling.buckets(begin_ms, end_ms))
        times_ms, values = query.downsampling(times_ms, values, begin_ms, end_ms)
    if query.rate is not None:
        times_ms, values = query.rate(times_ms, values)
    return Points(times_ms, values)


def _result(request: Request, query: Query, members: list[tuple[Tags, Points]], budget: Budget) -> Result:
    # What is first and last among series must not depend on who was monitored first.
    members.sort(key=lambda member: sorted(member[0].items()))
    points = [points for _, points in members]
    if query.aggregator is NONE:
        times_ms, values = points[0]
    else:
        times_ms, values = merged(points, query.aggregator, budget, steps=query.rate is not None)
    asked = (times_ms >= request.begin_ms) & (times_ms <= request.end_ms)
    times_ms, values = times_ms[asked], values[asked]
    if not request.milliseconds:
        times_ms, values = _by_seconds(times_ms, values)
    tags, aggregate_tags = _common([tags for tags, _ in members])
    return Result(query, tags, aggregate_tags, times_ms, values)


def _by_seconds(times_ms: Integers, values: Floats) -> tuple[Integers, Floats]:
    """The last point of each second: an answer in seconds tells one, and a sum of several would be wrong."""
    seconds = times_ms // 1000
    last = np.append(seconds[1:] != seconds[:-1], True)[: len(seconds)]
    return times_ms[last], values[last]


def _common(tag_sets: list[Tags]) -> tuple[Tags, tuple[str, ...]]:
    keys = set(tag_sets[0]).intersection(*tag_sets[1:])
    same = {key: tag_sets[0][key] for key in sorted(keys) if len({tags[key] for tags in tag_sets}) == 1}
    return same, tuple(sorted(keys - same.keys()))

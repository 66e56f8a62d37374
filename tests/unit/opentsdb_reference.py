"""OpenTSDB's query written down as plainly as it can be: one loop a rule, no arrays, any length of time.

What the engine answers is compared with this. Times are milliseconds; a series is (tags, {time: value}).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

Points = dict[int, float]
Series = tuple[dict[str, str], Points]

NAN = math.nan


def percentile(share: float) -> Callable[[list[float]], float]:
    def of(values: list[float]) -> float:
        values = sorted(values)
        position = share * (len(values) + 1)
        if position < 1:
            return values[0]
        if position >= len(values):
            return values[-1]
        lower = values[int(position) - 1]
        return lower + (position - int(position)) * (values[int(position)] - lower)

    return of


def deviation(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


FUNCTIONS: dict[str, tuple[str, Callable[[list[float]], float]]] = {
    "sum": ("linear", math.fsum),
    "zimsum": ("zero", math.fsum),
    "pfsum": ("previous", math.fsum),
    "squareSum": ("zero", lambda values: math.fsum(value * value for value in values)),
    "avg": ("linear", lambda values: math.fsum(values) / len(values)),
    "min": ("linear", min),
    "max": ("linear", max),
    "mimmin": ("nothing", min),
    "mimmax": ("nothing", max),
    "mult": ("linear", math.prod),
    "count": ("zero", len),
    "dev": ("linear", deviation),
    "diff": ("linear", lambda values: values[-1] - values[0]),
    "first": ("zero", lambda values: values[0]),
    "last": ("zero", lambda values: values[-1]),
    "median": ("linear", lambda values: sorted(values)[len(values) // 2]),
    "p50": ("linear", percentile(0.50)),
    "p90": ("linear", percentile(0.90)),
    "p999": ("linear", percentile(0.999)),
}


def downsample(points: Points, given: str, begin: int, end: int) -> Points:
    text, name, *rest = given.split("-")
    interval, fill = 0 if text == "0all" else int(text.removesuffix("ms")), (rest or ["none"])[0]
    buckets: dict[int, list[float]] = {}
    for time in sorted(points):
        if interval:
            buckets.setdefault(time - time % interval, []).append(points[time])
        elif begin <= time <= end:
            buckets.setdefault(begin, []).append(points[time])
    result = {time: float(FUNCTIONS[name][1](values)) for time, values in buckets.items()}
    if interval and fill != "none":
        # And the one before, of which the first rate is.
        for time in range((begin - interval) // interval * interval, end + 1, interval):
            if time >= begin - interval:
                result.setdefault(time, 0.0 if fill == "zero" else NAN)
    return dict(sorted(result.items()))


def rate(points: Points, options: dict[str, Any]) -> Points:
    result: Points = {}
    times = sorted(points)
    for before, time in itertools.pairwise(times):
        change, seconds = points[time] - points[before], (time - before) / 1000
        value = change / seconds
        if options.get("counter") and change < 0:
            if options.get("dropResets"):
                continue
            value = (options.get("counterMax", 2**63 - 1) - points[before] + points[time]) / seconds
            if options.get("resetValue", 0) > 0 and value > options["resetValue"]:
                value = 0.0
        result[time] = value
    return result


def value_at(points: Points, time: int, interpolation: str) -> float:
    """NaN where a series does not count."""
    if time in points:
        return points[time]
    before, after = [t for t in points if t < time], [t for t in points if t > time]
    if not before or not after:
        return NAN
    t0, t1 = max(before), min(after)
    if interpolation == "zero":
        return 0.0
    if interpolation == "nothing":
        return NAN
    if interpolation == "previous":
        return points[t0]
    return points[t0] + (time - t0) * (points[t1] - points[t0]) / (t1 - t0)


def aggregate(series: list[Points], name: str, *, rates: bool) -> Points:
    interpolation, function = FUNCTIONS[name]
    if rates:
        interpolation = "previous"
    result: Points = {}
    for time in sorted({time for points in series for time in points}):
        values = [value_at(points, time, interpolation) for points in series]
        there = [value for value in values if not math.isnan(value)]
        result[time] = float(function(there)) if there else (0.0 if name == "count" else NAN)
    return result


def answer(
    series: list[Series], query: dict[str, Any], begin: int, end: int, *, milliseconds: bool
) -> list[tuple[dict[str, str], list[str], Points]]:
    """Tags, aggregated tags and points of each result; tags of the query are ``*`` or ``a|b``."""
    groups: dict[tuple[str, ...], list[Series]] = {}
    for tags, points in series:
        wanted = query.get("tags", {})
        if all(key in tags and (text == "*" or tags[key] in text.split("|")) for key, text in wanted.items()):
            made = points
            if query.get("downsample"):
                made = downsample(made, query["downsample"], begin, end)
            if query.get("rate"):
                made = rate(made, query.get("rateOptions", {}))
            apart = query["aggregator"] == "none"
            group = (
                tuple(sorted(f"{key}\0{text}" for key, text in tags.items()))
                if apart
                else tuple(tags[key] for key in wanted)
            )
            if made:
                groups.setdefault(group, []).append((tags, made))
    results = []
    for key in sorted(groups):
        members = sorted(groups[key], key=lambda one: sorted(one[0].items()))
        if query["aggregator"] == "none":
            points = members[0][1]
        else:
            points = aggregate(
                [own for _, own in members], query["aggregator"], rates=bool(query.get("rate"))
            )
        points = {time: value for time, value in sorted(points.items()) if begin <= time <= end}
        if not milliseconds:
            points = {time // 1000: value for time, value in points.items()}
        if points:
            results.append((*common([tags for tags, _ in members]), points))
    return results


def common(tag_sets: list[dict[str, str]]) -> tuple[dict[str, str], list[str]]:
    same, others = {}, []
    for key in sorted(tag_sets[0]):
        values = [tags.get(key) for tags in tag_sets]
        if None in values:
            continue
        if len(set(values)) == 1:
            same[key] = tag_sets[0][key]
        else:
            others.append(key)
    return same, others

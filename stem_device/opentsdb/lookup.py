"""What there is: names for ``/api/suggest``, and series for ``/api/search/lookup``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from stem_device.errors import TsdbQueryError
from stem_device.opentsdb.limits import Budget
from stem_device.opentsdb.series import SeriesSource, Tags
from stem_device.opentsdb.uri import metric_and_tags

DEFAULT_LIMIT = 25
MAX_LIMIT = 100_000


class SuggestRequest(Struct):
    """The body of a POST to ``/api/suggest``."""

    type: str = ""
    q: str = ""
    max: int = DEFAULT_LIMIT


class TagPair(Struct):
    """A tag that a series must have; ``*`` on one side is anything."""

    key: str
    value: str


class LookupRequest(Struct, rename="camel"):
    """The body of a POST to ``/api/search/lookup``."""

    metric: str | None = None
    tags: list[TagPair] = []
    limit: int = DEFAULT_LIMIT


def suggest(source: SeriesSource, request: SuggestRequest, budget: Budget) -> list[str]:
    """Names of metrics, tags or values of tags that begin with ``q``, in order. Raises TsdbQueryError."""
    names: Iterable[str]
    if request.type == "metrics":
        names = source.metrics()
    elif request.type == "tagk":
        names = (key for _, tags in _series(source, budget) for key in tags)
    elif request.type == "tagv":
        names = (value for _, tags in _series(source, budget) for value in tags.values())
    else:
        raise TsdbQueryError(
            f"Invalid 'type' parameter:{request.type:.60}", "there are metrics, tagk and tagv"
        )
    # A label may be empty, which OpenTSDB has not: nobody can choose it.
    return sorted({name for name in names if name and name.startswith(request.q)})[: _limited(request.max)]


def parse_lookup(text: str, limit: int) -> LookupRequest:
    """``metric{tag=*,*=value}``. Raises TsdbQueryError."""
    metric, groups = metric_and_tags(text)
    pairs = [TagPair(key, value) for group in groups for key, value in group]
    return LookupRequest(metric, pairs, limit)


def lookup(source: SeriesSource, request: LookupRequest, budget: Budget) -> dict[str, Any]:
    """The series that have the tags, as OpenTSDB tells them. Raises TsdbQueryError."""
    if not request.metric and not request.tags:
        raise TsdbQueryError("Missing the metric or a tag to look for", "as m=metric{tag=*}")
    metric = request.metric if request.metric not in (None, "", "*") else None
    if metric is not None and metric not in source.metrics():
        raise TsdbQueryError(f"No such name for 'metrics': '{metric:.200}'")
    wanted = _wanted(request.tags)
    found: list[dict[str, Any]] = [
        {"tags": dict(tags), "metric": name, "tsuid": ""}
        for name, tags in _series(source, budget, metric)
        if all(any(_has(tags, pair) for pair in pairs) for pairs in wanted)
    ]
    found.sort(key=lambda one: (one["metric"], sorted(one["tags"].items())))
    limit = _limited(request.limit)
    return {
        "type": "LOOKUP",
        "metric": request.metric or "*",
        "tags": msgspec.to_builtins(request.tags),
        "limit": limit,
        "time": 0,
        "results": found[:limit],
        "startIndex": 0,
        "totalResults": len(found),
    }


def _limited(limit: int) -> int:
    """0 and less is no limit but ours."""
    return min(limit, MAX_LIMIT) if limit > 0 else MAX_LIMIT


def _wanted(pairs: list[TagPair]) -> list[list[TagPair]]:
    """Pairs with one key are alternatives to each other; so are those without."""
    by_key: dict[str, list[TagPair]] = {}
    for pair in pairs:
        if pair.key == pair.value == "*":
            raise TsdbQueryError("A tag needs a name or a value: *=*", "as host=* or *=web01")
        by_key.setdefault(pair.key, []).append(pair)
    return list(by_key.values())


def _has(tags: Tags, pair: TagPair) -> bool:
    if pair.key == "*":
        return pair.value in tags.values()
    return pair.key in tags and pair.value in ("*", tags[pair.key])


def _series(source: SeriesSource, budget: Budget, metric: str | None = None) -> Iterator[tuple[str, Tags]]:
    for name in [metric] if metric is not None else list(source.metrics()):
        for tags in source.tag_sets(name, budget):
            budget.check_time()
            yield name, tags

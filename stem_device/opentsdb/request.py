"""What ``/api/query`` is asked, taken apart and checked before any point is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from stem_device.errors import TsdbQueryError
from stem_device.opentsdb.aggregators import Aggregator, aggregator
from stem_device.opentsdb.downsampling import Downsampling, parse_downsampling
from stem_device.opentsdb.filters import Filter, make_filter, written_filter
from stem_device.opentsdb.limits import Limits
from stem_device.opentsdb.moments import moment_ms, zone_of
from stem_device.opentsdb.rates import LARGEST, Rate

MAX_NAME_CHARACTERS = 1024


class GivenRateOptions(Struct, rename="camel", omit_defaults=True):
    """As they came; None is not given, here and below."""

    counter: bool | None = None
    counter_max: float | None = None
    reset_value: float | None = None
    drop_resets: bool | None = None


class GivenFilter(Struct, rename="camel"):
    """As it came."""

    type: str = ""
    tagk: str = ""
    filter: str | None = None
    group_by: bool | None = None


class GivenQuery(Struct, rename="camel", omit_defaults=True):
    """One of the queries of a request, as it came; what OpenTSDB does not know either is ignored."""

    aggregator: str | None = None
    metric: str | None = None
    tsuids: list[str] | None = None
    downsample: str | None = None
    rate: bool | None = None
    rate_options: GivenRateOptions | None = None
    tags: dict[str, str] | None = None
    filters: list[GivenFilter] | None = None
    explicit_tags: bool | None = None
    percentiles: list[float] | None = None


class Given(Struct, rename="camel"):
    """A request as it came."""

    start: str | int | float | None = None
    end: str | int | float | None = None
    queries: list[GivenQuery] | None = None
    timezone: str | None = None
    use_calendar: bool | None = None
    ms_resolution: bool | None = None
    no_annotations: bool | None = None
    global_annotations: bool | None = None
    show_query: bool | None = None
    delete: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query. ``shown`` is what the answer tells of it when asked to."""

    metric: str
    aggregator: Aggregator
    downsampling: Downsampling | None
    rate: Rate | None
    filters: tuple[Filter, ...]
    explicit_tags: bool
    shown: dict[str, Any]

    @property
    def group_keys(self) -> tuple[str, ...]:
        """Tags by which series are answered apart, in order."""
        return tuple(dict.fromkeys(one.key for one in self.filters if one.group))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """From ``begin_ms`` to ``end_ms`` since 1970 UTC, both included. ``arrays``: points as pairs."""

    begin_ms: int
    end_ms: int
    queries: tuple[Query, ...]
    milliseconds: bool = False
    annotations: bool = True
    global_annotations: bool = False
    show_query: bool = False
    arrays: bool = False


def decode(body: bytes) -> Given:
    """A request from JSON. Raises TsdbQueryError that says where it is wrong."""
    try:
        # OpenTSDB takes "true" for true, and "5" for 5.
        return msgspec.json.decode(body, type=Given, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TsdbQueryError("Unable to parse the given JSON", str(error)) from error


def checked(given: Given, now_ms: int, limits: Limits, *, arrays: bool = False) -> Request:
    """A request that can be answered, or TsdbQueryError."""
    if given.delete:
        raise TsdbQueryError("Deleting data is not supported", "leave out delete")
    if given.use_calendar:
        raise TsdbQueryError("Downsampling by the calendar is not supported", "leave out useCalendar")
    zone = zone_of(given.timezone)
    if given.start in (None, ""):
        raise TsdbQueryError("Missing start time", "as 1h-ago")
    begin = moment_ms("start", given.start or 0, now_ms, zone)
    end = now_ms if given.end in (None, "") else moment_ms("end", given.end or 0, now_ms, zone)
    if end <= begin:
        raise TsdbQueryError(f"End time [{end}] must be greater than the start time [{begin}]")
    if not given.queries:
        raise TsdbQueryError("Missing queries")
    if len(given.queries) > limits.queries:
        raise TsdbQueryError(f"More than {limits.queries} queries", status=413)
    return Request(
        begin_ms=begin,
        end_ms=end,
        queries=tuple(_query(index, one, limits) for index, one in enumerate(given.queries)),
        milliseconds=bool(given.ms_resolution),
        annotations=not given.no_annotations,
        global_annotations=bool(given.global_annotations) and not given.no_annotations,
        show_query=bool(given.show_query),
        arrays=arrays,
    )


def _query(index: int, given: GivenQuery, limits: Limits) -> Query:
    if given.tsuids:
        raise TsdbQueryError("Queries by TSUID are not supported", "name the metric")
    if given.percentiles:
        raise TsdbQueryError("Percentiles of histograms are not supported", "as aggregator p99")
    if not given.metric:
        raise TsdbQueryError("Missing the metric", "see /api/suggest?type=metrics")
    if len(given.metric) > MAX_NAME_CHARACTERS:
        raise TsdbQueryError(f"The metric has more than {MAX_NAME_CHARACTERS} characters")
    if len(given.filters or ()) + len(given.tags or ()) > limits.filters:
        raise TsdbQueryError(f"More than {limits.filters} filters", status=413)
    return Query(
        metric=given.metric,
        aggregator=aggregator(given.aggregator),
        downsampling=parse_downsampling(given.downsample) if given.downsample else None,
        rate=_rate(given.rate_options) if given.rate else None,
        filters=_filters(given, limits),
        explicit_tags=bool(given.explicit_tags),
        shown={**msgspec.to_builtins(given), "index": index},
    )


def _rate(given: GivenRateOptions | None) -> Rate:
    given = given or GivenRateOptions()
    largest = LARGEST if given.counter_max is None else given.counter_max
    reset = given.reset_value or 0.0
    if not 0 < largest < math.inf:
        raise TsdbQueryError(f"counterMax must be a number above 0, not {largest:g}")
    if not 0 <= reset < math.inf:
        raise TsdbQueryError(f"resetValue must be a number from 0 on, not {reset:g}")
    return Rate(bool(given.counter), largest, reset, bool(given.drop_resets))


def _filters(given: GivenQuery, limits: Limits) -> tuple[Filter, ...]:
    characters = limits.characters
    return (
        *(
            written_filter(key, text, group=True, characters=characters)
            for key, text in (given.tags or {}).items()
        ),
        *(
            make_filter(one.type, one.tagk, one.filter or "", group=bool(one.group_by), characters=characters)
            for one in given.filters or ()
        ),
    )

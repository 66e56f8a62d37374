"""The engine answers what a plain slow reference answers, whatever is asked of whatever points."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.errors import TsdbQueryError
from stem_device.opentsdb.answer_json import answer_json
from stem_device.opentsdb.engine import answer
from stem_device.opentsdb.limits import Budget, Limits
from stem_device.opentsdb.request import checked, decode
from stem_device.opentsdb.series import Annotation
from tests.unit import opentsdb_reference as reference
from tests.unit.opentsdb_series import MadeSource

NOW = 1_700_000_100_000
BEGIN = 1_700_000_000_000


def asked(source: MadeSource, body: dict[str, Any], limits: Limits | None = None, **more: bool) -> Any:
    limits = limits or Limits()
    request = checked(decode(json.dumps(body).encode()), NOW, limits, **more)
    return json.loads(answer_json(answer(source, request, Budget(limits))))


def query(source: MadeSource, *queries: dict[str, Any], **more: Any) -> Any:
    return asked(source, {"start": BEGIN, "end": NOW, "queries": queries, "msResolution": True} | more)


def refused(body: Any, limits: Limits | None = None) -> TsdbQueryError:
    limits = limits or Limits()
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        answer(HOSTS, checked(decode(text), NOW, limits), Budget(limits))
    except TsdbQueryError as error:
        return error
    raise AssertionError("it was answered")


HOSTS = MadeSource(
    {
        "cpu": [
            ({"host": "web01", "dc": "dal"}, {BEGIN: 3.0, BEGIN + 20_000: 5.0}),
            ({"host": "web02", "dc": "dal"}, {BEGIN + 10_000: 10.0}),
            ({"host": "web01", "dc": "lax"}, {BEGIN: 1.0, BEGIN + 20_000: 2.0}),
            ({"host": "db.example.org"}, {BEGIN: 100.0}),
        ],
        "never": [],
    },
    [Annotation((BEGIN + 5_000) * 1_000_000, "night: begin", {"run": "night"})],
)


def series() -> st.SearchStrategy[list[tuple[dict[str, str], dict[int, float]]]]:
    tags = st.fixed_dictionaries({"host": st.sampled_from("abc")}, optional={"dc": st.sampled_from("xy")})
    # A grid that series share in part, so that some moments are of all, some of one.
    times = st.integers(-10, 60).map(lambda step: BEGIN + step * 700)
    values = st.integers(-50, 50).map(float) | st.floats(-1e6, 1e6, allow_subnormal=False)
    points = st.dictionaries(times, values, min_size=1, max_size=12)
    return st.lists(st.tuples(tags, points), max_size=5, unique_by=lambda one: tuple(sorted(one[0].items())))


def queries() -> st.SearchStrategy[dict[str, Any]]:
    functions = st.sampled_from(sorted(reference.FUNCTIONS))
    fills = st.sampled_from(["", "-none", "-nan", "-null", "-zero"])
    interval = st.sampled_from(["0all", "1000ms", "2100ms", "10000ms"])
    options = st.fixed_dictionaries(
        {},
        optional={
            "counter": st.booleans(),
            "counterMax": st.sampled_from([60, 1000]),
            "resetValue": st.sampled_from([0, 40]),
            "dropResets": st.booleans(),
        },
    )
    return st.fixed_dictionaries(
        {"metric": st.just("m"), "aggregator": functions | st.just("none")},
        optional={
            "downsample": st.builds(lambda i, f, fill: f"{i}-{f}{fill}", interval, functions, fills),
            "rate": st.booleans(),
            "rateOptions": options,
            "tags": st.sampled_from([{}, {"host": "*"}, {"host": "a|c"}, {"host": "*", "dc": "x"}]),
        },
    )


@given(series(), queries(), st.booleans())
def test_it_answers_what_the_reference_answers(
    made: list[tuple[dict[str, str], dict[int, float]]], one: dict[str, Any], milliseconds: bool
) -> None:
    end = BEGIN + 30_000
    body = {"start": BEGIN, "end": end, "queries": [one], "msResolution": milliseconds}
    told = asked(MadeSource({"m": made}), body)
    expected = reference.answer(made, one, BEGIN, end, milliseconds=milliseconds)
    assert [(one["tags"], one["aggregateTags"]) for one in told] == [
        (tags, also) for tags, also, _ in expected
    ]
    nothing = None if one.get("downsample", "").endswith("-null") else "NaN"
    for result, (_, _, points) in zip(told, expected, strict=True):
        assert list(result["dps"]) == [str(time) for time in points]
        for value, wanted in zip(result["dps"].values(), points.values(), strict=True):
            if math.isnan(wanted):
                assert value == nothing
            else:
                assert value == pytest.approx(wanted, rel=1e-9, abs=1e-6)


def test_the_example_of_opentsdb_s_documentation() -> None:
    """Sum of two series that are 10 s apart: https://opentsdb.net, Aggregators, Interpolation."""
    a = {BEGIN + 10_000: 5.0, BEGIN + 30_000: 15.0, BEGIN + 50_000: 5.0}
    b = {BEGIN: 10.0, BEGIN + 20_000: 20.0, BEGIN + 40_000: 10.0, BEGIN + 60_000: 20.0}
    source = MadeSource({"m": [({"s": "A"}, a), ({"s": "B"}, b)]})
    (told,) = query(source, {"metric": "m", "aggregator": "sum"}, msResolution=False)
    # The page has wrong values in some places; these are by its own formula.
    assert list(told["dps"].values()) == [10, 20, 30, 30, 20, 20, 20]


@pytest.mark.parametrize(
    ("asked_for", "tags", "values"),
    [
        ({"tags": {"host": "web01"}}, [{"host": "web01"}], [[4, 7]]),
        (
            {"tags": {"dc": "dal|lax"}},
            [
                {
                    "dc": "dal",
                },
                {"dc": "lax", "host": "web01"},
            ],
            [[3, 14, 5], [1, 2]],
        ),
        (
            {"filters": [{"type": "not_key", "tagk": "dc", "filter": ""}]},
            [{"host": "db.example.org"}],
            [[100]],
        ),
        (
            {"filters": [{"type": "wildcard", "tagk": "host", "filter": "*b0*1", "groupBy": True}]},
            [{"host": "web01"}],
            [[4, 7]],
        ),
        (
            {"filters": [{"type": "iwildcard", "tagk": "host", "filter": "WEB02*"}]},
            [{"dc": "dal", "host": "web02"}],
            [[10]],
        ),
        ({"filters": [{"type": "literal_or", "tagk": "host", "filter": "WEB02"}]}, [], []),
        (
            {"filters": [{"type": "iliteral_or", "tagk": "host", "filter": "WEB02|x"}]},
            [{"dc": "dal", "host": "web02"}],
            [[10]],
        ),
        (
            {
                "filters": [
                    {"type": "not_literal_or", "tagk": "host", "filter": "web01|web02", "groupBy": True}
                ]
            },
            [{"host": "db.example.org"}],
            [[100]],
        ),
        (
            {"filters": [{"type": "not_iliteral_or", "tagk": "dc", "filter": "DAL"}]},
            [{"dc": "lax", "host": "web01"}],
            [[1, 2]],
        ),
        (
            {"explicitTags": True, "filters": [{"type": "wildcard", "tagk": "host", "filter": "*"}]},
            [{"host": "db.example.org"}],
            [[100]],
        ),
    ],
)
def test_filters_and_groups(asked_for: dict[str, Any], tags: list[Any], values: list[Any]) -> None:
    told = query(HOSTS, {"metric": "cpu", "aggregator": "sum"} | asked_for)
    assert [one["tags"] for one in told] == tags
    assert [list(one["dps"].values()) for one in told] == values


def test_tags_of_a_group() -> None:
    """Tags that all have with different values are aggregated; those that some lack are in neither list."""
    (told,) = query(HOSTS, {"metric": "cpu", "aggregator": "sum"})
    assert (told["tags"], told["aggregateTags"]) == ({}, ["host"])
    (told,) = query(HOSTS, {"metric": "cpu", "aggregator": "sum", "tags": {"dc": "dal"}})
    assert (told["tags"], told["aggregateTags"]) == ({"dc": "dal"}, ["host"])


def test_several_queries_tell_which_result_is_whose() -> None:
    two: list[dict[str, Any]] = [
        {"metric": "cpu", "aggregator": "sum", "tags": {"dc": "*"}},
        {"metric": "cpu", "aggregator": "none"},
    ]
    told = query(HOSTS, *two, showQuery=True)
    assert [one["query"]["index"] for one in told] == [0, 0, 1, 1, 1, 1]
    assert told[0]["query"] == {**two[0], "index": 0}


def test_points_as_pairs_in_seconds_and_milliseconds() -> None:
    body = {"start": BEGIN // 1000, "end": NOW, "queries": [{"metric": "cpu", "aggregator": "max"}]}
    assert asked(HOSTS, body, arrays=True)[0]["dps"] == [
        [BEGIN // 1000, 100],
        [BEGIN // 1000 + 10, 10],
        [BEGIN // 1000 + 20, 5],
    ]
    assert asked(HOSTS, body | {"msResolution": True}, arrays=True)[0]["dps"][0] == [BEGIN, 100]


def test_marks_are_annotations_unless_they_are_not_wanted() -> None:
    one = {"metric": "cpu", "aggregator": "sum"}
    wanted = {
        "description": "night: begin",
        "notes": "",
        "custom": {"run": "night"},
        "startTime": BEGIN // 1000 + 5,
        "endTime": 0,
    }
    (told,) = query(HOSTS, one, globalAnnotations=True)
    assert told["annotations"] == told["globalAnnotations"] == [wanted]
    (told,) = query(HOSTS, one)
    assert "globalAnnotations" not in told
    (told,) = query(HOSTS, one, globalAnnotations=True, noAnnotations=True)
    assert not {"annotations", "globalAnnotations"} & told.keys()
    (told,) = query(HOSTS, one, start=BEGIN + 6_000, globalAnnotations=True)
    assert told["globalAnnotations"] == []


def test_a_second_shows_its_last_point_and_no_sum_of_them() -> None:
    source = MadeSource({"m": [({"a": "b"}, {BEGIN: 5.0, BEGIN + 200: 6.0, BEGIN + 400: 7.0})]})
    (told,) = query(source, {"metric": "m", "aggregator": "sum"}, msResolution=False)
    assert told["dps"] == {str(BEGIN // 1000): 7}


def test_nothing_is_an_empty_answer() -> None:
    assert query(HOSTS, {"metric": "never", "aggregator": "sum"}) == []
    assert query(HOSTS, {"metric": "cpu", "aggregator": "sum"}, start=BEGIN + 90_000) == []


def test_both_ends_are_included() -> None:
    (told,) = query(HOSTS, {"metric": "cpu", "aggregator": "none", "tags": {"dc": "lax"}}, end=BEGIN + 20_000)
    assert list(told["dps"]) == [str(BEGIN), str(BEGIN + 20_000)]


ONE = {"metric": "cpu", "aggregator": "sum"}
BODY = {"start": BEGIN, "end": NOW, "queries": [ONE]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Unable to parse the given JSON"),
        (b"\xff", "Unable to parse the given JSON"),
        (b"[" * 5000, "Unable to parse the given JSON"),
        ({}, "Missing start time"),
        ({"start": BEGIN}, "Missing queries"),
        (BODY | {"queries": []}, "Missing queries"),
        (BODY | {"start": NOW, "end": BEGIN}, "must be greater than the start time"),
        (BODY | {"start": "yesterday"}, "Invalid start time 'yesterday'"),
        (BODY | {"start": -5}, "Invalid start time"),
        (BODY | {"start": 1e300}, "Invalid start time"),
        (BODY | {"end": "5x-ago"}, "Invalid duration '5x'"),
        (BODY | {"timezone": "Mars/Base"}, "Invalid time zone 'Mars/Base'"),
        (BODY | {"delete": True}, "Deleting data is not supported"),
        (BODY | {"useCalendar": True}, "by the calendar is not supported"),
        (BODY | {"queries": [{"aggregator": "sum"}]}, "Missing the metric"),
        (BODY | {"queries": [{"metric": "cpu"}]}, "Missing the aggregation function"),
        (BODY | {"queries": [ONE | {"aggregator": "most"}]}, "No such aggregation function: most"),
        (BODY | {"queries": [ONE | {"metric": "no"}]}, "No such name for 'metrics': 'no'"),
        (BODY | {"queries": [ONE | {"metric": "m" * 2000}]}, "more than 1024 characters"),
        (BODY | {"queries": [ONE | {"tsuids": ["00"]}]}, "TSUID"),
        (BODY | {"queries": [ONE | {"percentiles": [99]}]}, "Percentiles of histograms"),
        (BODY | {"queries": [ONE | {"downsample": "1m"}]}, "Invalid downsampling specifier '1m'"),
        (BODY | {"queries": [ONE | {"downsample": "1dc-sum"}]}, "by the calendar, '1dc'"),
        (BODY | {"queries": [ONE | {"downsample": "0s-sum"}]}, "Invalid duration '0s'"),
        (BODY | {"queries": [ONE | {"downsample": "1m-most"}]}, "No such downsampling function: 'most'"),
        (BODY | {"queries": [ONE | {"downsample": "1m-none"}]}, "cannot use the none aggregator"),
        (BODY | {"queries": [ONE | {"downsample": "1m-sum-blue"}]}, "No such fill policy: 'blue'"),
        (BODY | {"queries": [ONE | {"rate": True, "rateOptions": {"counterMax": -1}}]}, "counterMax"),
        (BODY | {"queries": [ONE | {"rate": True, "rateOptions": {"resetValue": -1}}]}, "resetValue"),
        (BODY | {"queries": [ONE | {"rate": "perhaps"}]}, "Unable to parse the given JSON"),
        (BODY | {"queries": [ONE | {"tags": {"host": ""}}]}, "Filter cannot be empty"),
        (BODY | {"queries": [ONE | {"filters": [{"type": "no", "tagk": "a", "filter": "b"}]}]}, "'no'"),
        (
            BODY | {"queries": [ONE | {"filters": [{"type": "wildcard", "tagk": "a", "filter": "b"}]}]},
            "asterisk",
        ),
        (BODY | {"queries": [ONE | {"filters": [{"type": "not_key", "tagk": "a", "filter": "b"}]}]}, "empty"),
        (BODY | {"queries": [ONE | {"filters": [{"type": "literal_or", "filter": "b"}]}]}, "Missing the tag"),
    ],
)
def test_what_cannot_be_answered_is_said(body: Any, message: str) -> None:
    error = refused(body)
    assert message in error.message
    assert error.status == 400


@pytest.mark.parametrize(
    ("limits", "changes", "message"),
    [
        (Limits(points=3), {}, "more than 3 points"),
        (Limits(cells=5), {}, "4 series at 3 moments are more than 5 values"),
        (Limits(results=1), {"tags": {"dc": "*"}}, "more than 1 series"),
        (Limits(points=1000), {"downsample": "1ms-sum-nan"}, "more than 1,000 points"),
        (Limits(seconds=-1.0), {}, "takes longer"),
        (Limits(filters=1), {"tags": {"dc": "*", "host": "*"}}, "More than 1 filters"),
    ],
)
def test_what_costs_too_much_is_refused(limits: Limits, changes: dict[str, Any], message: str) -> None:
    error = refused(BODY | {"queries": [ONE | changes]}, limits)
    assert message in error.message
    assert error.status == 413


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (BEGIN, NOW),
        (BEGIN // 1000, NOW // 1000),
        (str(BEGIN), str(NOW)),
        (f"{BEGIN // 1000}.000", "now"),
        ("100s-ago", None),
        ("100000ms-ago", ""),
        ("2023/11/14-22:13:20", "2023/11/14 22:15"),
    ],
)
def test_times_are_written_in_many_ways(start: Any, end: Any) -> None:
    body = {"start": start, "end": end, "queries": [ONE | {"tags": {"dc": "lax"}}]}
    assert list(asked(HOSTS, body)[0]["dps"]) == [str(BEGIN // 1000), str(BEGIN // 1000 + 20)]


def test_a_time_without_zone_is_utc_or_as_asked() -> None:
    body = {"start": "2023/11/14-23:13:20", "end": "2023/11/14-23:15", "timezone": "Europe/Paris"}
    assert asked(HOSTS, body | {"queries": [ONE]})

"""Grafana's requests, as its OpenTSDB data source sends them, and what it needs in the answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from stem_device.opentsdb.aggregators import AGGREGATORS
from stem_device.opentsdb.limits import Limits
from stem_device.opentsdb.series import Annotation
from tests.unit.asgi import Answered, ask
from tests.unit.opentsdb_series import MadeSource

pytest.importorskip("starlette")
pytest.importorskip("re2")
from starlette.applications import Starlette

from stem_device.opentsdb.routes import routes

pytestmark = pytest.mark.extras

NOW = 1_700_000_100_000
BEGIN = 1_700_000_000_000
AT = BEGIN // 1000

SOURCE = MadeSource(
    {
        "stem_events_missed_total": [
            ({}, {BEGIN: 0.0, BEGIN + 10_000: 5.0, BEGIN + 20_000: 9.0, BEGIN + 30_000: 2.0}),
        ],
        "stem_subscriber_events_missed_total": [
            (
                {"subscriber": "tango://h:1/dserver/slow/1"},
                {BEGIN: 0.0, BEGIN + 10_000: 4.0, BEGIN + 20_000: 8.0},
            ),
            ({"subscriber": "tango://h:1/dserver/quick/1"}, {BEGIN: 0.0, BEGIN + 10_000: 1.0}),
        ],
        "stem_servers": [],
    },
    [Annotation((BEGIN + 5_000) * 1_000_000, "night: begin")],
)


def app(source: Any = SOURCE, limits: Limits | None = None) -> Starlette:
    return Starlette(routes=routes(source, limits=limits, now_ms=lambda: NOW))


def get(path: str, **parameters: Any) -> Answered:
    return ask(app(), "GET", f"{path}?{urlencode(parameters)}")


def post(path: str, body: Any) -> Answered:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(app(), "POST", path, data, headers={"Content-Type": "application/json"})


def test_save_and_test_of_grafana() -> None:
    told = get("/api/suggest", type="metrics", q="cpu", max=1000)
    assert (told.status, told.json) == (200, [])
    assert told.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"type": "metrics", "q": "stem_s"}, ["stem_servers", "stem_subscriber_events_missed_total"]),
        ({"type": "metrics", "max": 1}, ["stem_events_missed_total"]),
        ({"type": "tagk", "q": "s"}, ["subscriber"]),
        ({"type": "tagv", "q": "tango://h:1/dserver/q"}, ["tango://h:1/dserver/quick/1"]),
    ],
)
def test_suggestions(parameters: dict[str, Any], names: list[str]) -> None:
    assert get("/api/suggest", **parameters).json == names
    assert post("/api/suggest", parameters).json == names


def test_what_the_editor_offers() -> None:
    assert get("/api/aggregators").json == sorted(AGGREGATORS)
    types = get("/api/config/filters").json
    assert sorted(types) == [
        "iliteral_or",
        "iwildcard",
        "literal_or",
        "not_iliteral_or",
        "not_key",
        "not_literal_or",
        "regexp",
        "wildcard",
    ]
    assert all(one["description"] and one["examples"] for one in types.values())
    assert get("/api/version").json["version"] == "2.4.0"
    assert get("/api/config").json["tsd.mode"] == "ro"


def test_the_values_of_a_variable() -> None:
    """As tag_values(metric, subscriber) and tag_names(metric) look them up."""
    metric = "stem_subscriber_events_missed_total"
    told = get("/api/search/lookup", m=metric + "{subscriber=*}", limit=1000).json
    values = ["tango://h:1/dserver/quick/1", "tango://h:1/dserver/slow/1"]
    assert [one["tags"]["subscriber"] for one in told["results"]] == values
    assert (told["type"], told["metric"], told["totalResults"]) == ("LOOKUP", metric, 2)
    told = get("/api/search/lookup", m=metric, limit=1).json
    assert ([list(one["tags"]) for one in told["results"]], told["totalResults"]) == ([["subscriber"]], 2)
    told = get("/api/search/lookup", m=metric + "{*=" + values[0] + "}").json
    assert [one["tags"]["subscriber"] for one in told["results"]] == values[:1]
    body = {"metric": metric, "tags": [{"key": "subscriber", "value": values[1]}]}
    assert [one["tags"]["subscriber"] for one in post("/api/search/lookup", body).json["results"]] == values[
        1:
    ]
    assert get("/api/search/lookup", m="no").status == 400


def panel(**changes: Any) -> dict[str, Any]:
    """A panel with one query, of version 3 of the data source."""
    query = {
        "metric": "stem_subscriber_events_missed_total",
        "aggregator": "sum",
        "rate": True,
        "rateOptions": {"counter": True, "dropResets": True},
        "downsample": "10s-max",
        "filters": [{"type": "regexp", "tagk": "subscriber", "filter": "slow|quick", "groupBy": True}],
    }
    return {
        "start": BEGIN,
        "end": NOW,
        "queries": [query | changes],
        "msResolution": False,
        "globalAnnotations": True,
        "showQuery": True,
    }


def test_a_panel_by_filters() -> None:
    told = post("/api/query", panel()).json
    assert [one["tags"]["subscriber"][-7:] for one in told] == ["quick/1", "/slow/1"]
    assert told[1]["dps"] == {str(AT + 10): 0.4, str(AT + 20): 0.4}
    assert told[0]["dps"] == {str(AT + 10): 0.1}
    assert [one["query"]["index"] for one in told] == [0, 0]
    assert told[0]["globalAnnotations"] == [
        {"description": "night: begin", "notes": "", "custom": {}, "startTime": AT + 5, "endTime": 0}
    ]
    assert told[0]["aggregateTags"] == []


def test_a_panel_by_tags_and_several_queries() -> None:
    """As the template ${server:pipe} writes it: a|b."""
    both = "tango://h:1/dserver/slow/1|tango://h:1/dserver/quick/1"
    body = panel(filters=None, tags={"subscriber": both}, rate=False, rateOptions=None)
    body["queries"].append({"metric": "stem_events_missed_total", "aggregator": "sum", "rate": True})
    told = post("/api/query", body).json
    assert [one["query"]["index"] for one in told] == [0, 0, 1]
    assert told[2]["dps"] == {str(AT + 10): 0.5, str(AT + 20): 0.4, str(AT + 30): -0.7}
    assert [one["metric"] for one in told].count("stem_events_missed_total") == 1


def test_an_annotation_of_grafana() -> None:
    body = {
        "start": BEGIN,
        "queries": [{"aggregator": "sum", "metric": "stem_events_missed_total"}],
        "msResolution": False,
        "globalAnnotations": True,
    }
    (told,) = post("/api/query", body).json
    assert [(one["description"], one["startTime"]) for one in told["annotations"]] == [
        ("night: begin", AT + 5)
    ]


def test_points_as_pairs_for_version_2_4() -> None:
    told = post("/api/query?arrays=true", panel(rate=False, tags=None)).json
    assert told[1]["dps"] == [[AT, 0], [AT + 10, 4], [AT + 20, 8]]


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("sum:stem_events_missed_total", [0, 5, 9, 2]),
        ("sum:20s-max:stem_events_missed_total", [5, 9]),
        ("sum:0all-avg:stem_events_missed_total", [4]),
        ("sum:10s-max-zero:stem_events_missed_total", [0, 5, 9, 2, 0, 0, 0, 0, 0, 0, 0]),
        ("sum:rate:stem_events_missed_total", [0.5, 0.4, -0.7]),
        ("sum:rate{counter,10}:stem_events_missed_total", [0.5, 0.4, 0.3]),
        ("sum:rate{counter,10,0.2}:stem_events_missed_total", [0.5, 0.4, 0]),
        ("sum:rate{dropcounter}:stem_events_missed_total", [0.5, 0.4]),
        ("sum:10s-max:rate{counter,,}:stem_events_missed_total{}", [0.5, 0.4, (2**63 - 8) / 10]),
        ("max:stem_subscriber_events_missed_total{subscriber=wildcard(*slow*)}", [0, 4, 8]),
        ("sum:stem_subscriber_events_missed_total{}{subscriber=regexp(dserver/(slow|quick)/1$)}", [0, 5, 8]),
        ("sum:explicit_tags:stem_subscriber_events_missed_total{subscriber=*slow*}", [0, 4, 8]),
        ("sum:stem_subscriber_events_missed_total{subscriber=tango://h:1/dserver/slow/1}", [0, 4, 8]),
    ],
)
def test_queries_as_parameters(query: str, points: list[float]) -> None:
    (told,) = get("/api/query", start=BEGIN, m=query).json
    assert list(told["dps"].values()) == pytest.approx(points)


def test_parameters_beside_the_query() -> None:
    url = f"/api/query?start=100s-ago&m=none:stem_events_missed_total&m={quote('sum:stem_servers')}"
    told = ask(app(), "GET", f"{url}&ms&show_query&global_annotations=true&arrays").json
    assert told[0]["dps"][0] == [BEGIN, 0]
    assert told[0]["query"]["index"] == 0
    assert told[0]["globalAnnotations"]
    (told,) = ask(app(), "GET", f"{url}&no_annotations&arrays=false").json
    assert told["dps"][str(AT)] == 0
    assert "annotations" not in told


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Invalid parameter m"),
        ("sum", "Invalid parameter m"),
        ("sum:1dc-sum:stem_servers", "by the calendar"),
        ("sum:blue:stem_servers", "Unknown part 'blue'"),
        ("sum:rate{often}:stem_servers", "Invalid rate options"),
        ("sum:rate{counter,x}:stem_servers", "Invalid rate options"),
        ("sum:rate{counter,nan}:stem_servers", "counterMax must be a number above 0, not nan"),
        ("sum:rate{counter,,inf}:stem_servers", "resetValue must be a number from 0 on, not inf"),
        ("sum:stem_servers{host=a", "Missing '}'"),
        ("sum:stem_servers{host}", "Invalid tag 'host'"),
        ("sum:stem_servers{a=b}{c=d}{e=f}", "Invalid tags"),
        ("sum:stem_servers{host=regexp(()}", "Invalid regular expression"),
        ("sum:stem_servers{host=regexp(" + "a" * 600 + ")}", "longer than 500 characters"),
        ("sum:stem_servers{host=hosts(a)}", "Could not find a filter of type 'hosts'"),
    ],
)
def test_parameters_that_are_wrong(query: str, message: str) -> None:
    told = get("/api/query", start=BEGIN, m=query)
    assert told.status == 400
    assert message in told.json["error"]["message"]
    assert told.json["error"]["code"] == 400


def test_errors_are_json_with_a_code() -> None:
    told = post("/api/query", b"{")
    assert told.status == 400
    assert told.json["error"]["message"] == "Unable to parse the given JSON"
    assert told.json["error"]["details"]
    assert get("/api/suggest", type="colours").json["error"]["message"].startswith("Invalid 'type' parameter")
    assert get("/api/suggest", type="metrics", max="many").status == 400
    assert ask(app(limits=Limits(points=1)), "POST", "/api/query", json.dumps(panel()).encode()).status == 413
    large = b" " * 1_000_001
    told = post("/api/query", large)
    assert (told.status, told.json["error"]["code"]) == (413, 413)


def test_whatever_breaks_is_an_answer_in_json() -> None:
    class Broken(MadeSource):
        def metrics(self) -> Any:
            raise RuntimeError("a bug")

    told = ask(app(Broken({})), "POST", "/api/query", json.dumps(panel()).encode())
    assert (told.status, told.json["error"]["message"]) == (500, "Internal error")


def test_an_expression_cannot_take_for_ever() -> None:
    """What takes Python's own expressions years is answered at once."""
    value = "a" * 1000 + "b"
    source = MadeSource({"m": [({"host": value}, {BEGIN: 1.0})]})
    body = panel(metric="m", filters=[{"type": "regexp", "tagk": "host", "filter": "(a+)+$"}])
    told = ask(app(source), "POST", "/api/query", json.dumps(body).encode())
    assert (told.status, told.json) == (200, [])

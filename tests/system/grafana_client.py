"""What Grafana asks when somebody looks at a dashboard: its variables, its panels, its marks.

Variables stand at "All", as when a dashboard is opened.
"""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from tests.system.prometheus_server import Prometheus

RANGE_SECONDS = 120


class Asked(NamedTuple):
    """One question of one panel."""

    dashboard: str
    panel: str
    target: dict[str, Any]


def questions(dashboard: dict[str, Any]) -> Iterator[Asked]:
    """Of every panel."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield Asked(dashboard["uid"], panel["title"], target)


def query_variables(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in dashboard["templating"]["list"] if one["type"] == "query"]


def _all_value(variable: dict[str, Any], _: re.Match[str]) -> str:
    return str(variable["allValue"])


def _label(series: dict[str, Any], name: re.Match[str]) -> str:
    return str(series["metric"][name[1]])


def interpolated(text: str, dashboard: dict[str, Any]) -> str:
    """With the value of "All" in place of each variable."""
    for variable in query_variables(dashboard):
        text = re.sub(rf"\${variable['name']}\b", partial(_all_value, variable), text)
    text = text.replace("$__rate_interval", "10s")
    assert "$" not in text, text
    return text


class PrometheusSource:
    """As Grafana's Prometheus data source asks."""

    def __init__(self, server: Prometheus) -> None:
        self._server = server

    def series(self, target: dict[str, Any], dashboard: dict[str, Any]) -> list[dict[str, str]]:
        """Labels of each series of the answer."""
        query = interpolated(target["expr"], dashboard)
        assert target["instant"] is not target["range"]
        if target["instant"]:
            found = self._server.get("query", query=query)["result"]
        else:
            now = time.time()
            span = {"start": f"{now - RANGE_SECONDS}", "end": f"{now}", "step": "1"}
            found = self._server.get("query_range", query=query, **span)["result"]
        return [one["metric"] for one in found]

    def values(self, variable: dict[str, Any], dashboard: dict[str, Any]) -> list[str]:
        query = interpolated(variable["query"]["query"], dashboard)
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert match is not None, query
        found = self._server.get("series", **{"match[]": match[1]})
        return sorted({one[match[2]] for one in found})

    def marks(self, dashboard: dict[str, Any]) -> list[tuple[float, str]]:
        """Second and text of each."""
        (one,) = dashboard["annotations"]["list"]
        assert one["useValueForTime"]
        found = self._server.get("query", query=interpolated(one["target"]["expr"], dashboard))["result"]
        text = f"{one['titleFormat']}: {one['textFormat']}"
        return [
            (
                float(each["value"][1]) / 1000,
                re.sub(r"\{\{(\w+)\}\}", partial(_label, each), text),
            )
            for each in found
        ]


class OpenTsdbSource:
    """As Grafana's OpenTSDB data source asks."""

    def __init__(self, url: str) -> None:
        self._url = url

    def series(self, target: dict[str, Any], dashboard: dict[str, Any]) -> list[dict[str, str]]:
        """Tags of each series of the answer."""
        (answer,) = [self._query([self._converted(target, dashboard)])]
        assert all(one["query"]["index"] == 0 for one in answer)
        return [one["tags"] for one in answer if one["dps"]]

    def values(self, variable: dict[str, Any], dashboard: dict[str, Any]) -> list[str]:
        query = interpolated(variable["query"], dashboard)
        match = re.fullmatch(r"tag_values\((.*?),\s?(.*)\)", query)
        assert match is not None, query
        key, *others = (word.strip() for word in match[2].split(","))
        tags = ",".join([f"{key}=*", *others])
        asked = urllib.parse.urlencode({"m": f"{match[1]}{{{tags}}}", "limit": 1000})
        found = self._get(f"/api/search/lookup?{asked}")["results"]
        return sorted({one["tags"][key] for one in found})

    def marks(self, dashboard: dict[str, Any]) -> list[tuple[float, str]]:
        """Second and text of each."""
        (one,) = dashboard["annotations"]["list"]
        target = one["target"]
        assert target["isGlobal"]
        answer = self._query([{"aggregator": "sum", "metric": target["target"]}])
        return [(each["startTime"], each["description"]) for each in answer[0]["globalAnnotations"]]

    def _converted(self, target: dict[str, Any], dashboard: dict[str, Any]) -> dict[str, Any]:
        query: dict[str, Any] = {"metric": target["metric"], "aggregator": target["aggregator"]}
        if target["shouldComputeRate"]:
            query |= {"rate": True, "rateOptions": {"counter": target["isCounter"], "dropResets": True}}
        if not target["disableDownsampling"]:
            query["downsample"] = f"1s-{target['downsampleAggregator']}"
        if target["filters"]:
            query["filters"] = [
                {**one, "filter": interpolated(one["filter"], dashboard)} for one in target["filters"]
            ]
        else:
            query["tags"] = target["tags"]
        return query

    def _query(self, queries: list[dict[str, Any]]) -> Any:
        body = {
            "start": int((time.time() - RANGE_SECONDS) * 1000),
            "queries": queries,
            "msResolution": True,
            "globalAnnotations": True,
            "showQuery": True,
        }
        request = urllib.request.Request(
            f"{self._url}/api/query",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._url}{path}", timeout=20) as answer:
            return json.load(answer)

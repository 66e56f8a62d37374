"""One panel: what it shows, and how Grafana keeps it."""

from __future__ import annotations

import enum
from typing import Any

from msgspec import Struct

from stem_device.grafana import colours, promql, tsdb
from stem_device.grafana.query import Flavour, Query, unit_of

NO_LINE_BEYOND_MS = 120_000
"""Points further apart are not joined by a line: what was not known between them must not look known."""


class Form(enum.StrEnum):
    """Grafana's names of the panels that are used."""

    LINES = "timeseries"
    NUMBER = "stat"
    STATES = "state-timeline"
    BARS = "bargauge"
    TABLE = "table"


class Panel(Struct, frozen=True, kw_only=True):
    """``bad`` is the colour of values from ``at`` on; without it numbers are neither good nor bad.

    ``width`` and ``height`` are in Grafana's units, of which a line has 24. ``about`` stands behind the
    panel's title; the meanings of its quantities if it is empty. ``only`` is the one data source that can
    answer it; both can if it is None. ``link`` names the dashboard that tells more, and the label that
    chooses what of it.
    """

    title: str
    form: Form
    queries: tuple[Query, ...]
    width: int = 12
    height: int = 8
    bad: str = ""
    at: float = 1.0
    about: str = ""
    only: Flavour | None = None
    link: tuple[str, str] | None = None

    def answered_by(self, flavour: Flavour) -> bool:
        """Whether a dashboard of that data source has it."""
        hows = {query.how for query in self.queries}
        return self.only in {None, flavour} and (flavour is Flavour.PROMETHEUS or hows <= tsdb.ANSWERED)

    def document(self, flavour: Flavour, number: int, x: int, y: int) -> dict[str, Any]:
        """As Grafana's JSON."""
        source = source_of(flavour)
        return {
            "id": number,
            "type": str(self.form),
            "title": self.title,
            "description": self.about or "\n\n".join(dict.fromkeys(q.quantity.meaning for q in self.queries)),
            "datasource": source,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [
                {"refId": chr(ord("A") + index), "datasource": source, **self._target(query, flavour)}
                for index, query in enumerate(self.queries)
            ],
            "fieldConfig": self._fields(flavour),
            "options": _OPTIONS[self.form],
            "transformations": self._transformations(),
        }

    def _target(self, query: Query, flavour: Flavour) -> dict[str, Any]:
        if flavour is Flavour.OPENTSDB:
            return tsdb.target(query)
        return promql.target(query, instant=self.form in {Form.NUMBER, Form.BARS, Form.TABLE})

    def _fields(self, flavour: Flavour) -> dict[str, Any]:
        (first, *_) = self.queries
        states = first.quantity.states if first.is_state else ()
        in_rows = flavour is Flavour.OPENTSDB and bool(states)
        mappings = colours.positions(states) if states and not in_rows else colours.NOTHING
        defaults: dict[str, Any] = {
            "unit": unit_of(first),
            # A latency is the difference of two clocks, and may be below 0.
            **({} if unit_of(first) == "s" else {"min": 0}),
            "noValue": "unknown",
            "color": self._colour(),
            "custom": _CUSTOM[self.form],
            "mappings": mappings,
            "thresholds": colours.thresholds(self.bad, self.at) if self.bad else colours.neutral(),
        }
        if self.link is not None:
            defaults["links"] = [self._link(flavour, *self.link)]
        overrides = colours.rows(states) if in_rows else []
        return {"defaults": defaults, "overrides": overrides + self._columns()}

    def _link(self, flavour: Flavour, dashboard: str, label: str) -> dict[str, Any]:
        if self.form is Form.TABLE:
            value = f"${{__data.fields.{label}}}"
        elif flavour is Flavour.PROMETHEUS:
            value = f"${{__field.labels.{label}}}"
        else:  # OpenTSDB's series have no labels in Grafana, but they are named as this one
            value = "${__field.name}"
        address = f"/d/{uid(dashboard, flavour)}?var-{dashboard}={value}&${{__url_time_range}}"
        return {"title": f"The {dashboard}", "url": f"{address}&${{datasource:queryparam}}"}

    def _colour(self) -> dict[str, Any]:
        if self.form is Form.LINES:
            if self.bad:
                return {"mode": "shades", "fixedColor": self.bad}
            return {"mode": "palette-classic"}
        return {"mode": "thresholds"}

    def _columns(self) -> list[dict[str, Any]]:
        """The columns of numbers of a table, by what they ask for."""
        if self.form is not Form.TABLE:
            return []
        return [
            {
                "matcher": {"id": "byName", "options": query.label},
                "properties": [
                    {"id": "unit", "value": unit_of(query)},
                    {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                ],
            }
            for query in self.queries
        ]

    def _transformations(self) -> list[dict[str, Any]]:
        if self.form is not Form.TABLE:
            return []
        names = {
            f"Value #{chr(ord('A') + index)}" if len(self.queries) > 1 else "Value": query.label
            for index, query in enumerate(self.queries)
        }
        hidden = dict.fromkeys(("Time", "__name__", "instance", "job"), True)
        return [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": hidden, "renameByName": names}},
            {"id": "sortBy", "options": {"sort": [{"field": self.queries[0].label, "desc": True}]}},
        ]


def source_of(flavour: Flavour) -> dict[str, str]:
    """The data source that the dashboard's variable has chosen."""
    return {"type": str(flavour), "uid": "${datasource}"}


def uid(dashboard: str, flavour: Flavour) -> str:
    """The name of a dashboard in Grafana's addresses."""
    return f"stem-{dashboard}-{flavour}"


_REDUCED = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[Form, dict[str, Any]] = {
    Form.LINES: {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    Form.NUMBER: {
        "reduceOptions": _REDUCED,
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
    },
    Form.STATES: {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "center",
        "rowHeight": 0.9,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    },
    Form.BARS: {
        "reduceOptions": _REDUCED,
        "displayMode": "basic",
        "orientation": "horizontal",
        "valueMode": "color",
        "showUnfilled": True,
    },
    Form.TABLE: {"showHeader": True, "cellHeight": "sm"},
}
_CUSTOM: dict[Form, dict[str, Any]] = {
    Form.LINES: {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 10,
        "showPoints": "auto",
        "spanNulls": False,
        "insertNulls": NO_LINE_BEYOND_MS,
        "stacking": {"mode": "none", "group": "A"},
        "thresholdsStyle": {"mode": "off"},
    },
    Form.NUMBER: {},
    Form.STATES: {"fillOpacity": 80, "lineWidth": 0, "spanNulls": False, "insertNulls": NO_LINE_BEYOND_MS},
    Form.BARS: {},
    Form.TABLE: {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
}

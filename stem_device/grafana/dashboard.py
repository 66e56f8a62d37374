"""A dashboard: rows of panels, variables and marks, and how Grafana keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from stem_device.grafana.panel import Panel, source_of, uid
from stem_device.grafana.query import Flavour

TAG = "stem-device"
SCHEMA_VERSION = 39
"""Of Grafana 11; later ones bring it up to date when they load it."""
COLUMNS = 24
ALL: dict[str, Any] = {"text": "All", "value": "$__all"}


class Row(Struct, frozen=True):
    """Panels under a heading, in lines from left to right."""

    title: str
    panels: tuple[Panel, ...]


class Variable(Struct, frozen=True, kw_only=True):
    """What whoever looks can choose: the values of ``label`` in the series of ``metric``.

    ``within`` is the variable, of the same label's name, that narrows the choice.
    """

    name: str
    label: str
    metric: str
    shown: str
    within: str = ""


class Dashboard(Struct, frozen=True, kw_only=True):
    """``name`` is that of its file and in its address."""

    name: str
    title: str
    about: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    def document(self, flavour: Flavour) -> dict[str, Any]:
        """As Grafana's JSON."""
        return {
            "uid": uid(self.name, flavour),
            "title": self.title,
            "description": self.about,
            "tags": [TAG, str(flavour)],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "annotations": {"list": [_marks(flavour)]},
            "links": [_others(flavour)],
            "templating": {"list": list(_variables(self.variables, flavour))},
            "panels": list(_placed(self.rows, flavour)),
        }


def _placed(rows: Iterable[Row], flavour: Flavour) -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for row in rows:
        panels = [panel for panel in row.panels if panel.answered_by(flavour)]
        if not panels:
            continue
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
            "panels": [],
        }
        number, top, left, height = number + 1, top + 1, 0, 0
        for panel in panels:
            if left + panel.width > COLUMNS:
                top, left, height = top + height, 0, 0
            yield panel.document(flavour, number, left, top)
            number, left, height = number + 1, left + panel.width, max(height, panel.height)
        top += height


def _variables(chosen: Iterable[Variable], flavour: Flavour) -> Iterator[dict[str, Any]]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": str(flavour),
        "refresh": 1,
        "hide": 0,
    }
    if flavour is Flavour.PROMETHEUS:
        yield _prometheus(
            Variable(name="monitor", label="instance", metric="stem_polls_total", shown="Monitor")
        )
    for variable in chosen:
        yield _prometheus(variable) if flavour is Flavour.PROMETHEUS else _opentsdb(variable)


def _prometheus(variable: Variable) -> dict[str, Any]:
    matchers = [] if variable.name == "monitor" else ['instance=~"$monitor"']
    matchers += [f'{variable.within}=~"${variable.within}"'] if variable.within else []
    series = f"{variable.metric}{{{', '.join(matchers)}}}" if matchers else variable.metric
    query = {"query": f"label_values({series}, {variable.label})", "refId": variable.name}
    return {**_chosen(variable, Flavour.PROMETHEUS), "query": query, "multi": True, "allValue": ".*"}


def _opentsdb(variable: Variable) -> dict[str, Any]:
    """One value or all: in a filter, several can stand only where there is no star."""
    within = f", {variable.within}=${variable.within}" if variable.within else ""
    query = f"tag_values({variable.metric}, {variable.label}{within})"
    return {**_chosen(variable, Flavour.OPENTSDB), "query": query, "multi": False, "allValue": "*"}


def _chosen(variable: Variable, flavour: Flavour) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.shown,
        "type": "query",
        "datasource": source_of(flavour),
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "includeAll": True,
        "current": ALL,
        "options": [],
    }


def _marks(flavour: Flavour) -> dict[str, Any]:
    """Marks of runs: OpenTSDB brings them along with any series; in Prometheus they are series."""
    common = {
        "name": "Marks of runs",
        "datasource": source_of(flavour),
        "enable": True,
        "hide": False,
        "iconColor": "blue",
    }
    if flavour is Flavour.OPENTSDB:
        target = {
            "fromAnnotations": True,
            "target": "stem_polls_total",
            "isGlobal": True,
            "name": "Marks of runs",
            "refId": "Marks",
        }
        return {**common, "target": target}
    return {
        **common,
        "target": {
            "expr": 'stem_mark_timestamp_seconds{instance=~"$monitor"} * 1000',
            "refId": "Marks",
        },
        "titleFormat": "{{run}}",
        "textFormat": "{{mark}}",
        "tagKeys": "run,mark",
        "useValueForTime": True,
    }


def _others(flavour: Flavour) -> dict[str, Any]:
    return {
        "title": "Other dashboards",
        "type": "dashboards",
        "tags": [TAG, str(flavour)],
        "icon": "external link",
        "tooltip": "",
        "url": "",
        "asDropdown": True,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
    }

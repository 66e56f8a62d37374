"""The dashboards: complete, current, in Grafana's own form, and honest about what is not known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jsonschema")
pytest.importorskip("yaml")
pytest.importorskip("typer")

import jsonschema
import yaml
from typer.testing import CliRunner

from stem_device.analysis.verdict import Level
from stem_device.catalogue import QUANTITIES, Kind
from stem_device.cli.app import app
from stem_device.grafana import DASHBOARDS, Flavour, dashboard_files, grafana_files
from stem_device.grafana.colours import COLOURS, UNKNOWN
from stem_device.grafana.query import Query, unit_of
from tests.needs import GRAFANA_SCHEMA

pytestmark = pytest.mark.extras

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "grafana"
CHART = ROOT / "charts" / "stem-device" / "files"
OF_COMPOSE = {Flavour.PROMETHEUS: "http://prometheus:9090", Flavour.OPENTSDB: "http://eventmonitor:8000"}
RENEW = (
    "stem grafana grafana --prometheus http://prometheus:9090 --opentsdb http://eventmonitor:8000 "
    "--dashboards /etc/grafana/dashboards"
)
OF_PLUGINS = {"target", "titleFormat", "textFormat", "tagKeys", "useValueForTime"}
"""Grafana's types of an annotation lack what each data source adds; its code says that they may."""


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for flavour in Flavour:
        for name, text in dashboard_files(flavour).items():
            yield name, json.loads(text)


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, document in documents():
        for panel in document["panels"]:
            if panel["type"] != "row":
                yield name, panel


def files_in(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_files_of_the_repository_are_current() -> None:
    others = {"prometheus.yaml"}
    made = {name: text for name, text in files_in(SHIPPED).items() if name not in others}
    assert made == grafana_files(OF_COMPOSE, "/etc/grafana/dashboards"), RENEW


def test_the_chart_has_the_same_dashboards_and_rules() -> None:
    renew = "cp grafana/dashboards/prometheus/* charts/stem-device/files/dashboards"
    assert files_in(CHART / "dashboards") == dashboard_files(Flavour.PROMETHEUS), renew
    rules = ROOT / "stem_device" / "web" / "prometheus_rules.yaml"
    assert (CHART / "rules.yaml").read_text() == rules.read_text()


@pytest.mark.needs("grafana-schema")
@pytest.mark.parametrize("name", [name for name, _ in documents()])
def test_grafana_knows_every_field(name: str) -> None:
    document = dict(documents())[name]
    for annotation in document["annotations"]["list"]:
        for field in OF_PLUGINS:
            annotation.pop(field, None)
    validator = jsonschema.Draft7Validator(json.loads(GRAFANA_SCHEMA.read_text()))
    errors = [f"{list(one.absolute_path)}: {one.message:.200}" for one in validator.iter_errors(document)]
    assert errors == []
    document["panels"][0]["widht"] = 1
    assert list(validator.iter_errors(document)), "it would find a field that there is not"


def test_panels_neither_overlap_nor_leave_the_page() -> None:
    for name, document in documents():
        taken: set[tuple[int, int]] = set()
        for panel in document["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, name
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, (name, panel["title"])
            taken |= cells
        numbers = [panel["id"] for panel in document["panels"]]
        assert len(set(numbers)) == len(numbers)


def test_what_is_not_known_is_never_drawn_as_0() -> None:
    for name, panel in panels():
        fields = panel["fieldConfig"]["defaults"]
        assert fields["noValue"] == "unknown", name
        nothing = next(one["options"] for one in fields["mappings"] if one["type"] == "special")
        assert nothing["match"] == "null+nan"
        assert nothing["result"]["color"] == UNKNOWN
        assert fields["custom"].get("spanNulls", False) is False
        for target in panel["targets"]:
            assert "vector(0)" not in target.get("expr", "")
            assert target.get("downsampleFillPolicy", "none") != "zero"


def test_states_have_the_colours_of_the_verdict() -> None:
    colours = {"clear": "green", "unknown": "#8e8e8e", "waiting": "orange", "lost": "red"}
    assert {level.word: COLOURS[level] for level in Level} == colours
    found = 0
    for name, panel in panels():
        text = json.dumps(panel)
        if "stem_verdict" not in text:
            continue
        shown = [
            option
            for mapping in _mappings(panel)
            if mapping["type"] == "value"
            for option in mapping["options"].values()
        ]
        assert {one["text"]: one["color"] for one in shown if one["text"].strip()} == colours, name
        found += 1
    assert found == 4


def _mappings(panel: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from panel["fieldConfig"]["defaults"]["mappings"]
    for override in panel["fieldConfig"]["overrides"]:
        for one in override["properties"]:
            if one["id"] == "mappings":
                yield from one["value"]


def test_units_and_meanings_are_those_of_the_catalogue() -> None:
    titled = {
        (dashboard.name, panel.title): panel
        for dashboard in DASHBOARDS
        for row in dashboard.rows
        for panel in row.panels
    }
    for panel in titled.values():
        document = panel.document(Flavour.PROMETHEUS, 1, 0, 0)
        assert document["fieldConfig"]["defaults"]["unit"] == unit_of(panel.queries[0])
        # One axis has one unit.
        assert len({unit_of(query) for query in panel.queries}) == 1, panel.title
        assert document["description"]
    assert unit_of(Query(name="subscriber_lag_seconds")) == "s"
    assert unit_of(Query(name="recorded_bytes")) == "bytes"
    assert unit_of(Query(name="events_published_per_second")) == "eps"


def test_every_number_of_a_subscription_and_every_total_of_losses_is_shown() -> None:
    shown = {query.name for one in DASHBOARDS for row in one.rows for p in row.panels for query in p.queries}
    wanted = {
        quantity.name
        for quantity in QUANTITIES
        if quantity.name.startswith("subscription_") and quantity.kind is not Kind.INFO
    }
    assert wanted - shown == set()
    assert {"events_missed", "events_unaccounted", "events_overdue", "verdict"} <= shown


def test_links_lead_to_dashboards_and_variables_that_there_are() -> None:
    known = {document["uid"]: document for _, document in documents()}
    links = [link for _, panel in panels() for link in panel["fieldConfig"]["defaults"].get("links", ())]
    assert links
    for link in links:
        uid, _, query = link["url"].removeprefix("/d/").partition("?")
        variable = query.partition("=")[0].removeprefix("var-")
        assert variable in {one["name"] for one in known[uid]["templating"]["list"]}


def test_provisioning_is_what_grafana_reads() -> None:
    files = grafana_files({Flavour.PROMETHEUS: "http://p:1", Flavour.OPENTSDB: 'http://o/"x'})
    sources = yaml.safe_load(files["provisioning/datasources/stem-device.yaml"])["datasources"]
    by_type = {one["type"]: one for one in sources}
    assert by_type["opentsdb"]["jsonData"]["tsdbVersion"] == 3
    assert by_type["opentsdb"]["url"] == 'http://o/"x'
    assert by_type["prometheus"]["url"] == "http://p:1"
    (provider,) = yaml.safe_load(files["provisioning/dashboards/stem-device.yaml"])["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_the_command_writes_them(tmp_path: Path) -> None:
    target = tmp_path / "made"
    told = CliRunner().invoke(app, ["grafana", str(target), "--opentsdb", "http://node:8000/"])
    assert told.exit_code == 0, told.output
    files = files_in(target)
    assert sorted(told.stdout.splitlines()) == sorted(str(target / name) for name in files)
    assert 'http://node:8000"' in files["provisioning/datasources/stem-device.yaml"]
    assert str(target / "dashboards") in files["provisioning/dashboards/stem-device.yaml"]
    again = CliRunner().invoke(app, ["grafana", str(target), "--opentsdb", "http://node:8000/"])
    assert (again.exit_code, files_in(target)) == (0, files)


@pytest.mark.parametrize(
    ("address", "said"),
    [("prometheus:9090", "must be an address"), ("http://u:secret@p:9090", "no place for a password")],
)
def test_an_address_that_is_none_is_told(tmp_path: Path, address: str, said: str) -> None:
    told = CliRunner().invoke(app, ["grafana", str(tmp_path / "made"), "--prometheus", address])
    assert told.exit_code == 2
    assert said in told.stderr
    assert "secret" not in told.stderr
    assert not (tmp_path / "made").exists()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = CliRunner().invoke(app, ["grafana", str(tmp_path / "file")])
    assert told.exit_code == 1
    assert "cannot be written" in told.stderr

"""Dockerfile, compose.yaml and the Helm chart say nothing that the package does not know."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jsonschema")
pytest.importorskip("yaml")
pytest.importorskip("typer")

import jsonschema
import typer.main
import yaml

from stem_device.cli.app import app
from stem_device.cli.register_session import RegisterArguments, property_lines
from stem_device.demo.parts import DIRECTOR, SERVED
from stem_device.model.options import Options

pytestmark = pytest.mark.extras

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "stem-device"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
DATABASE = "database:10000"
OTHER_PROGRAMS = {"EventMonitor", "PyDatabaseds"}
OF_OTHERS = {"prometheus", "grafana"}
"""Services whose images others make."""
OWN = {name: told for name, told in SERVICES.items() if name not in OF_OTHERS}


def _command(name: str) -> Any:
    group = typer.main.get_group(app)
    return group.get_command(typer.Context(group), name)


def stem(arguments: list[str]) -> dict[str, Any]:
    """The values of the parameters of a command line of stem; raises a usage error for wrong ones."""
    command = _command(arguments[0])
    return command.make_context(arguments[0], arguments[1:]).params


def command_lines() -> Iterator[tuple[str, list[str]]]:
    for service, told in OWN.items():
        for command in (
            told.get("command"),
            told["healthcheck"].get("test") if "healthcheck" in told else None,
        ):
            if command is None:
                continue
            words = command[1:] if command[0] == "CMD" else command
            yield service, shlex.split(words[2]) if words[:2] == ["sh", "-c"] else words


@pytest.mark.parametrize(("service", "words"), list(command_lines()))
def test_compose_runs_only_what_there_is(service: str, words: list[str]) -> None:
    match words:
        case ["stem", *arguments]:
            assert stem(arguments)
        case ["python3", "-m", "stem_device.demo.parts", part]:
            assert part in {*SERVED, DIRECTOR}
            assert part == service
        case ["python3", "-c", program]:
            compile(program, service, "exec")
        case [program, *_]:
            assert program in OTHER_PROGRAMS


def test_what_compose_registers_can_be_used() -> None:
    told = stem(SERVICES["register"]["command"][1:])
    lines = property_lines(
        RegisterArguments(
            device=told["device"],
            instance=told["instance"],
            targets=tuple(told["target"]),
            properties=tuple(told["properties"]),
        )
    )
    options = Options.from_lines(lines)
    mounts = SERVICES["eventmonitor"]["volumes"]
    assert [mount.split(":")[1] for mount in mounts] == [str(options.recording_directory)]
    # What a demo that is left running takes has an end.
    assert 0 < options.max_recording_bytes * options.keep_recordings <= 1_000_000_000


def test_the_demo_never_meets_the_control_system_of_whoever_starts_it() -> None:
    started = {name: told for name, told in OWN.items() if name != "site"}
    assert {told["environment"]["TANGO_HOST"] for told in started.values()} == {DATABASE}
    assert SERVICES["site"]["environment"] == ["TANGO_HOST"]
    assert SERVICES["site"]["profiles"]


def test_every_image_is_built_by_a_service_that_comes_first() -> None:
    targets = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.M)
    builders = {told["image"]: told["build"]["target"] for told in OWN.values() if "build" in told}
    assert builders == {"stem-device": "eventmonitor", "stem-device-demo": "demo"}
    assert set(builders.values()) <= set(targets)
    assert {told["image"] for told in OWN.values()} == set(builders)


def test_images_of_others_have_a_version_and_change_nothing_here() -> None:
    for name in OF_OTHERS:
        told = SERVICES[name]
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", told["image"])
        assert told["read_only"] is True
        assert told["cap_drop"] == ["ALL"]
        mounts = [mount.split(":") for mount in told["volumes"]]
        assert all(mount[2:] == ["ro"] for mount in mounts if mount[0].startswith("./"))


def test_prometheus_finds_the_monitor_and_grafana_finds_prometheus() -> None:
    config = yaml.safe_load((ROOT / "grafana" / "prometheus.yaml").read_text())
    (scraped,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    assert scraped == "eventmonitor:8000"
    assert "HttpAddress=0.0.0.0:8000" in SERVICES["register"]["command"]
    sources = yaml.safe_load((ROOT / "grafana/provisioning/datasources/stem-device.yaml").read_text())
    urls = {one["type"]: one["url"] for one in sources["datasources"]}
    assert urls == {"prometheus": "http://prometheus:9090", "opentsdb": f"http://{scraped}"}
    mounts = [mount.split(":") for one in sorted(OF_OTHERS) for mount in SERVICES[one]["volumes"]]
    mounted = {there: here for here, there, *_ in mounts}
    (rules,) = config["rule_files"]
    assert [path for path in mounted if Path(path).match(rules)] == ["/etc/prometheus/rules/stem-device.yaml"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    provider = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/stem-device.yaml").read_text())
    folder = provider["providers"][0]["options"]["path"]
    assert (ROOT / mounted[folder] / Path(home).relative_to(folder)).is_file()
    for here in mounted.values():
        assert not here.startswith("./") or (ROOT / here).exists()


@pytest.mark.needs("prometheus")
def test_prometheus_reads_its_configuration(tmp_path: Path) -> None:
    rules = ROOT / "stem_device" / "web" / "prometheus_rules.yaml"
    config = (ROOT / "grafana" / "prometheus.yaml").read_text()
    (tmp_path / "prometheus.yaml").write_text(config.replace("/etc/prometheus/rules/*.yaml", str(rules)))
    check = ["promtool", "check", "config", str(tmp_path / "prometheus.yaml")]
    told = subprocess.run(check, check=False, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    assert "SUCCESS" in told.stdout


def test_the_image_has_parts_and_programs_that_there_are() -> None:
    text = (ROOT / "Dockerfile").read_text()
    lists = re.findall(r"'\.\[([\w,]+)\]'|^ARG PARTS=([\w,]+)$", text, re.M)
    wanted = {name for names in lists for name in "".join(names).split(",")}
    assert "http" in wanted
    assert wanted <= set(PROJECT["optional-dependencies"])
    assert {json.loads(command)[0] for command in re.findall(r"^CMD (.+)$", text, re.M)} == set(
        PROJECT["scripts"]
    )


def test_the_image_says_what_it_is_and_whose() -> None:
    text = (ROOT / "Dockerfile").read_text()
    user, group = re.findall(r"useradd --uid (\d+) --gid (\d+)", text)[0]
    assert set(re.findall(r"^USER (.+)$", text, re.M)) == {f"{user}:{group}"}
    assert re.findall(r"^ARG VERSION=(.+)$", text, re.M) == [PROJECT["version"]]
    assert f'licenses="{PROJECT["license"]}"' in text
    context = yaml.safe_load((CHART / "values.yaml").read_text())["podSecurityContext"]
    assert (str(context["runAsUser"]), str(context["runAsGroup"])) == (user, group)


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == PROJECT["version"]


def test_values_of_the_chart_follow_their_schema_and_can_be_used() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(values | {"tangoHost": DATABASE}, schema)
    assert set(values) == set(schema["properties"]) - {"global"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"tangoHost": "databaseds"},
        {"device": "sys/eventmon"},
        {"properties": {}},
        {"properties": {"TargetDevices": "dserver/*/*", "PollPeriod": {"seconds": 10}}},
        {"properties": {"TargetDevices": "dserver/*/*", "RecordingDirectory": "/elsewhere"}},
        {"replicas": 2},
    ],
)
def test_values_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text()) | {"tangoHost": DATABASE}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values | wrong, schema)


def test_the_chart_calls_the_command_line_as_it_is() -> None:
    template = (CHART / "templates" / "deployment.yaml").read_text()
    register = re.search(r"command: \[stem, (register)\]", template)
    assert register
    options = set(re.findall(r"^ +- (--[\w-]+)$", template, re.M))
    known = {option for parameter in _command("register").params for option in parameter.opts}
    assert options == {"--instance", "--property"}
    assert options <= known
    assert "EventMonitor" in PROJECT["scripts"]

"""Dockerfile, compose.yaml and the Helm chart say nothing that the package does not know."""

from __future__ import annotations

import json
import re
import shlex
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
from stem_device.device.properties import parse_properties

pytestmark = pytest.mark.extras

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "stem-device"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
DATABASE = "database:10000"
OTHER_PROGRAMS = {"EventMonitor", "PyDatabaseds"}


def _command(name: str) -> Any:
    group = typer.main.get_group(app)
    return group.get_command(typer.Context(group), name)


def stem(arguments: list[str]) -> dict[str, Any]:
    """The values of the parameters of a command line of stem; raises a usage error for wrong ones."""
    command = _command(arguments[0])
    return command.make_context(arguments[0], arguments[1:]).params


def command_lines() -> Iterator[tuple[str, list[str]]]:
    for service, told in SERVICES.items():
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
    options = parse_properties(lines)
    mounts = SERVICES["eventmonitor"]["volumes"]
    assert [mount.split(":")[1] for mount in mounts] == [str(options.recording_directory)]
    # What a demo that is left running takes has an end.
    assert 0 < options.max_recording_bytes * options.keep_recordings <= 1_000_000_000


def test_the_demo_never_meets_the_control_system_of_whoever_starts_it() -> None:
    started = {name: told for name, told in SERVICES.items() if name != "site"}
    assert {told["environment"]["TANGO_HOST"] for told in started.values()} == {DATABASE}
    assert SERVICES["site"]["environment"] == ["TANGO_HOST"]
    assert SERVICES["site"]["profiles"]


def test_every_image_is_built_by_a_service_that_comes_first() -> None:
    targets = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.M)
    builders = {told["image"]: told["build"]["target"] for told in SERVICES.values() if "build" in told}
    assert builders == {"stem-device": "eventmonitor", "stem-device-demo": "demo"}
    assert set(builders.values()) <= set(targets)
    assert {told["image"] for told in SERVICES.values()} == set(builders)


def test_the_image_has_parts_and_programs_that_there_are() -> None:
    text = (ROOT / "Dockerfile").read_text()
    wanted = {name for names in re.findall(r"'\.\[([\w,]+)\]'", text) for name in names.split(",")}
    assert wanted
    assert wanted <= set(PROJECT["optional-dependencies"])
    assert {json.loads(command)[0] for command in re.findall(r"^CMD (.+)$", text, re.M)} == set(
        PROJECT["scripts"]
    )


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == PROJECT["version"]


def test_values_of_the_chart_follow_their_schema_and_can_be_used() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(values | {"tangoHost": DATABASE}, schema)
    assert set(values) == set(schema["properties"]) - {"global"}
    lines = {
        name: [value] if isinstance(value, str) else value for name, value in values["properties"].items()
    }
    assert parse_properties(lines).target_devices


@pytest.mark.parametrize(
    "wrong",
    [
        {"tangoHost": "databaseds"},
        {"device": "sys/eventmon"},
        {"properties": {}},
        {"properties": {"TargetDevices": "dserver/*/*", "PollPeriod": 10}},
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
    check = re.search(r"command: \[stem, (check), ", template)
    register = re.search(r"command: \[stem, (register)\]", template)
    assert check
    assert register
    options = set(re.findall(r"^ +- (--[\w-]+)$", template, re.M))
    known = {option for parameter in _command("register").params for option in parameter.opts}
    assert options == {"--instance", "--property"}
    assert options <= known
    assert "EventMonitor" in PROJECT["scripts"]

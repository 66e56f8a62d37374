"""What the library page names is there, and what packages call public is what they give."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import stem_device

pytestmark = pytest.mark.extras

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/library.md").read_text()
ROWS = [row.split("|")[1] for row in re.findall(r"^\| `.*$", PAGE, flags=re.M)]
"""The first cells of the page's tables."""

INTERNAL = {
    "stem_device.catalogue": {
        *("MAX_SUBSCRIPTIONS", "MEANING", "PREFIX", "Accumulation", "Details", "MonitorState", "PerRow"),
        *("PollSeries", "bound_text", "device_and_name", "labels_of", "named_for_prometheus", "samples_of"),
        *("sent_points", "user_series"),
    },
    "stem_device.device": {"main"},
    "stem_device.doctor": {"diagnosis_of", "names_attribute"},
    "stem_device.model.options": {"property_name", "read_secret"},
    "stem_device.outlets": {"MAX_WAITING", "OutletQueue"},
    "stem_device.polling": {"Poller", "Schedule", "check_target"},
    "stem_device.reading.exporting": {"format_of"},
    "stem_device.recording": {"RecordingSession", "RecordingStatus"},
    "stem_device.responses": {"from_latin_1", "shown_name"},
    "stem_device.runs": {"QUEUED_MARKS"},
    "stem_device.statistics": {"Choice", "CountedRows", "Polls"},
    "stem_device.telemetry": {
        *("CONTROL_FILE", "DURATION_FILE_PREFIX", "PROFILER_FILE_PREFIX", "RUNTIME_FILE_PREFIX"),
    },
}
"""What packages give to others of this project alone: it is in ``__all__``, and not promised to anybody."""


def _split(name: str) -> tuple[Any, list[str]]:
    """The innermost module of a dotted name, and the rest."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            return importlib.import_module(".".join(parts[:end])), parts[end:]
        except ModuleNotFoundError:
            continue
    raise AssertionError(name)


def _told() -> dict[str, set[str]]:
    """By module: what the page names of it. A name without a module is of the one before it in its cell."""
    found: dict[str, set[str]] = {}
    for cell in ROWS:
        module = ""
        for name in re.findall(r"`([\w.]+)[^`]*`", cell):
            if name.startswith("stem_device"):
                inner, rest = _split(name)
                module = inner.__name__
                found.setdefault(module, set()).update([".".join(rest)] if rest else [])
            else:
                assert module, f"{name} is of no module"
                found[module].add(name)
    return found


TOLD = _told()


def _own(module: ModuleType) -> set[str]:
    """What a module gives: by ``__all__``, or where it has none what it defines itself."""
    if hasattr(module, "__all__"):
        return set(module.__all__)
    names: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {one.id for one in targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize(("name", "told"), TOLD.items(), ids=TOLD)
def test_the_library_page_names_what_is_public(name: str, told: set[str]) -> None:
    assert {one.partition(".")[0] for one in told} - _own(importlib.import_module(name)) == set()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(stem_device(?:\.\w+)+)", PAGE))))
def test_whole_names_are_there_wherever_they_stand_on_the_page(name: str) -> None:
    found, rest = _split(name)
    for part in rest:
        found = getattr(found, part)


@pytest.mark.parametrize("name", [name for name in TOLD if hasattr(importlib.import_module(name), "__all__")])
def test_what_a_package_gives_is_on_the_page_or_internal(name: str) -> None:
    given = _own(importlib.import_module(name))
    assert given - TOLD[name] == INTERNAL.get(name, set())


def test_the_page_names_something() -> None:
    assert INTERNAL.keys() <= TOLD.keys()
    assert sum(map(len, TOLD.values())) > 100


def test_every_public_name_is_there() -> None:
    packages = [one.name for one in pkgutil.walk_packages(stem_device.__path__, "stem_device.") if one.ispkg]
    assert len(packages) > 15
    for package in (stem_device, *map(importlib.import_module, packages)):
        for name in getattr(package, "__all__", ()):
            assert hasattr(package, name), f"{package.__name__}.{name}"


def test_the_version_is_that_of_the_package() -> None:
    assert (
        stem_device.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    )


def test_the_package_runs_as_the_command() -> None:
    line = [sys.executable, "-m", "stem_device", "--version"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"stem-device {stem_device.__version__}\n"

"""What the library page names is there, and what packages call public is what they give."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import stem_device

pytestmark = pytest.mark.extras

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/library.md").read_text()
NAMED = sorted(set(re.findall(r"`(stem_device(?:\.\w+)+)", PAGE)))


def _split(name: str) -> tuple[object, list[str]]:
    """The innermost module of a dotted name, and the rest."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            return importlib.import_module(".".join(parts[:end])), parts[end:]
        except ModuleNotFoundError:
            continue
    raise AssertionError(name)


@pytest.mark.parametrize("name", NAMED)
def test_the_library_page_names_what_is_public(name: str) -> None:
    module, rest = _split(name)
    if rest:
        assert rest[0] in getattr(module, "__all__", rest), f"{rest[0]} is not in __all__"
        found = module
        for part in rest:
            found = getattr(found, part)


def test_the_page_names_something() -> None:
    assert len(NAMED) > 15


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

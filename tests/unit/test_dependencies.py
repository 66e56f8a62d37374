"""``dependencies.md`` in the docs tells of every package that pyproject.toml asks for, and of no other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def asked_for() -> dict[str, str]:
    """Where each package is asked for; parts that are made of other parts left out."""
    parts = {"core": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    names = {
        (re.split(r"[^\w-]", requirement)[0], part)
        for part, requirements in parts.items()
        for requirement in requirements
    }
    return {name: part for name, part in names if name != PROJECT["name"]}


def told() -> dict[str, str]:
    """The table's packages, and the text that says where each belongs."""
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \|",
        (ROOT / "docs" / "explanation" / "dependencies.md").read_text(),
        flags=re.MULTILINE,
    )
    return {name.split()[0]: where for names, where in rows[1:] for name in names.split(", ")}


def test_every_package_is_told_of() -> None:
    assert told().keys() == asked_for().keys()


def test_it_stands_in_the_part_that_asks_for_it() -> None:
    places = told()
    assert {name: part for name, part in asked_for().items() if part not in places[name]} == {}

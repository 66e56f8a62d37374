"""The table of values in the README of the chart, made of values.yaml: python -m tests.chart_values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHART = Path(__file__).parents[1] / "charts" / "stem-device"
ABOUT = "# -- "


class Value(NamedTuple):
    """One that people set: its path with dots, what values.yaml has, and what it says of it."""

    path: str
    default: Any
    about: str


def values() -> list[Value]:
    """All that values.yaml says something about with a comment that begins with ``# --``."""
    text = (CHART / "values.yaml").read_text()
    everything = yaml.safe_load(text)
    return [Value(path, _at(everything, path), about) for path, about in _told(text)]


def untold() -> list[str]:
    """Values without a word about them or about what they are part of."""
    told = {value.path for value in values()}
    everything = yaml.safe_load((CHART / "values.yaml").read_text())
    missing = []
    for key, value in everything.items():
        inner = [f"{key}.{one}" for one in value] if isinstance(value, dict) else []
        if key not in told and not (inner and all(one in told for one in inner)):
            missing.append(key)
    return missing


def table() -> str:
    """Markdown."""
    rows = (f"| `{value.path}` | `{_shown(value.default)}` | {value.about} |" for value in values())
    return "\n".join(("| value | default | |", "|---|---|---|", *rows))


def _told(text: str) -> Iterator[tuple[str, str]]:
    parent, about = "", ""
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith(ABOUT):
            about = bare.removeprefix(ABOUT)
        elif bare.startswith("#"):
            about = f"{about} {bare.removeprefix('# ')}" if about else ""
        elif (key := re.match(r"( *)([A-Za-z]+):", line)) is not None:
            inner = bool(key[1])
            if about:
                yield (f"{parent}.{key[2]}" if inner else key[2]), about
            if not inner:
                parent = key[2]
            about = ""


def _at(everything: Any, path: str) -> Any:
    for key in path.split("."):
        everything = everything[key]
    return everything


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else "see values.yaml"


if __name__ == "__main__":
    print(table())  # noqa: T201

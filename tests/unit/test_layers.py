"""Who may speak to Tango: a rule over all packages, also those that come later."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "stem_device"

SPEAKERS = {
    "polling": "asks servers for their counters, and subscribes to canaries",
    "doctor": "tries a subscription link by link",
    "monitor": "starts Tango before any thread of its own makes a proxy",
    "device": "is a Tango device",
    "client": "tells marks and reports to an EventMonitor",
    "cli": "has commands that ask a device or serve one",
    "demo": "is a control system that loses events",
    "pytest_plugin": "counts the events of the servers of a test",
    "tango_telemetry": "measures Tango devices, and is all of telemetry that knows of them",
}
"""Parts of stem_device that import PyTango, and why."""


def parts() -> dict[str, list[Path]]:
    """Files of each package and module of the top level."""
    found: dict[str, list[Path]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        found.setdefault(file.relative_to(PACKAGE).with_suffix("").parts[0], []).append(file)
    return found


def imported(file: Path) -> Iterator[str]:
    """Roots of what a file imports, wherever in it, also by ``import_module("...")``."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module.partition(".")[0]


def contract() -> set[str]:
    """What the contract of import-linter forbids to import PyTango."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (one for one in contracts if one.get("forbidden_modules") == ["tango"])
    return {name.removeprefix("stem_device.") for name in found["source_modules"]}


def test_those_import_pytango_that_may() -> None:
    speaking = {name for name, files in parts().items() for file in files if "tango" in imported(file)}
    assert speaking == SPEAKERS.keys()


def test_the_contract_has_all_others() -> None:
    """Without ``__init__``: that is stem_device as a whole for import-linter."""
    assert contract() == parts().keys() - SPEAKERS.keys() - {"__init__"}


LIKE_PYTHON = {
    "stem_device/statistics/__init__.py": "a public name since 0.1.0, imported as a part of stem_device",
    "stem_device/cli/trace.py": "a subcommand has a file of its name",
}
"""Modules that are called as one of Python's own, and why."""


def test_no_module_is_called_as_one_of_pythons_own() -> None:
    paths = [path.relative_to(ROOT) for path in (ROOT / "stem_device").rglob("*.py")]
    called = {path: path.parent.name if path.name == "__init__.py" else path.stem for path in paths}
    alike = {str(path) for path, name in called.items() if name in sys.stdlib_module_names}
    assert alike == set(LIKE_PYTHON)

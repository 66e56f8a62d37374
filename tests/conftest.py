"""For all tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.needs import NEEDS, met

# How long an example takes depends on what else the machine does; pytest-timeout limits the whole test.
settings.register_profile("stem", deadline=None)
# Of tests/mutants.py: the same examples every time, and one that fails is enough, however long it is.
settings.register_profile("mutants", deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
settings.load_profile("stem")

RESULTS = "--results"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        RESULTS, type=Path, metavar="FILE", help="add a line of JSON to FILE: what ran, and what did not"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*names): what it needs of the machine; see tests/needs.py")
    file = config.getoption(RESULTS)
    # The workers of pytest-xdist tell the process that started them, which writes.
    if file is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(file))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: a test whose needs are not met does not run."""
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if not met(name):
                item.user_properties.append(("need", name))
                pytest.skip(f"needs {NEEDS[name].what}")


class Results:
    """Counts, and what did not run, for ``tests/run.py``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._passed = 0
        self._failed: set[str] = set()
        self._not_run: dict[str, dict[str, str]] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report, {})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._passed += report.when == "call" and report.passed
        self._note(report, dict(report.user_properties))

    def _note(self, report: pytest.CollectReport | pytest.TestReport, told: dict[str, object]) -> None:
        if report.failed:
            self._failed.add(report.nodeid)
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self._not_run[report.nodeid] = {
                "need": str(told.get("need", "")),
                "reason": reason.removeprefix("Skipped: "),
            }

    def pytest_sessionfinish(self) -> None:
        line = {"passed": self._passed, "failed": len(self._failed), "not_run": self._not_run}
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")

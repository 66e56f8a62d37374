"""Which Python runs the servers that are examined.

    python -m pytest tests/system/conformance --tango-python PYTHON [--tango-python PYTHON]

With two of them, servers are started with one after the other: a test starts its publisher first, then
its subscriber. Without the option no test of this directory is collected.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess
from tests.system.conformance.servers import ExaminedFactory
from tests.system.harness import ServerFactory

OPTION = "--tango-python"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="append", help="Python whose PyTango is examined; may be repeated")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the option nothing here is collected: there is nothing to examine."""
    return True if collection_path.suffix == ".py" and not config.getoption(OPTION, None) else None


NOT_BEFORE = {
    "[alarm]": ((10, 0), "there are no alarm events before 10.0"),
    "test_nothing_lost_without_a_database": ((10, 0), "there are no alarm events before 10.0"),
    "test_two_publishers_without_a_database_are_kept_apart": (
        (10, 0),
        "before 10.0, a server without a database sends every event with counter 0",
    ),
    "[RestartServer]": ((10, 0), "RestartServer ends a server of PyTango 9.3.6, unpatched too"),
    "test_again_restarts.py::test_publisher_restarted": (
        (10, 1),
        "before 10.1, an event is sent twice after a second subscriber came to a restarted publisher",
    ),
}
"""Tests that demand what older versions of Tango cannot do, patched or not: end or part of their name, since
which version they hold, and why."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not for the versions that are examined."""
    oldest = min(map(tango_version, config.getoption(OPTION, None) or ()), default=(99, 0))
    left_out = [item for item in items if _reason(item, oldest)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    config.stash[REASONS] = sorted(f"{item.name}: {_reason(item, oldest)}" for item in left_out)


REASONS = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(REASONS, []):
        terminalreporter.write_line(f"left out: {line}")


def _reason(item: pytest.Item, oldest: tuple[int, int]) -> str:
    """Why a test is not for this version of Tango; empty if it is."""
    if Path(__file__).parent not in item.path.parents:
        return ""
    return next(
        (why for name, (since, why) in NOT_BEFORE.items() if name in item.nodeid and oldest < since), ""
    )


def tango_version(python: str) -> tuple[int, int]:
    """Of the library that a Python's PyTango uses."""
    asks = "import tango; print(tango.constants.TgLibVers)"
    answer = subprocess.run([python, "-c", asks], capture_output=True, text=True, check=False)
    words = answer.stdout.strip().split(".")
    if len(words) != 3 or not all(word.isdigit() for word in words):
        raise pytest.UsageError(f"{python} has no PyTango: {answer.stderr[-500:]}")
    return int(words[0]), int(words[1])


@pytest.fixture(scope="session")
def interpreters(request: pytest.FixtureRequest) -> list[str]:
    return list(request.config.getoption(OPTION))


@pytest.fixture
def examined(
    database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory, interpreters: list[str]
) -> Iterator[ExaminedFactory]:
    """``examined()`` starts one server; for one test."""
    factory = ExaminedFactory(database, tmp_path_factory.mktemp("examined"), interpreters)
    try:
        yield factory
    finally:
        factory.stop()


class OtherPythonFactory(ServerFactory):
    """Starts the demo's servers with the interpreters given, and everything else as always."""

    def __init__(self, database: EmbeddedDatabase, directory: Path, interpreters: Sequence[str]) -> None:
        super().__init__(database, directory)
        self._interpreters = list(interpreters)
        self._started = 0

    def start(self, module: str, instance: str, *arguments: str, **options: object) -> ChildProcess:
        if module != "stem_device.demo.devices":
            return super().start(module, instance, *arguments, **options)  # type: ignore[arg-type]
        interpreter = self._interpreters[self._started % len(self._interpreters)]
        self._started += 1
        process = ChildProcess(
            [interpreter, str(DEMO_SERVER), instance, *arguments, *LOOPBACK],
            log=self._directory / f"devices-{instance}.log",
            name=f"{interpreter} {instance}",
            environment={**os.environ, "TANGO_HOST": self._database.tango_host},
            ready_line=READY_LINE,
        )
        self._processes.append(process)
        return process.start()


DEMO_SERVER = Path(__file__).with_name("demo_server.py")


@pytest.fixture
def servers(
    database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory, interpreters: list[str]
) -> Iterator[ServerFactory]:
    """As in the tests that are done again, with the other Python."""
    factory = OtherPythonFactory(database, tmp_path_factory.mktemp("servers"), interpreters)
    try:
        yield factory
    finally:
        factory.stop()


@pytest.fixture(scope="module")
def module_servers(
    database: EmbeddedDatabase, tmp_path_factory: pytest.TempPathFactory, interpreters: list[str]
) -> Iterator[ServerFactory]:
    """As ``servers``, stopped after the module."""
    factory = OtherPythonFactory(database, tmp_path_factory.mktemp("servers"), interpreters)
    try:
        yield factory
    finally:
        factory.stop()

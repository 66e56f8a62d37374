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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Alarm events came with Tango 10: with an older one, their tests are not for it."""
    if not all(has_alarm_events(python) for python in config.getoption(OPTION, None) or ()):
        alarms = [item for item in items if "[alarm]" in item.name]
        config.hook.pytest_deselected(items=alarms)
        items[:] = [item for item in items if item not in alarms]


def has_alarm_events(python: str) -> bool:
    asks = "import tango; print(hasattr(tango.EventType, 'ALARM_EVENT'))"
    answer = subprocess.run([python, "-c", asks], capture_output=True, text=True, check=False)
    if answer.stdout.strip() not in {"True", "False"}:
        raise pytest.UsageError(f"{python} has no PyTango: {answer.stderr[-500:]}")
    return answer.stdout.strip() == "True"


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

"""Every example in the documentation, run in the order of its page against real servers.

A block that cannot be run here says why in a comment in front of it: ``<!-- not run: reason -->``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import tango_server
from tests.system.docs_output import matches
from tests.system.docs_pages import PAGES, ROOT, Block, blocks
from tests.system.docs_session import SHELL_LANGUAGES, Session, commands
from tests.system.harness import Publisher, ServerFactory, Subscriber
from tests.system.report_page import browser_path

pytest.importorskip("h5py")
pytest.importorskip("typer")

pytestmark = pytest.mark.timeout(300)

MOST_NOT_RUN = 7
MONITOR = "sys/eventmon/1"


def _examples(page: Path) -> tuple[Block, ...]:
    return tuple(block for block in blocks(page) if block.language in {"python", *SHELL_LANGUAGES})


def _to_run(page: Path) -> list[Block]:
    return [block for block in _examples(page) if not block.reason]


WITH_EXAMPLES = [page for page in PAGES if _to_run(page)]
NEEDS = {ROOT / "docs" / "howto" / "report.md": "browser"}


IN_EVERY_RUN = (
    *("README", "find-a-lossy-subscriber", "mark-runs", "register"),
    *("command-line", "json-lines", "telemetry"),
)
"""The sample; the other pages are "matrix": together they take as long as all tests of the command line."""


def _marked(page: Path) -> Any:
    marks = [pytest.mark.needs(NEEDS[page])] if page in NEEDS else []
    return pytest.param(page, marks=marks if page.stem in IN_EVERY_RUN else [*marks, pytest.mark.matrix])


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    """A control system with the names that the pages use, but without a monitor."""
    folder = tmp_path_factory.mktemp("docs")
    with EmbeddedDatabase(folder) as database:
        servers = ServerFactory(database, folder)
        prefix = f"tango://{database.tango_host}"
        try:
            _start_all(servers)
            publisher = Publisher(f"{prefix}/demo/publisher/fast")
            for name in ("quick", "slow"):
                Subscriber(f"{prefix}/demo/subscriber/{name}").subscribe(publisher, "waveform")
            publisher.push_in_background("waveform", period_seconds=0.01)
            yield database
            publisher.stop()
        finally:
            servers.stop()


def _start_all(servers: ServerFactory) -> None:
    demo = "stem_device.demo.devices"
    publisher = ("StemDemo/publisher", [("Publisher", "demo/publisher/fast")])
    servers.start(demo, "publisher", register=publisher)
    for name in ("quick", "slow"):
        subscriber = (f"StemDemo/{name}", [("Subscriber", f"demo/subscriber/{name}")])
        servers.start(demo, name, register=subscriber)
    servers.start(
        "tests.system.tango_test", "test", register=("TangoTest/test", [("TangoTest", "sys/tg_test/1")])
    )


@pytest.fixture
def monitor(request: pytest.FixtureRequest, system: EmbeddedDatabase, tmp_path: Path) -> Iterator[None]:
    """``sys/eventmon/1``, unless the page registers it itself; nothing of it is left afterwards."""
    registers = any("stem register" in block.text for block in _to_run(request.getfixturevalue("page")))
    try:
        if registers:
            yield
            return
        system.add_server("EventMonitor/1", [("EventMonitor", MONITOR)])
        system.put_properties(
            MONITOR,
            {
                "TargetDevices": ["dserver/StemDemo/*", "sys/tg_test/1"],
                "PollPeriod": ["0.5"],
                "RecordingDirectory": [str(tmp_path)],
            },
        )
        log = tmp_path / "monitor.log"
        with tango_server("stem_device.device", "1", log=log, tango_host=system.tango_host):
            yield
    finally:
        _forget(system)


def _forget(system: EmbeddedDatabase) -> None:
    connection: Any = system.connection()
    for name in connection.get_device_name("EventMonitor/1", "EventMonitor").value_string:
        properties = connection.get_device_property_list(name, "*").value_string
        connection.delete_device_property(name, {wanted: [] for wanted in properties})
        connection.delete_device(name)


@pytest.mark.parametrize(
    "page", [_marked(page) for page in WITH_EXAMPLES], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_examples_work(
    page: Path,
    system: EmbeddedDatabase,
    monitor: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if NEEDS.get(page) == "browser":
        monkeypatch.setenv("BROWSER_PATH", browser_path())
    printed = ""
    with Session(tmp_path, system.tango_host) as session:
        for block in blocks(page):
            name = f"{page.name}:{block.line}"
            if block.reason:
                continue
            if block.language == "python":
                printed = session.python(name, block.text)
            elif block.language in SHELL_LANGUAGES:
                session.shell(block.text)
            elif block.language == "text":
                assert matches(block.text, printed), f"{name} shows\n{block.text}\nbut it was\n{printed}"


def test_few_examples_are_not_run_and_each_says_why() -> None:
    left_out = [(page, block) for page in PAGES for block in _examples(page) if block.reason]
    for page, block in left_out:
        sys.stdout.write(f"{page.relative_to(ROOT)}:{block.line} is not run: {block.reason}\n")
    assert len(left_out) <= MOST_NOT_RUN
    assert any(page.parent.name == "tutorial" for page in WITH_EXAMPLES)


def test_every_json_block_is_json() -> None:
    for page in PAGES:
        for block in blocks(page):
            if block.language == "json":
                json.loads(block.text)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("missed 12 events", "missed 3,456 events", True),
        ("missed 12 events", "lost 12 events", False),
        ("/home/me/a.h5  1.2 MB", "/tmp/pytest/7/a.h5 980.1 kB", True),
        ("/home/me/a.h5", "/home/me/b.h5", False),
        ("first\n...\nlast", "first\nsecond\nthird\nlast", True),
        ("first\nlast", "first\nsecond\nlast", False),
        ("first", "first\nsecond", False),
        ("host tango://127.0.0.1:1234/a/b/c is ...", "host tango://127.0.0.1:5/a/b/c is up", True),
        ("host tango://127.0.0.1:1234/a/b/c", "host tango://127.0.0.1:1234/a/b/d", False),
    ],
)
def test_what_may_differ(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) is same


def test_commands_are_told_from_their_output() -> None:
    assert list(commands("$ stem a \\\n  b\none\ntwo\n$ stem c\n")) == [
        ("stem a   b", "one\ntwo\n"),
        ("stem c", ""),
    ]
    assert list(commands("stem a\n# why\n\nstem b\n")) == [("stem a", ""), ("stem b", "")]

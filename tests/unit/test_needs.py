"""A test whose needs are not met is named, with the command that would let it run; nothing else hides it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.needs import NEEDS, ROOT, command
from tests.run import Outcome, summary

# Each starts pytest, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)

# Run with the real conftest: what is told has to survive the workers of pytest-xdist.
MODULE = """
import pytest
from tests import needs

needs.NEEDS["thing"] = needs.Need("a thing", lambda: False)

@pytest.fixture(scope="module")
def never():
    raise RuntimeError("no fixture of a test that does not run is made")

@pytest.mark.needs("thing")
def test_with_a_need(never): pass
def test_that_passes(): pass
def test_that_fails(): assert False
def test_that_skips_itself(): pytest.skip("why not")
"""


def results(folder: Path, *options: str, require: str = "") -> dict[str, Any]:
    (folder / "test_module.py").write_text(MODULE)
    file = folder / "results"
    file.unlink(missing_ok=True)
    line = ["-p", "tests.conftest", "-c", os.devnull, "-p", "no:cacheprovider", f"--results={file}", *options]
    subprocess.run(
        [sys.executable, "-m", "pytest", *line, str(folder / "test_module.py")],
        cwd=ROOT,
        env={**os.environ, "STEM_TESTS_REQUIRE": require},
        check=False,
        timeout=250,
        capture_output=True,
    )
    return json.loads(file.read_text())


def test_what_did_not_run_is_told_with_its_need(tmp_path: Path) -> None:
    told = results(tmp_path, "-n", "1")
    assert (told["passed"], told["failed"]) == (1, 1)
    assert {name.rpartition("::")[2]: why for name, why in told["not_run"].items()} == {
        "test_with_a_need": {"need": "thing", "reason": "needs a thing"},
        "test_that_skips_itself": {"need": "", "reason": "why not"},
    }


def test_what_is_required_runs_and_fails(tmp_path: Path) -> None:
    told = results(tmp_path, require="thing")
    assert told["failed"] == 2
    assert [name.rpartition("::")[2] for name in told["not_run"]] == ["test_that_skips_itself"]


@pytest.mark.parametrize(
    ("names", "user", "said"),
    [
        (["tango-9.5"], 1000, "make test PYTHON=python3.12"),
        (["tango-10.0", "tango-9.5"], 0, "make test PYTHON=python3.12"),
        (
            ["browser"],
            1000,
            "sudo apt-get install -y --no-install-recommends chromium libatomic1 && make test",
        ),
        (["browser"], 0, "apt-get install -y --no-install-recommends chromium libatomic1 && make test"),
        (
            ["namespaces", "mounts", "browser"],
            1000,
            "sudo apt-get install -y --no-install-recommends chromium libatomic1 iproute2 && sudo make test",
        ),
        (["helm", "grafana-schema"], 1000, "make grafana-schema && make helm && make test"),
    ],
)
def test_one_command_would_let_all_of_them_run(
    names: list[str], user: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(needs, "_program", lambda _: None)
    assert command(names) == said


def test_the_summary_names_every_test_and_adds_up() -> None:
    why = {"need": "mounts", "reason": "needs that"}
    text = list(
        summary(
            [
                Outcome("unit tests", 1, 10, 2, {"a.py::one": why}),
                Outcome("system tests", 0, 5, 0, {"b.py::two": {"need": "", "reason": "why not"}}),
            ]
        )
    )
    assert text[-1] == "15 passed, 2 failed, 2 skipped"
    assert "    a.py::one" in text
    assert "  b.py::two: why not" in text
    assert f"  1 for want of {NEEDS['mounts'].what}" in text
    assert text[text.index("They would run after:") + 1].endswith("make test")

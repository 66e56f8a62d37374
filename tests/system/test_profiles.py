"""Profiles as the how-tos make them, in the reader that they name."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from stem_device.demo.processes import ChildProcess
from tests.system.docs_pages import ROOT, blocks
from tests.system.elastic_server import free_port

pytest.importorskip("snakeviz")

HOW_TO = ROOT / "docs" / "howto" / "elasticsearch.md"
STEP = """
def busy_work(n):
    return sum(range(n))

for n in range(50):
    busy_work(n)
"""
PROFILED = f"""
from stem_device import telemetry

telemetry.start(".", with_profiler=True)
{STEP}
telemetry.stop()
"""


def _how_to_profile() -> list[str]:
    """The line of the how-to, with the interpreter of this test."""
    text = "\n".join(block.text for block in blocks(HOW_TO) if block.language == "console")
    found = re.search(r"^\$ python (-m cProfile .*)$", text, re.MULTILINE)
    assert found is not None
    return [sys.executable, *found[1].split()]


@pytest.fixture(params=["python -m cProfile", "telemetry"])
def profile(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    command = _how_to_profile()
    if request.param == "telemetry":
        command = [sys.executable, "step.py"]
    (tmp_path / "step.py").write_text(PROFILED if request.param == "telemetry" else STEP)
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    (made,) = [*tmp_path.glob("*.prof"), *tmp_path.glob("profiler.*.data")]
    return made


@pytest.fixture
def page(profile: Path, tmp_path: Path) -> Iterator[str]:
    """What snakeviz serves of a profile, opening no browser."""
    port = free_port()
    command = [sys.executable, "-m", "snakeviz", "--server", "-H", "127.0.0.1", "-p", str(port), str(profile)]
    with ChildProcess(command, log=tmp_path / "snakeviz.log", environment=dict(os.environ)) as server:
        url = server.wait_ready(lambda: re.search(r"http://\S+", server.output()))[0]
        with urllib.request.urlopen(url, timeout=60) as answer:
            yield answer.read().decode()


def test_snakeviz_shows_a_profile(page: str) -> None:
    """With every call that was counted."""
    (table,) = re.findall(r"^var table_data = (.*);$", page, re.MULTILINE)
    (row,) = [one for one in ast.literal_eval(table) if one[-1].endswith("(busy_work)")]
    assert row[0] == ["50", 50]

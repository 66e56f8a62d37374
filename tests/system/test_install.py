"""What the README has its readers install, in environments that hold nothing else; asks the package index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.docs_pages import README, ROOT, blocks
from tests.system.docs_session import commands

pytestmark = [pytest.mark.needs("ensurepip"), pytest.mark.timeout(600)]

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "stem_device")
OF_THE_DEMO = {"tango-simlib", "pathlib", "setuptools"}
NAMES = "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))"


def run(directory: Path, *line: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        line,
        cwd=directory,
        env={**os.environ, "PATH": path, "PYTHONPATH": "", "TMPDIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def packages(python: Path) -> set[str]:
    return {name.lower() for name in json.loads(run(python.parent, str(python), "-c", NAMES))}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy in which the install commands of the README were typed, each of its blocks in a new copy."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (block,) = [block for block in blocks(README) if "pip install" in block.text]
    typed = [command for command, _ in commands(block.text)]
    run(folder, "bash", "-c", " && ".join(["set -e", *typed]))
    yield folder
    shutil.rmtree(folder)


def test_users_get_the_command_the_device_and_nothing_of_the_demo(checkout: Path) -> None:
    binaries = checkout / "venv" / "bin"
    assert run(checkout, str(binaries / "stem"), "--version").startswith("stem-device ")
    assert (binaries / "EventMonitor").exists()
    brought_by_venv = {"setuptools"} if sys.version_info < (3, 12) else set()
    assert packages(binaries / "python") & OF_THE_DEMO == brought_by_venv
    run(checkout, str(binaries / "python"), "-c", "import h5py, rich")


def test_a_part_is_added_as_the_messages_say(checkout: Path) -> None:
    pip = str(checkout / "venv" / "bin" / "pip")
    run(checkout, pip, "install", "--quiet", "stem-device[zstd]")
    run(checkout, str(checkout / "venv" / "bin" / "python"), "-c", "import zstandard")


def test_the_demo_is_whole_where_no_setuptools_lies_about(checkout: Path) -> None:
    python = checkout / "venv-demo" / "bin" / "python"
    run(checkout, sys.executable, "-m", "venv", "--without-pip", "venv-demo")
    assert packages(python) == set()
    pip = str(checkout / "venv" / "bin" / "pip")
    run(checkout, pip, "--python", str(python), "install", "--quiet", ".[demo]")
    assert packages(python) >= OF_THE_DEMO
    shown = run(checkout, str(python.with_name("stem")), "demo", "--seconds", "3", "--plain")
    assert " poll number=1 " in shown
    assert "left out" not in shown
    assert "Recording  " in shown

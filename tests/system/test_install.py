"""What the pages have their readers install, in environments with nothing else; asks the package index."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.docs_pages import PAGES, README, ROOT, blocks
from tests.system.docs_session import commands

pytestmark = [pytest.mark.needs("ensurepip"), pytest.mark.timeout(1500)]

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "stem_device")
OF_THE_DEMO = {"tango-simlib", "pathlib", "setuptools"}
TUTORIAL = ROOT / "docs" / "tutorial" / "find-a-lossy-subscriber.md"
IN_A_SENTENCE = re.compile(r"`(pip (?:wheel|install) [^`]*)`")
WHEELS = re.compile(r"stem_device-[\w.-]+\.whl")
PARTS = re.compile(r"pip install '[^']*\[([\w,]+)\]'")
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
        timeout=1200,  # a slow network is no fault
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def packages(python: Path) -> set[str]:
    return {name.lower() for name in json.loads(run(python.parent, str(python), "-c", NAMES))}


@contextmanager
def installed(page: Path, folder: Path) -> Iterator[Path]:
    """A copy of the repository in which the install commands of a page were typed."""
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (block,) = [block for block in blocks(page) if "pip install" in block.text]
    typed = [command for command, _ in commands(block.text)]
    run(folder, "bash", "-c", " && ".join(["set -e", *typed]))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with installed(README, tmp_path_factory.mktemp("checkout")) as folder:
        yield folder


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


@pytest.mark.matrix
def test_a_wheel_for_other_machines(checkout: Path) -> None:
    """Both commands as the README has them: the wheel is made here, and installed in an environment there."""
    make, install = (line for line in IN_A_SENTENCE.findall(README.read_text()) if "dist" in line)
    run(checkout, "bash", "-c", f". venv/bin/activate && {make}")
    there = checkout / "there"
    there.mkdir()
    (checkout / "dist").rename(there / "dist")
    run(there, "bash", "-c", f"{sys.executable} -m venv venv && . venv/bin/activate && {install}")
    assert run(there, str(there / "venv" / "bin" / "stem"), "--version").startswith("stem-device ")
    run(there, str(there / "venv" / "bin" / "python"), "-c", "import h5py, rich, stem_device.device")


@pytest.mark.matrix
def test_all_parts_as_in_the_tutorial(tmp_path: Path) -> None:
    with installed(TUTORIAL, tmp_path) as folder:
        activate = ". venv/bin/activate && "
        shown = run(folder, "bash", "-c", f"{activate}stem demo --seconds 3 --plain")
        assert "left out" not in shown
        (line,) = [line for line in shown.splitlines() if "see what happened: " in line]
        run(folder, "bash", "-c", activate + line.partition(": ")[2])
        assert (folder / "report.html").exists()


def test_every_part_that_a_page_names_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {part for page in PAGES for parts in PARTS.findall(page.read_text()) for part in parts.split(",")}
    assert {"cli", "hdf5", "report"} <= named
    assert named <= set(project["optional-dependencies"])
    wheels = {wheel for page in PAGES for wheel in WHEELS.findall(page.read_text())}
    assert wheels == {f"stem_device-{project['version']}-py3-none-any.whl"}


@pytest.mark.matrix
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

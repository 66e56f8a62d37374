"""What some tests need that not every machine has.

A test says so with ``@pytest.mark.needs("browser")``. Where the need is not met the test does not run, and
``make test`` names it at its end. STEM_TESTS_REQUIRE lists needs, separated by commas, whose tests run and
fail instead.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Need:
    """``what`` it is, and whether it is ``met`` here.

    The rest is what would meet it: Debian ``packages``, by the program that each brings; ``root``; the newest
    ``python`` that has it.
    """

    what: str
    met: Callable[[], bool]
    packages: tuple[tuple[str, str], ...] = ()
    root: bool = False
    python: str = ""


def required() -> set[str]:
    """The needs whose tests have to run."""
    return {name for name in os.environ.get("STEM_TESTS_REQUIRE", "").split(",") if name}


@cache
def met(name: str) -> bool:
    """Whether tests with this need can run here."""
    return name in required() or NEEDS[name].met()


def command(names: Iterable[str]) -> str:
    """The one command after which tests with these needs run."""
    needs = [NEEDS[name] for name in sorted(names)]
    packages = [
        package
        for need in needs
        for program, package in need.packages
        if not need.root or _program(program) is None
    ]
    sudo = "" if os.geteuid() == 0 else "sudo "
    install = f"{sudo}apt-get install -y --no-install-recommends {' '.join(packages)} && " if packages else ""
    root = sudo if any(need.root for need in needs) else ""
    # One interpreter has to do for all: the oldest that is asked for.
    pythons = [need.python for need in needs if need.python]
    python = f" PYTHON=python{min(pythons, key=_version)}" if pythons else ""
    return f"{install}{root}make test{python}"


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _program(name: str) -> str | None:
    """Where a program is, also if it lies where only root looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _browser_starts() -> bool:
    """Seen by starting it, in a process of its own: playwright itself can lack a library."""
    start = [sys.executable, "-m", "tests.system.report_page"]
    return subprocess.run(start, cwd=ROOT, check=False, capture_output=True).returncode == 0


def _punx_starts() -> bool:
    """Seen by starting it: its PyQt5 can lack a library."""
    start = [sys.executable, "-c", "import punx.main"]
    return subprocess.run(start, check=False, capture_output=True).returncode == 0


def _may_make_namespaces() -> bool:
    from tests.system.harness import DividedNetwork

    return DividedNetwork.is_permitted()


def _may_mount() -> bool:
    """Seen by mounting, in a namespace that ends with it."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", folder]
        try:
            return subprocess.run(mount, check=False, capture_output=True).returncode == 0
        except OSError:
            return False


def old_tango(version: str) -> Path:
    """The interpreter of the environment that ``make test`` makes for an old PyTango, where it can."""
    return ROOT / f".venv-tango-{version}" / "bin" / "python"


def _old_tango(version: str, python: str) -> Need:
    made = old_tango(version).parents[1] / ".done"
    return Need(f"a wheel of PyTango {version}: Python {python} or older", made.exists, python=python)


NEEDS = {
    "browser": Need(
        "a Chromium or Chrome that starts",
        _browser_starts,
        packages=(("chromium", "chromium"), ("", "libatomic1")),
    ),
    "namespaces": Need(
        "the right to make network namespaces",
        _may_make_namespaces,
        packages=(("ip", "iproute2"),),
        root=True,
    ),
    "punx": Need(
        "punx, a validator of NeXus files, that starts",
        _punx_starts,
        packages=(("", "libglib2.0-0"),),
    ),
    "mounts": Need("the right to mount a file system", _may_mount, root=True),
    "ensurepip": Need(
        "venv with pip",
        lambda: importlib.util.find_spec("ensurepip") is not None,
        packages=(("", "python3-venv"),),
    ),
    "tango-9.5": _old_tango("9.5", "3.12"),
    "tango-10.0": _old_tango("10.0", "3.13"),
}

"""What some tests need that not every machine has.

A test says so with ``@pytest.mark.needs("browser")``. Where the need is not met the test does not run, and
``make test`` names it at its end. STEM_TESTS_REQUIRE lists needs, separated by commas, whose tests run and
fail instead.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
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
    ``python`` that has it; the target of the Makefile that would ``make`` it.
    """

    what: str
    met: Callable[[], bool]
    packages: tuple[tuple[str, str], ...] = ()
    root: bool = False
    python: str = ""
    make: str = ""


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
    made = "".join(f"make {need.make} && " for need in needs if need.make)
    return f"{install}{made}{root}make test{python}"


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


def _taurus_starts() -> bool:
    """Seen by starting it: its PyQt5 can lack a library."""
    start = [sys.executable, "-c", "import taurus.qt.qtgui.panel"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(start, check=False, capture_output=True, env=environment).returncode == 0


def _noida_starts() -> bool:
    """Seen by starting it: it is a program for one kind of machine."""
    from tests.system.elastic_server import program

    path = program()
    return (
        path is not None
        and subprocess.run([path, "version"], check=False, capture_output=True).returncode == 0
    )


def _may_make_namespaces() -> bool:
    from tests.system.harness import DividedNetwork

    return DividedNetwork.is_permitted()


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


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


def helm() -> str | None:
    """The program helm: that which ``make helm`` has brought, or the machine's own."""
    made = ROOT / ".helm" / "helm"
    return str(made) if made.exists() else shutil.which("helm")


GRAFANA_SCHEMA = ROOT / ".grafana-schema" / "dashboard.json"
"""JSON schema of a dashboard, which ``make grafana-schema`` makes of what Grafana publishes."""


def _old_tango(version: str, python: str) -> Need:
    made = old_tango(version).parents[1] / ".done"
    return Need(f"a wheel of PyTango {version}: Python {python} or older", made.exists, python=python)


NEEDS = {
    "browser": Need(
        "a Chromium or Chrome that starts",
        _browser_starts,
        packages=(("chromium", "chromium"), ("", "libatomic1")),
    ),
    "pdftotext": Need(
        "pdftotext, which reads what was printed",
        lambda: _program("pdftotext") is not None,
        packages=(("pdftotext", "poppler-utils"),),
    ),
    "namespaces": Need(
        "the right to make network namespaces",
        _may_make_namespaces,
        packages=(("ip", "iproute2"),),
        root=True,
    ),
    "elasticsearch": Need(
        "noida-db, a server that speaks Elasticsearch: for x86-64 Linux alone", _noida_starts
    ),
    "punx": Need(
        "punx, a validator of NeXus files, that starts",
        _punx_starts,
        packages=(("", "libglib2.0-0"),),
    ),
    "prometheus": Need(
        "Prometheus with promtool",
        lambda: all(map(_program, ("prometheus", "promtool"))),
        packages=(("prometheus", "prometheus"),),
    ),
    "victoria-metrics": Need(
        "a VictoriaMetrics",
        lambda: _program("victoria-metrics") is not None,
        packages=(("victoria-metrics", "victoria-metrics"),),
    ),
    "ipv6": Need("an IPv6 address of the loopback interface", _has_ipv6),
    "mounts": Need("the right to mount a file system", _may_mount, root=True),
    "ensurepip": Need(
        "venv with pip",
        lambda: importlib.util.find_spec("ensurepip") is not None,
        packages=(("", "python3-venv"),),
    ),
    "taurus": Need("taurus with PyQt5 that starts: pip install taurus PyQt5 lxml ply", _taurus_starts),
    "helm": Need("the program helm", lambda: helm() is not None, make="helm"),
    "grafana-schema": Need(
        "the schema of Grafana's dashboards, from npm",
        GRAFANA_SCHEMA.exists,
        make="grafana-schema",
    ),
    "tango-9.5": _old_tango("9.5", "3.12"),
    "tango-10.0": _old_tango("10.0", "3.13"),
}

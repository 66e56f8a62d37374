"""Telemetry is of a process: it is off again after each test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stem_device import telemetry

PROGRAM_SECONDS = 200
"""A program takes a second or two. It may take a hundred times that beside other work; pytest waits 300."""
TELLING_SECONDS = 10
_START = """
import faulthandler, signal
faulthandler.register(signal.SIGUSR1)
from stem_device import telemetry
directory = {!r}
"""


@pytest.fixture(autouse=True)
def _off_afterwards() -> Iterator[None]:
    yield
    telemetry.stop()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs code in a process of its own, with ``directory`` and ``telemetry``; warnings are errors.

    One that hangs is ended with all its children, and the failure shows where each of their threads was.
    """

    def run(code: str, *arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-W", "error", "-c", _START.format(str(tmp_path / "telemetry")) + code]
        with subprocess.Popen(
            [*line, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=PROGRAM_SECONDS)
            except subprocess.TimeoutExpired:
                pytest.fail(f"the program hangs:\n{_stacks(process)}")
        assert process.returncode == expected, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


def _stacks(process: subprocess.Popen[str]) -> str:
    """What the program and its children wrote, with the stacks of all threads, before they are killed."""
    os.killpg(process.pid, signal.SIGUSR1)
    try:
        out, err = process.communicate(timeout=TELLING_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
    return out + err

"""Telemetry is of a process: it is off again after each test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stem_device import telemetry


@pytest.fixture(autouse=True)
def _off_afterwards() -> Iterator[None]:
    yield
    telemetry.stop()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs code in a process of its own, with ``directory`` and ``telemetry``; warnings are errors."""

    def run(code: str, *arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
        start = f"from stem_device import telemetry\ndirectory = {str(tmp_path / 'telemetry')!r}\n"
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", start + code, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == expected, done.stderr
        return done

    return run

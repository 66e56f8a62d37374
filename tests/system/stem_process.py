"""Runs ``stem`` as its users do: as a process of its own, with its output in a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import psutil

from stem_device.demo.processes import wait_until

PROGRAM = "from stem_device.cli import main; main()"
LIMIT_SECONDS = 90.0
"""Of every wait: the demo starts in 10 s on a quiet machine, and in 40 s beside other tests and builds."""


class Stem:
    """One run. ``family`` is filled by :meth:`note_family`: the process and everything it had started."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, errors: Path) -> None:
        self.process = process
        self._output = output
        self._errors = errors
        self.family: list[psutil.Process] = []

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    @property
    def lines(self) -> list[str]:
        """The lines that are complete so far."""
        return self.output.split("\n")[:-1]

    def kinds(self, kind: str) -> list[dict[str, str]]:
        """The ``key=value`` words of every line of one kind; only such lines begin with a time."""
        return [words(line) for line in self.lines if line[:1].isdigit() and line.split()[1:2] == [kind]]

    def wait_for(self, text: str, limit_seconds: float = LIMIT_SECONDS) -> None:
        """Wait until ``text`` is in the output; fails at once if the process ends without it."""

        def there() -> bool:
            ended = self.process.poll() is not None
            if text in self.output:
                return True
            assert not ended, f"ended without {text!r}:\n{self.output}\n{self.errors}"
            return False

        wait_until(there, f"{text!r} in the output", limit_seconds=limit_seconds)

    def note_family(self) -> None:
        parent = psutil.Process(self.process.pid)
        self.family = [parent, *parent.children(recursive=True)]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, limit_seconds: float = LIMIT_SECONDS) -> int:
        return self.process.wait(limit_seconds)

    def survivors(self, limit_seconds: float = 5.0) -> list[psutil.Process]:
        """What is left of the family after a while."""
        deadline = time.monotonic() + limit_seconds
        while True:
            left = [one for one in self.family if _runs(one)]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.05)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


def words(line: str) -> dict[str, str]:
    """The ``key=value`` words of a line."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def read_terminal(terminal: int) -> str:
    """Everything until the other side closes."""
    parts = []
    while True:
        try:
            parts.append(os.read(terminal, 65536))
        except OSError:  # EIO: nobody has the terminal open any more
            return b"".join(parts).decode()


@contextmanager
def stem(
    directory: Path,
    *arguments: str,
    tango_host: str = "127.0.0.1:1",
    program: str = PROGRAM,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Stem]:
    """Start ``stem`` in ``directory``; whatever happens, it is gone afterwards."""
    output, errors = directory / "stdout.txt", directory / "stderr.txt"
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, "TANGO_HOST": tango_host, "PYTHONUNBUFFERED": "", **environment},
        )
    run = Stem(process, output, errors)
    try:
        yield run
    finally:
        process.kill()
        process.wait()
        for one in run.survivors():
            one.kill()

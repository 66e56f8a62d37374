"""A reader who types what a page says: commands in a shell, code in one Python session."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from stem_device.demo.processes import READY_LINE, ChildProcess
from tests.system.docs_output import matches

SHELL_LANGUAGES = ("console", "bash", "sh")
_COMMAND_SECONDS = 90
_HOST = re.compile(r"export TANGO_HOST=(\S+)")
# What the Makefile runs, in the environment that is here already.
_MAKE = {"make demo": "stem demo --seconds 30"}
# That some targets cannot be monitored is an ordinary answer.
_GOOD_CODES = {"stem check": (0, 4)}


class PythonSession:
    """One Python process; every block runs in the same namespace."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", str(Path(__file__).with_name("docs_python.py"))],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, name: str, code: str) -> str:
        """What the block printed; an exception in it fails the test."""
        print(json.dumps([name, code]), file=self._process.stdin, flush=True)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer, f"{name}: Python ended with code {self._process.wait()}"
        printed, error = json.loads(answer)
        assert not error, f"{printed}\n{error}"
        return printed

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Session:
    """Runs the blocks of one page in ``directory``, against the control system at ``tango_host``.

    ``export TANGO_HOST=...`` on a page means that system, or the one that the page itself started before.
    Servers that a page starts run to its end.
    """

    def __init__(self, directory: Path, tango_host: str) -> None:
        self._directory = directory
        self._tango_host = tango_host
        self._stack = ExitStack()
        self._python: PythonSession | None = None
        self._servers = 0
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TANGO_HOST": tango_host,
            "ORBendPoint": "giop:tcp:127.0.0.1:",
            "COLUMNS": "200",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def python(self, name: str, code: str) -> str:
        if self._python is None:
            self._python = PythonSession(self._directory, self._environment)
            self._stack.callback(self._python.close)
        return self._python.run(name, code)

    def shell(self, text: str) -> None:
        """Type every command of a block, and compare what it prints with what the block shows."""
        for typed, shown in commands(text):
            command = _MAKE.get(typed, typed)
            if command.startswith("export "):
                self._export(command)
            elif command.startswith("EventMonitor ") or "--keep" in command:
                self._start(command, shown)
            else:
                self._run(command, shown)

    def _export(self, command: str) -> None:
        name, _, value = command.removeprefix("export ").partition("=")
        self._environment[name] = self._tango_host if name == "TANGO_HOST" else value

    def _start(self, command: str, shown: str) -> None:
        """Start what runs until Ctrl-C; wait until it has printed what the page shows."""
        self._servers += 1
        process = ChildProcess(
            ["bash", "-c", f"cd '{self._directory}' && exec {command}"],
            log=self._directory / f"server-{self._servers}.log",
            name=command,
            environment=self._environment,
        )
        self._stack.enter_context(process)
        process.wait_ready(
            lambda: matches(shown, process.output()) if shown else READY_LINE in process.output(),
            limit_seconds=_COMMAND_SECONDS,
        )
        host = _HOST.search(process.output())
        if host:
            self._tango_host = host[1]

    def _run(self, command: str, shown: str) -> None:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        good = next((codes for start, codes in _GOOD_CODES.items() if command.startswith(start)), (0,))
        assert done.returncode in good, f"$ {command}\n{done.stdout}"
        assert not shown or matches(shown, done.stdout), (
            f"$ {command}\n{done.stdout}\nbut the page shows\n{shown}"
        )


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(command, output shown). With ``$`` prompts other lines are output; without, all lines are commands."""
    if not text.startswith("$ "):
        yield from ((line, "") for line in text.splitlines() if line and not line.startswith("#"))
        return
    for typed in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, shown = typed.replace("\\\n", "").partition("\n")
        yield command.strip(), shown

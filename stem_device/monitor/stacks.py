"""What a blocked consumer was doing: one stack of its process, once per incident. Needs the extra "stacks".

py-spy reads the stacks of a Python process from outside, without a word from it and without stopping it. It
has to run on the same host, and be allowed to (the same user, or CAP_SYS_PTRACE).
"""

from __future__ import annotations

import importlib.util
import logging
import queue
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from stem_device.errors import MissingExtraError
from stem_device.model.finding import Cause, Finding
from stem_device.model.mark import MAX_ERROR_CHARACTERS, Mark, MarkKind
from stem_device.model.snapshot import ServerRecord, Snapshot
from stem_device.text import visible

MARK_NAME = "stack"
LIMIT_SECONDS = 10.0
"""What py-spy may take; it needs some hundred milliseconds."""
MAX_WAITING = 10
"""Processes that wait for their stack to be taken; an incident beyond has none."""
FRAMES_TOLD = 3
"""Innermost frames that are shown with the cause; the recording has all."""
FRAMES_KEPT = 40

logger = logging.getLogger(__name__)


class Frame(Struct, frozen=True):
    """One line of Python."""

    name: str
    short_filename: str | None = None
    filename: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        return f"{self.name} ({self.short_filename or self.filename}:{self.line})"


class Thread(Struct, frozen=True):
    """One thread, its innermost frame first."""

    thread_name: str | None = None
    frames: list[Frame] = []


Dump = Callable[[int], str]
"""From a pid to JSON of its threads; raises OSError or subprocess.SubprocessError."""


def dump_by_py_spy(pid: int) -> str:
    """The real one."""
    program = Path(sys.executable).with_name("py-spy")
    command = [str(program) if program.exists() else "py-spy", "dump", "--nonblocking", "--json"]
    done = subprocess.run(  # noqa: S603 - its own arguments, without a shell
        [*command, "--pid", str(pid)],
        check=False,
        capture_output=True,
        timeout=LIMIT_SECONDS,
        text=True,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise OSError(f"py-spy: {reason[0]}")
    return done.stdout


def check_installed() -> None:
    """Raises MissingExtraError without py-spy."""
    beside = Path(sys.executable).with_name("py-spy").exists()
    if not beside and shutil.which("py-spy") is None and importlib.util.find_spec("py_spy") is None:
        raise MissingExtraError("stacks", "TakeStacks")


class Stacks:
    """``complete`` is for the poll thread: it asks for stacks, and adds those that are there to findings.

    ``record`` takes a mark whose ``error`` is the stack: so it is in the recording, beside the losses.
    """

    def __init__(
        self,
        record: Callable[[Mark], object],
        *,
        dump: Dump = dump_by_py_spy,
        processes: Path = Path("/proc"),
    ) -> None:
        self._record = record
        self._dump = dump
        self._processes = processes
        self._host = socket.gethostname()
        self._taken: dict[str, str] = {}
        self._blocked: frozenset[str] = frozenset()
        self._jobs: queue.Queue[tuple[str, int] | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None

    def complete(self, snapshot: Snapshot) -> Snapshot:
        """Have a stack taken of each process that is blocked since this poll; tell those that were."""
        blocked = frozenset(one.server for one in snapshot.findings if _is_blocked(one))
        for server in snapshot.servers:
            if server.name in blocked - self._blocked:
                self._taken.pop(server.name, None)
                self._ask(server)
        self._blocked = blocked
        if not blocked & self._taken.keys():
            return snapshot
        return replace(snapshot, findings=tuple(map(self._told, snapshot.findings)))

    def close(self) -> None:
        """Take no other; one that is under way ends by itself."""
        if self._thread is not None:
            with suppress(queue.Full):
                self._jobs.put_nowait(None)

    def _ask(self, server: ServerRecord) -> None:
        pid = server.identity.pid
        if pid is None or not self._is_here(server.name, pid):
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="stem-stacks", daemon=True)
            self._thread.start()
        try:
            self._jobs.put_nowait((server.name, pid))
        except queue.Full:
            logger.warning("No stack of %s is taken: too many processes are blocked at once", server.name)

    def _is_here(self, name: str, pid: int) -> bool:
        """Whether the process of that number on this host is the server: its arguments name the instance.

        A client says itself on which host it is.
        """
        parts = name.split("/")
        if name.startswith("client/"):
            return parts[-1].partition("-")[0] in self._host.lower() and (self._processes / str(pid)).exists()
        try:
            told = (self._processes / str(pid) / "cmdline").read_bytes().lower().split(b"\0")
        except OSError:
            return False
        return parts[-1].lower().encode() in told

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            server, pid = job
            try:
                threads = msgspec.json.decode(self._dump(pid), type=list[Thread])
                told, kept = shown(threads), whole(threads)
            except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
                told, kept = f"no stack could be taken: {visible(str(error))[:200]}", ""
            self._taken[server] = told
            if kept:
                self._record(_mark(server, pid, self._host, kept))

    def _told(self, finding: Finding) -> Finding:
        stack = self._taken.get(finding.server)
        if stack is None or not _is_blocked(finding):
            return finding
        return structs.replace(finding, sentence=f"{finding.sentence} Its process: {stack}.")


def shown(threads: list[Thread]) -> str:
    """The innermost frames of the thread that called back, for one sentence."""
    called = [one for one in threads if one.frames and _is_callback(one)]
    chosen = (called or [one for one in threads if one.frames])[:1]
    if not chosen:
        return "no thread is in Python"
    frames = " < ".join(frame.text for frame in chosen[0].frames[:FRAMES_TOLD])
    return visible(f"{chosen[0].thread_name or 'a thread'} is in {frames}")


def whole(threads: list[Thread]) -> str:
    """All threads, callbacks first, as text of several lines."""
    lines = []
    for one in sorted(threads, key=lambda thread: not _is_callback(thread)):
        lines.append(f"{visible(one.thread_name or 'thread')}:")
        lines += [f"  {visible(frame.text)}" for frame in one.frames[:FRAMES_KEPT]]
    return "\n".join(lines)[:MAX_ERROR_CHARACTERS]


def _is_callback(thread: Thread) -> bool:
    """cppTango's consumer thread enters Python without threading: its outermost frame is no bootstrap."""
    outermost: Any = thread.frames[-1] if thread.frames else None
    return outermost is not None and outermost.name not in {"<module>", "Thread._bootstrap", "_bootstrap"}


def _is_blocked(finding: Finding) -> bool:
    return finding.cause is Cause.CONSUMER_BLOCKED and bool(finding.overdue)


def _mark(server: str, pid: int, host: str, stack: str) -> Mark:
    return Mark(
        kind=MarkKind.MARK,
        run=server[:256],
        name=MARK_NAME,
        emitted_utc_ns=0,
        received_utc_ns=0,
        received_monotonic_ns=0,
        host=host,
        worker=str(pid),
        error=stack,
    )

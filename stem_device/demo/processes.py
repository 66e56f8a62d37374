"""Child processes that leave nothing behind: started apart, watched, stopped by their id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

from stem_device.errors import StemError

T = TypeVar("T")

READY_LINE = "Ready to accept request"
"""What every Tango device server prints once its devices answer."""

LOOPBACK = ("-ORBendPoint", "giop:tcp:127.0.0.1:0")
"""Server arguments that keep requests and events on this machine, on a free port."""

START_SECONDS = 60.0
"""A server is there after one or two; where others keep the processors busy it took more than 20."""

# PDEATHSIG survives exec, and only the child can set it. A few lines of Python in front of the real
# command do it without ``preexec_fn``, which is unsafe (and warned about) in a process with threads.
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
if os.getppid() != int(sys.argv[1]): sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class ProcessError(StemError):
    """A child process ended too early, or was not ready in time. ``output`` is the end of what it wrote."""

    def __init__(self, name: str, reason: str, output: str) -> None:
        super().__init__(f"{name}: {reason}; its output ends with:\n{output}")
        self.name = name
        self.reason = reason
        self.output = output


class OutOfTimeError(StemError):
    """A condition did not come true within its limit."""

    def __init__(self, what: str, limit_seconds: float) -> None:
        super().__init__(f"waited {limit_seconds:g} s in vain for {what}")
        self.what = what
        self.limit_seconds = limit_seconds


def wait_until(
    condition: Callable[[], T | None],
    what: str,
    *,
    limit_seconds: float = 20.0,
    interval_seconds: float = 0.02,
) -> T:
    """Return the first true value of ``condition``; raises OutOfTimeError after ``limit_seconds``."""
    deadline = time.monotonic() + limit_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise OutOfTimeError(what, limit_seconds)
        time.sleep(interval_seconds)


class ChildProcess:
    """One child in a session of its own, with its output in a file.

    The kernel kills the child when the *thread* that called :meth:`start` ends, so start it from a thread
    that lives as long as the child has to. That holds for a parent killed by SIGKILL as well.
    As a context manager it is started on entry and stopped on exit.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        name: str = "",
        environment: Mapping[str, str] | None = None,
        ready_line: str = "",
    ) -> None:
        self.arguments = tuple(arguments)
        self.log = log
        self.name = name or Path(self.arguments[0]).name
        # A Python child that writes to a file would keep its ready line in a buffer.
        self.environment = {**(os.environ if environment is None else environment), "PYTHONUNBUFFERED": "1"}
        self.ready_line = ready_line
        self._process: subprocess.Popen[bytes] | None = None
        self._log_begins = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the last start; 0 before the first."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """As ``subprocess.Popen.returncode``: negative for a signal, None while running."""
        return self._process.poll() if self._process else None

    def output(self) -> str:
        """All that the child wrote since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(self._log_begins)
            return file.read().decode(errors="replace")

    def start(self, *, limit_seconds: float = START_SECONDS) -> Self:
        """Start and, where a ready line was given, wait for it. Raises ProcessError; nothing is left then."""
        if self.running:
            return self
        with self.log.open("ab") as log:
            self._log_begins = log.tell()
            self._process = self._spawn(log)
        try:
            if self.ready_line:
                self.wait_ready(lambda: self.ready_line in self.output(), limit_seconds=limit_seconds)
        except BaseException:
            self.stop()
            raise
        return self

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        launcher = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid())]
        return subprocess.Popen(  # noqa: S603 - the caller's own command, without a shell
            [*launcher, *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self.environment,
            start_new_session=True,
        )

    def wait_ready(self, condition: Callable[[], T | None], *, limit_seconds: float = START_SECONDS) -> T:
        """Wait for ``condition``; raises ProcessError if the child ends before, or is too slow."""

        def ready() -> T | None:
            value = condition()
            if not value and not self.running:
                raise self._error(f"ended with exit code {self.exit_code}")
            return value

        try:
            return wait_until(ready, self.name, limit_seconds=limit_seconds)
        except OutOfTimeError as error:
            raise self._error(f"not ready after {limit_seconds:g} s") from error

    def _error(self, reason: str) -> ProcessError:
        return ProcessError(self.name, reason, self.output()[-2000:])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if the child still runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, limit_seconds: float = 10.0) -> int:
        """Wait for the child to end by itself; its exit code. Raises ProcessError if it goes on."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(limit_seconds)
        except subprocess.TimeoutExpired as error:
            raise self._error(f"still runs after {limit_seconds:g} s") from error

    def kill(self) -> None:
        """End it at once (SIGKILL) and reap it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, *, limit_seconds: float = 5.0) -> None:
        """TERM, wait, KILL. Asking twice is no error."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            self.kill()


def tango_server(
    module: str,
    instance: str,
    *,
    log: Path,
    tango_host: str,
    arguments: Sequence[str] = (),
) -> ChildProcess:
    """A Tango device server of this package on loopback, not yet started.

    ``module`` is run as ``python -m module instance``; ``tango_host`` is ``host:port`` of its database.
    """
    return ChildProcess(
        [sys.executable, "-m", module, instance, *arguments, *LOOPBACK],
        log=log,
        name=f"{module} {instance}",
        environment={**os.environ, "TANGO_HOST": tango_host},
        ready_line=READY_LINE,
    )

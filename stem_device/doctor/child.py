"""The child process in which Tango is asked, seen from its parent: a task in, lines out, limits."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

_MAX_TEXT = 100_000
REFUSED = b"refused "
"""How the line begins that says that the task was asked wrongly."""


class Child:
    """``python -m stem_device.doctor``: a task in, lines out."""

    def __init__(self, task: str, argument: Any) -> None:
        self._errors = b""
        self.limit_seconds = 0.0
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "stem_device.doctor", task],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=_environment(os.environ),
        )
        stdin = self._process.stdin
        if stdin is not None:
            try:
                stdin.write(json.dumps(argument).encode())
                stdin.close()
            except BrokenPipeError:
                pass

    def lines(self, limit_seconds: float) -> Iterator[bytes]:
        """Each line when it is there. Raises TimeoutError where none comes in time.

        The limit is for the next line; whoever takes a line may set ``limit_seconds`` for the one after.
        """
        self.limit_seconds = limit_seconds
        out, err = self._process.stdout, self._process.stderr
        if out is None or err is None:
            return
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            selector.register(err, selectors.EVENT_READ)
            deadline = time.monotonic() + self.limit_seconds
            while selector.get_map():
                for chunk in self._ready(selector, deadline):
                    *complete, rest = (rest + chunk).split(b"\n")
                    for line in complete:
                        yield line
                        deadline = time.monotonic() + self.limit_seconds

    def _ready(self, selector: selectors.BaseSelector, deadline: float) -> Iterator[bytes]:
        """What came on standard output; standard error is kept for :meth:`why`."""
        ready = selector.select(max(0.0, deadline - time.monotonic()))
        if not ready and time.monotonic() >= deadline:
            raise TimeoutError(f"no answer within {self.limit_seconds:g} s")
        for key, _ in ready:
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment]
            chunk = os.read(stream.fileno(), 65_536)
            if not chunk:
                selector.unregister(stream)
            elif stream is self._process.stdout:
                yield chunk
            else:
                self._errors = (self._errors + chunk)[-_MAX_TEXT:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @staticmethod
    def refusal(line: bytes) -> tuple[str, str, str] | None:
        """Option, value and reason where the line says that the task was asked wrongly."""
        if not line.startswith(REFUSED):
            return None
        option, value, reason = json.loads(line.removeprefix(REFUSED))
        return option, value, reason

    def wait(self, seconds: float) -> None:
        """Let it give back what it has, and end."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def end(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def why(self) -> str:
        """Why it ended too early, or was ended."""
        code = self._process.poll()
        if code is None:
            return f"no answer within {self.limit_seconds:g} s"
        last = self._errors.decode(errors="replace").strip().splitlines()[-1:]
        return f"the doctor's own process ended with code {code}{f': {last[0]}' if last else ''}"


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """That of the caller, with modules found where they were found here."""
    paths: Sequence[str] = [path for path in sys.path if path]
    return {**environ, "PYTHONPATH": os.pathsep.join(paths)}

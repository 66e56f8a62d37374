"""The report page of recordings, made by a process of its own.

So that its figures take no time from the polls (threads of one process share one interpreter), and its memory
is given back. It is the page of ``stem report``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from stem_device.errors import StemError

LIMIT_SECONDS = 150.0
"""A page of a night takes some seconds."""
MAX_ERROR_CHARACTERS = 500


class PageError(StemError):
    """The page could not be made."""


class PageMaker:
    """Makes pages, one at a time; ``close`` ends the one under way. Any thread may call the methods."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def page(self, title: str, files: Sequence[Path]) -> bytes:
        """The page of these recordings. Raises PageError."""
        with tempfile.TemporaryDirectory(prefix="stem-page-") as folder:
            output = Path(folder) / "page.html"
            command = [
                sys.executable,
                "-m",
                "stem_device.web.make_page",
                title,
                str(output),
                *map(str, files),
            ]
            with self._lock:
                if self._closed:
                    raise PageError("the port is being closed")
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
            try:
                _, told = self._process.communicate(timeout=LIMIT_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise PageError(f"the page was not made within {LIMIT_SECONDS:g} s") from error
            finally:
                self._end()
            if self._process.returncode:
                raise PageError(f"the page could not be made: {_last_line(told)}")
            return output.read_bytes()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()


def _last_line(told: bytes) -> str:
    lines = told.decode(errors="replace").strip().splitlines()
    return lines[-1][-MAX_ERROR_CHARACTERS:] if lines else "its process ended without a word"

"""Keys that are typed while the live view stands, where standard input is a terminal of ours."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


class Keys:
    """Single keys without Enter; a context manager that gives the terminal back as it was.

    ``active`` is false where there is nothing to type on: standard input is no terminal, or this is a job in
    the background, which the kernel would stop for changing the terminal.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        self._number = -1

    @property
    def active(self) -> bool:
        return self._before is not None

    def __enter__(self) -> Self:
        with suppress(OSError, ValueError, AttributeError, termios.error):
            number = sys.stdin.fileno()
            if os.isatty(number) and os.tcgetpgrp(number) == os.getpgrp():
                self._before = termios.tcgetattr(number)
                self._number = number
                tty.setcbreak(number, termios.TCSANOW)  # Ctrl-C and Ctrl-Z go on as they are
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def restore(self) -> None:
        """The terminal as it was; what was typed meanwhile does not reach the shell."""
        before, self._before = self._before, None
        if before is not None:
            with suppress(OSError, termios.error):
                termios.tcsetattr(self._number, termios.TCSAFLUSH, before)

    def typed(self) -> str:
        """What was typed since the last call; does not wait."""
        if not self.active:
            return ""
        with suppress(OSError, ValueError):
            if select.select([self._number], [], [], 0)[0]:
                return os.read(self._number, 100).decode(errors="replace")
        return ""

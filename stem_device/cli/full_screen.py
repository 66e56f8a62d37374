"""The whole terminal, and the keys that are typed on it, while a live view stands."""

from __future__ import annotations

import os
from contextlib import suppress
from types import TracebackType
from typing import Self

from stem_device.cli.keys import Keys
from stem_device.report.terminal import Terminal

_LEAVE = b"\x1b[?25h\x1b[?1049l"
"""Show the cursor, and give back what stood on the terminal before."""


class FullScreen:
    """A context manager: both are taken together, and both are given back whatever happens."""

    def __init__(self, greeting: str) -> None:
        self.terminal = Terminal(greeting=greeting)
        self.keys = Keys()

    def __enter__(self) -> Self:
        self.keys.__enter__()
        try:
            self.terminal.__enter__()
        except BaseException:
            self.keys.restore()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.terminal.__exit__(kind, error, trace)
        finally:
            self.keys.restore()

    def restore(self) -> None:
        """Give the terminal back at once, from a signal handler: nothing here waits for a lock."""
        self.keys.restore()
        with suppress(OSError):
            os.write(1, _LEAVE)

"""The process of ``stem`` as a whole: its standard streams at the beginning, and its end."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress

FAREWELL_SECONDS = 0.2
"""How long threads have to end that are about to."""


def open_streams() -> None:
    """Open what the caller has closed (``>&-``): the next file would take its number, and its output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def end_at_once_if_calls_are_under_way(code: int) -> None:
    """End the process here if a thread still waits for a server that hangs.

    Everything is closed by now; but Python's own way out stops such a thread inside Tango's C++, which aborts
    the process, and the exit code is lost.
    """
    deadline = time.monotonic() + FAREWELL_SECONDS
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    for thread in others:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in others):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)

"""The process of ``stem`` as a whole: its standard streams at the beginning, and its end."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
import threading
import time
from contextlib import suppress

FAREWELL_SECONDS = 0.2
"""How long threads have to end that are about to."""


_IN_ASCII = {
    "\N{HORIZONTAL ELLIPSIS}": "~",
    "\N{MIDDLE DOT}": "-",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{MICRO SIGN}": "u",
    "\N{RIGHTWARDS ARROW}": "->",
    **dict(zip("▁▂▃▄▅▆▇█", "_.-:=+*#", strict=True)),
}
"""What this package writes beyond ASCII, in its own words; all else becomes a question mark."""


def let_interrupts_end() -> None:
    """Let Ctrl-C end the process by the signal itself until a command has something to close.

    As an exception it is lost where C code drops it: Tango's extension imports numpy, prints whatever that
    raises, and goes on. And it would show as a traceback.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the caller ignores it
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def version_line() -> str:
    """What ``stem --version`` prints."""
    from importlib.metadata import version  # noqa: PLC0415 - takes longer than all else here

    return f"stem-device {version('stem-device')}\n"


def open_streams() -> None:
    """Open what the caller has closed (``>&-``): the next file would take its number, and its output.

    Where a stream cannot write a character (an ASCII terminal), it writes a poorer one.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    codecs.register_error("stem", _poorer)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="stem")


def _poorer(error: UnicodeError) -> tuple[str, int]:
    """An error handler of :mod:`codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(character, "?") for character in text), error.end


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

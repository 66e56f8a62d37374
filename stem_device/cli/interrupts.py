"""Ctrl-C, SIGTERM and SIGHUP as a wish to end, not as an explosion."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted:
    """Set by the first signal; a second one ends the program at once, by its default action."""

    def __init__(self) -> None:
        self._noted = False
        self._undo: Callable[[], None] | None = None

    def __bool__(self) -> bool:
        return self._noted

    def note(self, number: int, _frame: FrameType | None) -> None:
        """The signal handler."""
        if self._noted and self._undo is not None:
            self._undo()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._noted = True
        if self._undo is None:
            signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def undone_by(self, undo: Callable[[], None]) -> Iterator[None]:
        """Let a second signal call ``undo`` first, while the main thread is free to do so."""
        self._undo = undo
        try:
            yield
        finally:
            self._undo = None
            for number in _SIGNALS if self._noted else ():
                signal.signal(number, signal.SIG_DFL)


@contextmanager
def interrupts_noted() -> Iterator[Interrupted]:
    """Catch the signals that ask a program to end. Call it on the main thread."""
    interrupted = Interrupted()
    before = {number: signal.signal(number, interrupted.note) for number in _SIGNALS}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_raised(undo: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Let the first signal raise KeyboardInterrupt; a second SIGINT or SIGTERM ends the program at once, by
    its default action, whatever the cleaning up waits for. ``undo`` is called before, for what is quick.

    A second SIGHUP does nothing: a terminal that is closed sends two. Leaving the context by that interrupt
    is no error. Call it on the main thread.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        raise KeyboardInterrupt

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # so that a third one ends it even if `undo` waits
        try:
            undo()
        finally:
            signal.raise_signal(number)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

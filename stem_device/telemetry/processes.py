"""The ends and births of processes: exit, SIGTERM, fork."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

EXIT_SECONDS = 5.0
TERM_SECONDS = 2.0
"""For how long the end of the process may wait for a disk."""


class Ending(Protocol):
    """What wants to know of the ends and births of its process."""

    def last_words(self, limit_seconds: float) -> None:
        """Nothing that comes later is sure."""

    def begin_in_child(self) -> None:
        """After a fork, in the child."""


_terminating: list[Ending] = []
"""What SIGTERM has to wait for."""


def _in_place(handler: object) -> bool:
    """Whether ``handler`` handles SIGTERM, and this thread may change that."""
    main = threading.current_thread() is threading.main_thread()
    return main and signal.getsignal(signal.SIGTERM) == handler


def _caught_in_c() -> bool:
    """Whether a library handles SIGTERM, as cppTango does, of which Python knows nothing."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


class Hooks:
    """Registered once a process, when telemetry first starts."""

    def __init__(self, session: Ending) -> None:
        self._session = session
        self._registered = False

    def register(self, *, handle_sigterm: bool) -> None:
        """At exit and at forks always; for SIGTERM if asked, and only in place of the default action."""
        if not self._registered:
            os.register_at_fork(after_in_child=self._in_child)
            self._registered = True
            atexit.register(self._at_exit)
            process: Any = sys.modules.get("multiprocessing.process")
            if process is not None and process.parent_process() is not None:
                self._in_multiprocessing()
        if handle_sigterm and (_in_place(_on_sigterm) or (_in_place(signal.SIG_DFL) and not _caught_in_c())):
            signal.signal(signal.SIGTERM, _on_sigterm)
            if self._session not in _terminating:
                _terminating.append(self._session)

    def unregister(self) -> None:
        """The default action of SIGTERM, if ours is still in its place and nothing else needs it."""
        if self._session in _terminating:
            _terminating.remove(self._session)
        if not _terminating and _in_place(_on_sigterm):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _at_exit(self) -> None:
        self._session.last_words(EXIT_SECONDS)

    def _in_child(self) -> None:
        self._session.begin_in_child()
        # Such a process forgets finalizers that it inherits.
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None:
            util.register_after_fork(self, Hooks._in_multiprocessing)

    def _in_multiprocessing(self) -> None:
        """Processes of multiprocessing end without atexit."""
        util: Any = sys.modules["multiprocessing.util"]
        util.Finalize(None, self._at_exit, exitpriority=-1000)


def _on_sigterm(number: int, _frame: FrameType | None) -> None:
    """Write and send what there is, then die of the signal, as if nobody had handled it.

    A second signal kills at once.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for one in tuple(_terminating):
        one.last_words(TERM_SECONDS)
    os.kill(os.getpid(), number)

"""The end of the server process: no remote call may be under way when Tango shuts its ORB down.

Measured with cppTango 10.3.3: if a call to a target that hangs comes to its time limit while the ORB is shut
down, the ORB now and then waits for ever for that call, and the process never ends.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time

logger = logging.getLogger(__name__)

THREAD_PREFIX = "stem-"
"""All threads of the engine are named so."""

SLACK_SECONDS = 0.5
LAST_RESORT_SECONDS = 5.0


def wait_for_calls(limit_seconds: float) -> None:
    """Wait for the threads of the engine, which end with the call they are in.

    If some still hang after ``limit_seconds`` and a slack, the process is ended a while later if Tango has
    not done so by then. Until then Python's end waits for them too: it would end their threads in the midst
    of Tango's C++, which aborts the process. Sampling is off, recordings are closed, and the server is
    un-exported at that time.
    """
    deadline = time.monotonic() + limit_seconds + SLACK_SECONDS
    for thread in _engine_threads():
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in _engine_threads()]
    if left:
        logger.warning("Calls of %s are still under way", ", ".join(left))
        timer = threading.Timer(LAST_RESORT_SECONDS, os._exit, args=(0,))
        timer.daemon = True
        timer.start()
        atexit.register(_wait_for_all)


def _wait_for_all() -> None:
    """The timer ends what hangs."""
    for thread in _engine_threads():
        thread.join()


def _engine_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_PREFIX)]

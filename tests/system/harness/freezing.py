"""SIGSTOP, and not before it has taken effect."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from stem_device.demo.processes import wait_until


def freeze(pid: int) -> None:
    """Stop all threads of a process; SIGCONT lets them go on. A signal that was sent is not obeyed yet."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _stopped(pid), f"process {pid} to be stopped")


def _stopped(pid: int) -> bool:
    tasks = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/stat")]
    return {task.rpartition(")")[2].split()[0] for task in tasks} == {"T"}

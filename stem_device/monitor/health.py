"""What went wrong inside the monitor itself, kept where an operator can see it."""

from __future__ import annotations

from msgspec import Struct


class MonitorHealth(Struct, frozen=True):
    """Counts since the monitor was made. ``last_error`` is one line; empty if nothing ever failed."""

    thread_restarts: int = 0
    consumer_errors: int = 0
    last_error: str = ""

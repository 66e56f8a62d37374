"""What went wrong inside the monitor itself, kept where an operator can see it."""

from __future__ import annotations

import threading

from msgspec import Struct, structs


class MonitorHealth(Struct, frozen=True):
    """Counts since the monitor was made. ``last_error`` is one line; empty if nothing ever failed."""

    thread_restarts: int = 0
    consumer_errors: int = 0
    last_error: str = ""


class HealthNotes:
    """Takes note of failures, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._health = MonitorHealth()

    @property
    def health(self) -> MonitorHealth:
        return self._health

    def note(self, error: BaseException, *, thread_restarts: int = 0, consumer_errors: int = 0) -> None:
        """The latest error, and how many more of which kind it makes."""
        with self._lock:
            self._health = structs.replace(
                self._health,
                thread_restarts=self._health.thread_restarts + thread_restarts,
                consumer_errors=self._health.consumer_errors + consumer_errors,
                last_error=f"{type(error).__name__}: {error}",
            )

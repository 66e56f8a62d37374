"""What the device needs, made by hand."""

from __future__ import annotations

from tests.unit.made_snapshots import (
    BEGIN_UTC_NS,
    SECOND,
    disconnected,
    server,
    snapshot,
    stream,
    subscription,
)

__all__ = [
    "BEGIN_UTC_NS",
    "SECOND",
    "Health",
    "Recording",
    "disconnected",
    "server",
    "snapshot",
    "stream",
    "subscription",
]


class Recording:
    """What the device needs of a RecordingStatus."""

    def __init__(self, *, active: bool = False, path: str = "", error: str = "") -> None:
        self.active, self.path, self.error, self.polls, self.bytes = active, path, error, 3, 4096
        self.marks = 5


class Health:
    """What the device needs of a MonitorHealth."""

    def __init__(self, thread_restarts: int = 0, consumer_errors: int = 0, last_error: str = "") -> None:
        self.thread_restarts, self.consumer_errors = thread_restarts, consumer_errors
        self.last_error = last_error

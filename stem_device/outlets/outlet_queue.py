"""The queue of an outlet: bounded, never waited for by whoever fills it, and every item accounted for."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from stem_device.model.outlet_health import OutletHealth
from stem_device.text import visible

Item = TypeVar("Item")

MAX_WAITING = 30
"""Snapshots that wait. They share what did not change, so that bytes cannot be counted; items can.

One of 200 servers whose 10,000 streams and 10,000 subscriptions all moved has 10 MB, 30 MB with all sample
buffers full: 30 of them are up to 1 GB. At a period of 1 s they bridge half a minute, in which a file server
restarts; with 15 its restart would cost polls.
"""
MAX_ERROR_CHARACTERS = 500


class OutletQueue(Generic[Item]):
    """Items on their way from one thread to another. Every method may be called from any thread.

    At most ``max_waiting`` items wait. One more is dropped; with ``newest`` the oldest one is dropped
    instead. Both are counted.
    """

    def __init__(self, name: str, max_waiting: int = MAX_WAITING, *, newest: bool = False) -> None:
        self.name = name
        self._max_waiting = max_waiting
        self._newest = newest
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._sent = self._dropped = self._failed = self._under_way = 0
        self._last_error = ""

    @property
    def health(self) -> OutletHealth:
        """The counts of one moment."""
        with self._changed:
            return OutletHealth(
                self.name, self._sent, self._dropped, self._failed, self._waiting(), self._last_error
            )

    def offer(self, item: Item) -> bool:
        """Queue an item, never waiting; False if it was dropped, or the queue is closed."""
        with self._changed:
            if self._closed:
                return False
            if len(self._items) >= self._max_waiting:
                self._dropped += 1
                if not self._newest:
                    return False
                self._items.popleft()
            self._items.append(item)
            self._changed.notify_all()
        return True

    def take(self, limit_seconds: float | None = None) -> Item | None:
        """Wait for the next item, which counts as waiting until ``done``.

        None after ``limit_seconds``, and after the last item of a queue that was closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, limit_seconds)
            if not self._items:
                return None
            self._under_way = 1
            return self._items.popleft()

    def done(self, error: str = "") -> None:
        """Count the item that was taken last as sent, or as failed with this error."""
        with self._changed:
            self._under_way = 0
            if error:
                self._failed += 1
                self._keep(error)
            else:
                self._sent += 1
            self._changed.notify_all()

    def note(self, error: str) -> None:
        """Keep an error that belongs to no item."""
        with self._changed:
            self._keep(error)

    def wait_until_empty(self, limit_seconds: float) -> bool:
        """Whether all items were passed on within this time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting(), limit_seconds)

    def close(self) -> None:
        """Take no more items; those that wait can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def drop_waiting(self) -> int:
        """Drop all that nobody has taken, and return how many they were."""
        with self._changed:
            dropped = len(self._items)
            self._items.clear()
            self._dropped += dropped
            self._changed.notify_all()
        return dropped

    def _waiting(self) -> int:
        return len(self._items) + self._under_way

    def _keep(self, error: str) -> None:
        self._last_error = visible(error)[:MAX_ERROR_CHARACTERS]

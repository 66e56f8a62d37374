"""Looks targets up on a thread of its own, so that a database that hangs delays no poll."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from stem_device.polling.targets import Resolution, Resolve

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
"""After a lookup that failed, or when asked to look again, at most so often."""


class ResolvingThread:
    """Keeps the latest Resolution. ``resolution(wait)`` never waits longer than told."""

    def __init__(
        self,
        resolve: Resolve,
        targets: tuple[str, ...],
        *,
        period_seconds: float,
        thread_context: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._resolve = resolve
        self._period_seconds = period_seconds
        self._thread_context = thread_context
        self._changed = threading.Condition()
        self._targets = targets
        self._version = 1
        self._resolved_version = 0
        self._soon = False
        self._closed = False
        self._resolution = Resolution()
        self._thread: threading.Thread | None = None

    def set_targets(self, targets: tuple[str, ...]) -> None:
        """Look these up from now on, at once."""
        with self._changed:
            self._targets = targets
            self._version += 1
            self._changed.notify_all()

    def look_again_soon(self) -> None:
        """Something changed at a server; look again, but not more often than RETRY_SECONDS."""
        with self._changed:
            if not self._soon:
                self._soon = True
                self._changed.notify_all()

    def resolution(self, wait_seconds: float) -> tuple[Resolution, bool]:
        """The latest one, and whether it is for the present targets; waits for it no longer than told."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="stem-resolve", daemon=True)
                self._thread.start()
            current = self._changed.wait_for(lambda: self._resolved_version == self._version, wait_seconds)
            return self._resolution, current

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        with self._thread_context():
            while not self._closed:
                with self._changed:
                    targets, version = self._targets, self._version
                    self._soon = False
                complete = self._look_up(targets, version)
                self._pause(complete, version)

    def _look_up(self, targets: tuple[str, ...], version: int) -> bool:
        try:
            resolution = self._resolve(targets)
        except Exception as error:  # a task boundary: looking up must go on, whatever went wrong once
            logger.exception("Looking up the targets failed unexpectedly")
            sentence = f"looking up the targets failed, {type(error).__name__}: {error}"[:300]
            resolution = Resolution(self._resolution.targets, (sentence,), complete=False)
        with self._changed:
            self._resolution = resolution
            self._resolved_version = version
            self._changed.notify_all()
        return resolution.complete

    def _pause(self, complete: bool, version: int) -> None:
        """Until it is time, or there are other targets."""

        def changed() -> bool:
            return self._closed or self._version != version

        period = self._period_seconds
        shortest = min(period, RETRY_SECONDS)
        with self._changed:
            if self._changed.wait_for(changed, shortest) or not complete:
                return
            self._changed.wait_for(lambda: changed() or self._soon, period - shortest)

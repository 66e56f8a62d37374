"""Looks targets up on a thread of its own, so that a database that hangs delays no poll."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from stem_device.polling.following import Publishers
from stem_device.polling.targets import Resolution, Resolve

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
"""After a lookup that failed, or when asked to look again, at most so often."""

ResolvePublishers = Callable[[frozenset[str]], Publishers]


class ResolvingThread:
    """Keeps the latest Resolution and Publishers. ``resolution(wait)`` never waits longer than told."""

    def __init__(
        self,
        resolve: Resolve,
        targets: tuple[str, ...],
        *,
        resolve_publishers: ResolvePublishers,
        period_seconds: float,
        thread_context: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._resolve = resolve
        self._resolve_publishers = resolve_publishers
        self._period_seconds = period_seconds
        self._thread_context = thread_context
        self._changed = threading.Condition()
        self._targets = targets
        self._version = 1
        self._resolved_version = 0
        self._soon = False
        self._closed = False
        self._resolution = Resolution()
        self._wanted: frozenset[str] = frozenset()
        self._looked_up: frozenset[str] = frozenset()
        self._publishers = Publishers()
        self._thread: threading.Thread | None = None

    def set_targets(self, targets: tuple[str, ...]) -> None:
        """Look these up from now on, at once."""
        with self._changed:
            self._targets = targets
            self._version += 1
            self._changed.notify_all()

    def set_publishers(self, wanted: frozenset[str]) -> None:
        """Look these publishers up too, at once if there are others among them."""
        if wanted == self._wanted:
            return
        with self._changed:
            self._wanted = wanted
            self._changed.notify_all()

    @property
    def publishers(self) -> Publishers:
        """The latest ones."""
        return self._publishers

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
                complete &= self._look_up_publishers()
                self._pause(complete, version)

    def _look_up(self, targets: tuple[str, ...], version: int) -> bool:
        try:
            resolution = self._resolve(targets, partial(self._take, version))
        except Exception as error:  # a task boundary: looking up must go on, whatever went wrong once
            logger.exception("Looking up the targets failed unexpectedly")
            sentence = f"looking up the targets failed, {type(error).__name__}: {error}"[:300]
            resolution = Resolution(self._resolution.targets, (sentence,), complete=False)
        self._take(version, resolution)
        with self._changed:
            self._resolved_version = version
            self._changed.notify_all()
        return resolution.complete

    def _take(self, version: int, resolution: Resolution) -> None:
        """What is known so far of the targets of a version, unless there are others by now."""
        with self._changed:
            if version == self._version:
                self._resolution = resolution

    def _look_up_publishers(self) -> bool:
        with self._changed:
            wanted = self._wanted
        try:
            publishers = self._resolve_publishers(wanted) if wanted else Publishers()
        except Exception as error:  # a task boundary, as above
            logger.exception("Looking up the publishers failed unexpectedly")
            sentence = f"looking up publishers failed, {type(error).__name__}: {error}"[:300]
            publishers = Publishers(self._publishers.names, (sentence,), complete=False)
        with self._changed:
            self._publishers = publishers
            self._looked_up = wanted
        return publishers.complete

    def _pause(self, complete: bool, version: int) -> None:
        """Until it is time, or there are other targets; publishers that are new are looked up meanwhile."""

        def changed() -> bool:
            return self._closed or self._version != version

        begun = time.monotonic()
        shortest = min(self._period_seconds, RETRY_SECONDS)
        if self._wait(begun + shortest, changed) or not complete:
            return
        self._wait(begun + self._period_seconds, lambda: changed() or self._soon)

    def _wait(self, deadline: float, until: Callable[[], bool]) -> bool:
        """Wait for ``until`` or the deadline; whether it was the former."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: until() or self._wanted != self._looked_up, max(0.0, deadline - time.monotonic())
                )
                if until() or self._wanted == self._looked_up:
                    return until()
            self._look_up_publishers()

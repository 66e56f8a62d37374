"""A pool of threads that makes the remote calls: few while all goes well, more when calls hang.

A thread for every target would be simple, but waking hundreds of threads at once costs more than the calls
themselves. A few threads take the jobs one after the other instead, and as soon as they do not get along
fast enough (a server is slow, or hangs and holds its thread) others join, up to one for every target.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

logger = logging.getLogger(__name__)

Job = Callable[[], None]

FIRST_HANDS = 2
"""Threads that begin on a batch of jobs."""

EXIT_SECONDS = 10.0
"""How long the end of Python waits for calls under way, which have time limits of their own.

Python ends threads by unwinding their stacks; where that meets frames of Tango's C++, the whole process is
aborted ("terminate called without an active exception", seen where a call came to its limit at that moment).
"""


class ThreadPool:
    """Runs jobs on its own threads. Jobs must not raise; what one raises all the same is logged and counted.

    ``thread_context`` is entered in every thread for its life (``tango.EnsureOmniThread``).
    Threads are daemons: one that hangs in a call does not keep the process from ending.
    """

    def __init__(self, thread_context: Callable[[], AbstractContextManager[object]]) -> None:
        self._thread_context = thread_context
        self._lock = threading.Lock()
        self._fewer = threading.Condition(self._lock)
        self._pid = os.getpid()
        self._jobs: deque[Job] = deque()
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._limit = FIRST_HANDS
        self._number = 0
        self.failures_total = 0
        _wait_at_exit_for(self)

    @property
    def threads(self) -> int:
        """Threads alive now."""
        return self._threads

    @property
    def waiting(self) -> int:
        """Jobs that nobody has begun."""
        return len(self._jobs)

    def resize(self, limit: int) -> None:
        """Allow so many threads; those above it end when they are free. After ``close`` there are none."""
        with self._lock:
            self._limit = max(FIRST_HANDS, limit) if self._limit else 0
            for _ in range(min(self._idle, self._threads - self._limit)):
                self._call_one()

    def submit(self, jobs: Iterable[Job]) -> None:
        """Add jobs, and have the first threads begin on them."""
        self._jobs.extend(jobs)
        self.join_in(min(FIRST_HANDS, len(self._jobs)))

    def join_in(self, hands: int) -> None:
        """Let so many more threads take jobs, as far as there are jobs and threads allowed."""
        with self._lock:
            for _ in range(min(hands, len(self._jobs))):
                self._call_one()

    def close(self) -> None:
        """Forget the jobs that were not begun and end the threads that are free; hung ones end later."""
        with self._lock:
            self._jobs.clear()
            self._limit = 0
            for _ in range(self._idle):
                self._call_one()

    def end(self, limit_seconds: float) -> bool:
        """Close, and wait for calls under way; whether all have ended. A forked process has none."""
        if self._pid != os.getpid():
            return True
        self.close()
        with self._fewer:
            return self._fewer.wait_for(lambda: not self._threads, limit_seconds)

    def _call_one(self) -> None:
        """Wake an idle thread or start one. The lock is held."""
        if self._idle > 0:
            self._idle -= 1
            self._calls.put(None)
        elif self._threads < self._limit:
            self._threads += 1
            self._number += 1
            threading.Thread(target=self._run, name=f"stem-ask-{self._number}", daemon=True).start()

    def _run(self) -> None:
        try:
            with self._thread_context():
                while self._work_then_rest():
                    self._calls.get()
        finally:
            with self._fewer:
                self._threads -= 1
                self._fewer.notify_all()

    def _work_then_rest(self) -> bool:
        """Take jobs until there are none; False if this thread is one too many."""
        while True:
            try:
                job = self._jobs.popleft()
            except IndexError:
                with self._lock:
                    if self._jobs:
                        continue
                    if self._threads > self._limit:
                        return False
                    self._idle += 1
                return True
            self._do(job)

    def _do(self, job: Job) -> None:
        try:
            job()
        except Exception:
            logger.exception("A job of the poller failed")
            self.failures_total += 1


_pools: weakref.WeakSet[ThreadPool] = weakref.WeakSet()


def _wait_at_exit_for(pool: ThreadPool) -> None:
    if not _pools:
        atexit.unregister(_end_all)
        atexit.register(_end_all)
    _pools.add(pool)


def _end_all() -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    for pool in tuple(_pools):
        pool.end(max(0.0, deadline - time.monotonic()))

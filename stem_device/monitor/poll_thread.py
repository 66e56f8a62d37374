"""The thread that polls: one cycle after the other, whenever the schedule says so, whatever fails in them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from stem_device.errors import MonitorNotRunningError
from stem_device.monitor.health import HealthNotes
from stem_device.polling import Schedule

logger = logging.getLogger(__name__)

RESTART_PAUSE_SECONDS = 1.0
"""Between a failure of the poll thread and its next attempt."""


class PollThread:
    """Runs ``cycle``, told whether it may spare servers whose answers take long. All methods from any thread.

    ``thread_context`` is entered in the thread (``tango.EnsureOmniThread``).
    """

    def __init__(
        self,
        cycle: Callable[[bool], None],
        schedule: Schedule,
        notes: HealthNotes,
        thread_context: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._cycle = cycle
        self._schedule = schedule
        self._notes = notes
        self._thread_context = thread_context
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._done = threading.Condition()
        self._begun = self._finished = 0
        self._all_asked_until = 0

    @property
    def started(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        """Begin with the first cycle at once."""
        self._thread = threading.Thread(target=self._supervise, name="stem-poll", daemon=True)
        self._thread.start()

    def stop(self, limit_seconds: float) -> None:
        """Begin no other cycle, and wait for the one under way, unless that is what calls."""
        self._stopping.set()
        self._schedule.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(limit_seconds)
        with self._done:
            self._done.notify_all()

    def cycle_now(self, limit_seconds: float) -> None:
        """Have a cycle begin at once that spares no server, and wait for its end.

        Raises MonitorNotRunningError if there is none.
        """
        if self._thread is None or threading.current_thread() is self._thread:
            raise MonitorNotRunningError("the monitor is not polling; start it first")
        with self._done:
            wanted = self._all_asked_until = self._begun + 1
            self._schedule.wake()
            done = self._done.wait_for(
                lambda: self._finished >= wanted or self._stopping.is_set(), limit_seconds
            )
        if self._stopping.is_set():
            raise MonitorNotRunningError("the monitor was stopped before the poll had ended")
        if not done:
            raise MonitorNotRunningError(
                f"no poll ended within {limit_seconds:g} s; see the log: {self._notes.health.last_error}"
            )

    def _supervise(self) -> None:
        """Whatever fails is logged and counted, and polling begins again."""
        while not self._stopping.is_set():
            try:
                with self._thread_context():
                    self._run()
            except BaseException as error:
                logger.exception("The poll thread failed and is started again")
                self._notes.note(error, thread_restarts=1)
                self._stopping.wait(RESTART_PAUSE_SECONDS)
                self._schedule.wake()

    def _run(self) -> None:
        while self._schedule.wait():
            with self._done:
                self._begun += 1
                cycle = self._begun
                spare = cycle > self._all_asked_until
            self._cycle(spare)
            with self._done:
                self._finished = cycle
                self._done.notify_all()

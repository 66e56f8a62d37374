"""The collecting of one process: settings, the buffer's limits, and the thread that writes.

That thread alone touches the files. Others ask it, and wait by sleeping a little: nothing is locked that a
signal handler could find locked by the code it interrupted.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from math import inf
from time import monotonic, sleep

from stem_device.errors import TelemetryError
from stem_device.telemetry.buffer import SAMPLE_BYTES, VALUES, buffer
from stem_device.telemetry.health import Health
from stem_device.telemetry.profile_switch import ProfileSwitch
from stem_device.telemetry.runtime import Runtime
from stem_device.telemetry.settings import Settings, controlled
from stem_device.telemetry.writing import Writing

SECOND = 1.0
"""Between looks at the control files and between rows of runtime metrics."""
FULL_SECONDS = 0.1
"""For how long a thread that finds the buffer full waits for room before it drops."""
FEWEST_LOOKS = 400
"""And how often it looks at least, asleep in between: as often as in FULL_SECONDS on an idle machine.

A process that gets no processor for so long would drop before its writer had a turn: seen in 3 of 100 runs at
nice 19 beside a load of 12. Beside that load 20 looks are not enough.
"""
_STEP_SECONDS = 0.0002
_NO_TURN_SECONDS = 0.01

_log = logging.getLogger(__name__)


class Session:
    """Begins with :meth:`apply`, ends with :meth:`end`, and may begin again."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.runtime = Runtime()
        self._asked: Settings | None = None
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._turn_lock = threading.Lock()
        self._wake = threading.Lock()
        self._wake.acquire()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._force = False
        self._begun = self._written = 0
        self._lost = 0
        self._lost_lock = threading.RLock()
        self._stalled = False
        self._profile = ProfileSwitch(self._failed)
        self._errors = 0
        self._last_error = ""
        self._limit = self._wake_at = 0
        self._next_flush = self._next_look = self._next_rows = 0.0
        self._lag: float | None = None
        self._writing = Writing()

    # What the program asks for.

    def apply(self, settings: Settings) -> None:
        """Collect as ``settings`` and the control files say, from now on."""
        with self._lock:
            self._asked = settings
            self._set(self._controlled(settings) or settings, this_thread=True)
            self._next_rows = 0.0
            self._ensure_thread()

    def end(self, limit_seconds: float) -> bool:
        """Write all that there is and stop. False if that took too long; it may still come to an end."""
        with self._lock:
            buffer.on = False
            self._asked = None
            self._profile.stop()
            self._next_rows = 0.0
            done = self.flush(limit_seconds)
            self._next_rows = inf
            self.runtime.stop()
            thread, self._thread = self._thread, None
            self._force = True  # for what another thread was just about to add
            self._stop.set()
            self._be_quick()
        if thread is not None:
            thread.join(limit_seconds)
        return done

    def flush(self, limit_seconds: float) -> bool:
        """Have all that there is written; False if that took too long, or could not be."""
        if self.settings is None:
            return True
        wanted = self._begun + 1
        deadline = monotonic() + limit_seconds
        while self._written < wanted and monotonic() < deadline:
            self._force = True  # again and again: the writer clears it without a lock
            if not self._alive() and not self._take_turn():
                return False
            self._be_quick()
            sleep(_STEP_SECONDS)
        return self._written >= wanted and not self._writing.waiting

    def last_words(self, limit_seconds: float) -> None:
        """The process ends: the profile and all samples are written; what comes later is written at once."""
        if self.settings is None:
            return
        self._profile.stop()
        if self._asked is not None:
            self._next_rows = 0.0
        self.flush(limit_seconds)
        if buffer.on:
            buffer.samples = _Direct(self, buffer.samples)

    def health(self) -> Health:
        settings = self.settings
        return Health(
            on=buffer.on,
            directory="" if settings is None else str(settings.directory),
            pid=os.getpid(),
            written=self._writing.durations.written,
            waiting=len(buffer.samples) // VALUES + self._writing.waiting,
            lost=self._lost + self._writing.durations_lost,
            removed=self._writing.durations.removed,
            rejected=buffer.rejected,
            rows_written=self._writing.rows.written,
            rows_lost=self._writing.rows_lost + self._writing.rows.removed,
            files=self._writing.durations.files + self._writing.rows.files,
            errors=self._errors,
            last_error=self._last_error,
        )

    # The buffer is full, or nearly.

    def make_room(self) -> bool:
        """Called by a thread that is about to add a sample. False: no room, and the sample is lost."""
        if self._thread is None:
            self._ensure_thread()
        if len(buffer.samples) < self._limit:
            buffer.threshold = self._limit
            self._be_quick()
            return True
        if not self._stalled and self._wait_for_room():
            return True
        with self._lost_lock:
            self._lost += 1
        return False

    def _wait_for_room(self) -> bool:
        if threading.current_thread() is self._thread:  # a destructor that the writer's own garbage ran
            return len(buffer.samples) < 2 * self._limit
        deadline = monotonic() + FULL_SECONDS
        looks = 0
        while len(buffer.samples) >= self._limit:
            if not self._alive():
                self._take_turn()
            looks += 1
            if looks > FEWEST_LOOKS and monotonic() > deadline:
                self._stalled = True
                return False
            self._be_quick()
            sleep(_STEP_SECONDS)
        return True

    def _be_quick(self) -> None:
        with suppress(RuntimeError):  # it is awake, or about to be
            self._wake.release()

    # The thread that writes.

    def _alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._alive() or self.settings is None:
                return
            self._stop = threading.Event()
            try:
                thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="stem-telemetry", daemon=True
                )
                thread.start()
            except RuntimeError as error:  # no more threads, or none in a subinterpreter: callers write
                self._failed(error)
            else:
                self._thread = thread

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            seconds = self._seconds_to_wait()
            due = monotonic() + seconds
            if not self._wake.acquire(timeout=seconds):
                self._lag = max(self._lag or 0.0, monotonic() - due)
            if not self._take_turn():  # a caller has it, or a thread before this one that a disk holds up
                sleep(_NO_TURN_SECONDS)
        self._take_turn()
        with self._turn_lock:
            if self._thread is None:
                self._writing.close()

    def _seconds_to_wait(self) -> float:
        return max(0.0, min(self._next_flush, self._next_look, self._next_rows) - monotonic())

    def _take_turn(self) -> bool:
        """Whatever fails in it is counted, and the next turn comes. False if another thread has its turn."""
        if not self._turn_lock.acquire(blocking=False):
            return False
        try:
            self._turn()
        except Exception as error:  # noqa: BLE001 - the program that is watched goes on
            self._failed(error)
        finally:
            self._turn_lock.release()
        return True

    def _turn(self) -> None:
        self._begun += 1
        forced, self._force = self._force, False
        now = monotonic()
        if now >= self._next_look:
            self._next_look = now + SECOND
            self._obey()
        settings = self.settings
        if settings is None:
            return
        if now >= self._next_rows:
            self._next_rows = now + SECOND
            if settings.runtime and settings.telemetry:
                lag, self._lag = self._lag, None
                self._writing.add_rows(self.runtime.rows(lag))
        if forced or now >= self._next_flush or len(buffer.samples) >= self._wake_at:
            self._next_flush = now + settings.flush_seconds
            self._write(settings)
            self._written = self._begun

    def _write(self, settings: Settings) -> None:
        try:
            self._writing.write(settings, self._lost + self._writing.durations_lost)
        except OSError as error:
            self._failed(error)
        self._set_limits(settings)
        self._stalled = len(buffer.samples) >= self._limit

    def _failed(self, error: BaseException) -> None:
        text = f"{type(error).__name__}: {error}"
        if text != self._last_error:
            _log.warning("telemetry: %s", text)
        self._errors += 1
        self._last_error = text

    # Settings.

    def _obey(self) -> None:
        """Look at the control files; not while the program itself starts or stops."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._asked is not None and (wanted := self._controlled(self._asked)) is not None:
                self._set(wanted, this_thread=False)
        finally:
            self._lock.release()

    def _controlled(self, settings: Settings) -> Settings | None:
        """None where a control file makes no sense: all stays as it was."""
        try:
            return controlled(settings, os.getpid())
        except TelemetryError as error:
            self._failed(error)
            return None

    def _set(self, settings: Settings, *, this_thread: bool) -> None:
        before, self.settings = self.settings, settings
        if before is None or before.flush_seconds != settings.flush_seconds:
            self._next_flush = 0.0
        self._set_limits(settings)
        buffer.make_room = self.make_room
        if settings.telemetry and settings.runtime:
            self.runtime.start()
        else:
            self.runtime.stop()
        self._profile.switch(settings, this_thread=this_thread)
        buffer.on = settings.telemetry

    def _set_limits(self, settings: Settings) -> None:
        """Half of the memory is for samples; the rest is room for the rows that are made of them."""
        a_sample = SAMPLE_BYTES + self._writing.label_bytes
        self._limit = max(1, settings.memory_bytes // 2 // a_sample) * VALUES
        self._wake_at = min(self._limit, max(1, settings.flush_bytes // a_sample) * VALUES)
        buffer.threshold = self._wake_at

    # After a fork.

    def begin_in_child(self) -> None:
        """The parent's samples, files and counts are the parent's; this process begins its own."""
        self._profile.abandon()
        self._writing.forget()
        self.runtime.begin_in_child()
        buffer.samples = []
        buffer.rejected = 0
        self._reset()
        if self.settings is None or self._asked is None:
            return
        self._set(self.settings, this_thread=True)
        buffer.threshold = 0
        self._next_rows = monotonic() + SECOND
        self._ensure_thread()


class _Direct(list[int | str]):
    """The buffer of a process that ends: every sample is written at once, as no later moment is sure."""

    def __init__(self, session: Session, samples: list[int | str]) -> None:
        super().__init__(samples)
        self._session = session

    def extend(self, values: object) -> None:
        super().extend(values)  # type: ignore[arg-type]
        self._session.flush(FULL_SECONDS)

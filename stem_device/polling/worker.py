"""One target: its jobs one after the other, and what came of them since the last poll."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from stem_device.errors import (
    ReplyError,
    StemError,
    TargetError,
    TargetFailingError,
    TargetUnsupportedError,
)
from stem_device.model.clock import Clock
from stem_device.polling.client import Endpoints
from stem_device.polling.identity import Process
from stem_device.polling.reading_replies import Read, Turns
from stem_device.polling.sampling import Sampling, owner_after_switching_on
from stem_device.responses import MAX_REPLY_BYTES
from stem_device.responses.limits import KEPT_CHARACTERS

logger = logging.getLogger(__name__)


class Client(Protocol):
    """What a worker needs of :class:`stem_device.polling.client.TargetClient`."""

    @property
    def process(self) -> Process | None: ...
    @property
    def asks_database(self) -> bool: ...
    def query(self) -> str: ...
    def switch_sampling(self, on: bool) -> None: ...
    def endpoints(self) -> Endpoints: ...
    def tango_version(self) -> str: ...


class Outcome(Struct, frozen=True):
    """What came of one query. ``poll`` is the number of the poll, 0 for a query in between.

    There is a ``text``, or an ``error``; both, with the text cut, for a reply that was too long to look at.
    ``read`` is what came of a text that was large, in ``read_seconds``; others are not read yet.
    ``process`` is the one that answered, be it with an error; None if none did.
    """

    poll: int
    asked_utc_ns: int
    asked_monotonic_ns: int
    answered_monotonic_ns: int
    text: str | None = None
    error: StemError | None = None
    tango_version: str = ""
    process: Process | None = None
    read: Read | None = None
    read_seconds: float = 0.0


class Worker:
    """The jobs of one target run one at a time, on whatever thread is free, in the order they were given.

    ``give`` returns whether the caller must have :meth:`run` called by a thread.
    """

    def __init__(self, target: str, client: Client, clock: Clock, turns: Turns | None = None) -> None:
        """``turns`` are shared by all workers of a poller."""
        self.target = target
        self._turns = turns or Turns()
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: deque[Callable[[], None]] = deque()
        self._running = False
        self._outcomes: list[Outcome] = []
        self._asked_poll = 0
        self._answered_poll = 0
        self.sampling_ours = False
        self.sampling_problem = ""
        self.sampling_impossible = False
        self.endpoints: tuple[Process, Endpoints] | None = None
        """Where the process publishes that was asked last, and which that was."""
        self.endpoints_impossible = False
        """The process has no command that tells where it publishes: to ask in every poll would be in vain."""
        self.late = False
        """The poll before this was not answered in time, so that nobody waits for this one."""
        self.suspect = False
        """Its last reply was large and could not be used."""
        self.reads_characters = 0
        """The length of the large reply that is being read now."""

    @property
    def asks_database(self) -> bool:
        """Whether what is under way waits for the database, and not for the server."""
        return self._client.asks_database

    @property
    def is_asked(self) -> bool:
        """Whether a poll's query is still under way or waiting."""
        return self._asked_poll != self._answered_poll

    def ask(self, poll: int, done: Callable[[], None]) -> bool:
        """Ask for poll number ``poll``; ``done`` is called when it has been answered, whatever the answer."""
        self._asked_poll = poll
        return self._give(lambda: self._query(poll, done))

    def ask_between(self) -> bool:
        """Ask between two polls, to empty the sample buffers; not while anything is under way."""
        with self._lock:
            if self._running:
                return False
        return self._give(lambda: self._query(0, None))

    def switch_sampling(self, on: bool, seen: Sampling) -> bool:
        """Switch sampling, given what the last reply told of it."""
        return self._give(lambda: self._switch(on, seen))

    def ask_endpoints(self) -> bool:
        """Ask where the process publishes."""
        return self._give(self._ask_endpoints)

    def release_sampling(self, done: Callable[[], None]) -> bool:
        """Switch sampling off if it is on only because of this monitor; ``done`` is called in any case."""

        def release() -> None:
            if self.sampling_ours:
                self._switch(on=False, seen=Sampling.ON)
            done()

        return self._give(release)

    def run(self) -> None:
        """Do all jobs there are; called by a thread of the pool."""
        while True:
            with self._lock:
                if not self._jobs:
                    self._running = False
                    return
                job = self._jobs.popleft()
            job()

    def collect(self) -> tuple[Outcome, ...]:
        """What came in since the last call, oldest first."""
        with self._lock:
            outcomes, self._outcomes = tuple(self._outcomes), []
        return outcomes

    def _give(self, job: Callable[[], None]) -> bool:
        with self._lock:
            self._jobs.append(job)
            if self._running:
                return False
            self._running = True
            return True

    def _query(self, poll: int, done: Callable[[], None] | None) -> None:
        with self._turns.to_ask(suspect=self.suspect):
            outcome = self._outcome(poll)
        with self._lock:
            self._outcomes.append(outcome)
            self._answered_poll = poll or self._answered_poll
        if done is not None:
            done()

    def _outcome(self, poll: int) -> Outcome:
        asked_utc, asked = self._clock.utc_ns(), self._clock.monotonic_ns()
        text, error, version = self._attempt()
        answered = self._clock.monotonic_ns()
        read = None if text is None or error is not None else self._read(text)
        return Outcome(
            poll=poll,
            asked_utc_ns=asked_utc,
            asked_monotonic_ns=asked,
            answered_monotonic_ns=answered,
            text=text if read is None else read.text,
            error=error if read is None else read.error,
            tango_version=version,
            process=self._client.process,
            read=read,
            read_seconds=0.0 if read is None else (self._clock.monotonic_ns() - answered) / 1e9,
        )

    def _read(self, text: str) -> Read | None:
        self.reads_characters = len(text)
        try:
            read = self._turns.read(text, suspect=self.suspect)
        finally:
            self.reads_characters = 0
        self.suspect = read is not None and read.error is not None
        return read

    def _attempt(self) -> tuple[str | None, StemError | None, str]:
        try:
            text, version = self._client.query(), self._client.tango_version()
        except TargetUnsupportedError as error:
            return None, error, error.tango_version
        except TargetError as error:
            return None, error, ""
        except Exception as error:  # a task boundary: the failure of one target stays that of this target
            logger.exception("Asking %s failed unexpectedly", self.target)
            reason = f"the monitor failed to ask it, {type(error).__name__}: {error}"[:300]
            failure = TargetFailingError(self.target, reason)
            failure.__cause__ = error
            return None, failure, ""
        if len(text) > MAX_REPLY_BYTES:
            reason = f"{len(text)} characters; at most {MAX_REPLY_BYTES} are accepted"
            return text[:KEPT_CHARACTERS], ReplyError("$", reason), version
        return text, None, version

    def _ask_endpoints(self) -> None:
        try:
            endpoints = self._client.endpoints()
        except TargetUnsupportedError:
            self.endpoints_impossible = True
            endpoints = Endpoints()
        except TargetError:
            return  # the next poll says so
        except Exception:  # a task boundary, as above
            logger.exception("Asking %s for its endpoints failed unexpectedly", self.target)
            return
        process = self._client.process
        if process is not None:
            self.endpoints = (process, endpoints)

    def _switch(self, on: bool, seen: Sampling) -> None:
        try:
            self._client.switch_sampling(on)
        except TargetUnsupportedError:
            self.sampling_impossible = True
            self.sampling_problem = "it has no command to switch sampling on; its event timing is not known"
            return
        except TargetError as error:
            self.sampling_problem = f"sampling could not be switched {'on' if on else 'off'}: {error.reason}"
            return
        except Exception as error:  # a task boundary, as above
            logger.exception("Switching the sampling of %s failed unexpectedly", self.target)
            self.sampling_problem = f"sampling could not be switched {'on' if on else 'off'}: {error}"[:300]
            return
        self.sampling_problem = ""
        self.sampling_ours = on and owner_after_switching_on(seen, ours=self.sampling_ours)

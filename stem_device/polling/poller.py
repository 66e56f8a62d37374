"""The poller: has every source say what it knows, and makes one Poll of it."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import tango
from msgspec import structs

from stem_device.model.clock import Clock
from stem_device.model.options import PollingOptions
from stem_device.model.options.polling import TAP_NEVER
from stem_device.model.poll import Failure, Poll, PollPhases, ServerState
from stem_device.polling.client import Connect
from stem_device.polling.directory import Directory
from stem_device.polling.query_source import QuerySource
from stem_device.polling.source import Answers, PollStart, Source, joined
from stem_device.polling.tap_source import TapSource
from stem_device.text import visible

MAX_REASON = 300
"""Characters of what a source that failed has to say."""

logger = logging.getLogger(__name__)


class Poller:
    """Collects from the query of all targets, and from what was added, whenever ``poll`` is called.

    ``poll`` is for one thread; the other methods are safe from any. ``connect`` and ``directory``: see
    :class:`.query_source.QuerySource`, which is made here, so construct it on the main thread of a process.
    """

    def __init__(
        self,
        options: PollingOptions,
        *,
        clock: Clock,
        connect: Connect | None = None,
        directory: Directory | None = None,
        thread_context: Callable[[], AbstractContextManager[object]] = tango.EnsureOmniThread,
    ) -> None:
        self._clock = clock
        self._query = QuerySource(
            options, clock=clock, connect=connect, directory=directory, thread_context=thread_context
        )
        self._adding = threading.Lock()
        tap = (TapSource(options, clock=clock),) if options.tap_publishers != TAP_NEVER else ()
        self._sources: tuple[Source, ...] = (self._query, *tap)
        self._last: dict[str, Answers] = {}
        self._number = 0

    @property
    def poll_period(self) -> float:
        """Seconds."""
        return self._query.poll_period

    @poll_period.setter
    def poll_period(self, seconds: float) -> None:
        self._query.poll_period = seconds

    @property
    def poll_limit_seconds(self) -> float:
        """How long a poll waits for targets."""
        return self._query.poll_limit_seconds

    def add_source(self, source: Source) -> None:
        """Collect from this one too, from the next poll on. It is closed with the poller."""
        with self._adding:
            self._sources = (*self._sources, source)

    def poll(self, overruns_total: int = 0, *, spare: bool = True) -> Poll:
        """Collect from all sources now; if ``spare``, but from servers whose answers take too long.

        Blocks until all targets have answered, or for ``poll_limit_seconds``.
        The first poll after the targets were set waits as long again for them to be looked up.
        A target that fails is a state of that target; nothing is raised for it, nor for a source that fails.
        """
        begun = self._clock.monotonic_ns()
        self._query.take_up_targets()
        self._number += 1
        start = PollStart(self._number, self._clock.utc_ns(), self._clock.monotonic_ns(), spare)
        each: list[Answers] = []
        for source in self._sources:
            each.append(self._collected(source, structs.replace(start, known=joined(each))))
        self._query.note_others([answer for answers in each[1:] for answer in answers.answers])
        return Poll(
            number=start.number,
            started_utc_ns=start.started_utc_ns,
            started_monotonic_ns=start.started_monotonic_ns,
            duration_seconds=(self._clock.monotonic_ns() - start.started_monotonic_ns) / 1e9,
            spread_seconds=max(answers.spread_seconds for answers in each),
            overruns_total=overruns_total,
            answers=joined(each),
            problems=tuple(problem for answers in each for problem in answers.problems),
            phases=PollPhases(
                resolve_seconds=(start.started_monotonic_ns - begun) / 1e9,
                ask_seconds=sum(answers.ask_seconds for answers in each),
                parse_seconds=sum(answers.parse_seconds for answers in each),
            ),
        )

    def set_targets(self, targets: tuple[str, ...]) -> None:
        """Ask these from the next poll on."""
        self._query.set_targets(targets)

    def set_sampling(self, on: bool) -> None:
        """Sample event timing at every target that can, from now on, or no longer."""
        self._query.set_sampling(on)

    def close(self) -> None:
        """Close all sources. For good."""
        for source in self._sources:
            try:
                source.close()
            except Exception:
                logger.exception("The source %s could not be closed", source.name)

    def _collected(self, source: Source, start: PollStart) -> Answers:
        """What the source says; where it fails, its servers are failing, so that their accounts go on."""
        begun = self._clock.monotonic_ns()
        try:
            answers = source.collect(start)
        except Exception as error:
            logger.exception("The source %s failed", source.name)
            told = visible(str(error))[:MAX_REASON]
            reason = f"the source {source.name} failed: {type(error).__name__}: {told}"
            answers = _failing(self._last.get(source.name, Answers()), reason, start)
        self._last[source.name] = answers
        if math.isnan(answers.ask_seconds):
            seconds = (self._clock.monotonic_ns() - begun) / 1e9
            return structs.replace(answers, ask_seconds=max(0.0, seconds - answers.parse_seconds))
        return answers


def _failing(last: Answers, reason: str, start: PollStart) -> Answers:
    """The servers of before, none of them with a reply."""
    return Answers(
        answers=tuple(
            structs.replace(
                answer,
                state=ServerState.FAILING,
                failure=Failure.ERROR,
                reason=reason,
                since_utc_ns=answer.since_utc_ns
                if answer.state is ServerState.FAILING
                else start.started_utc_ns,
                reply=None,
                texts=(),
                queries=0,
            )
            for answer in last.answers
        ),
        problems=(reason,),
    )

"""All that is kept about one target from poll to poll."""

from __future__ import annotations

from collections.abc import Sequence

from stem_device.errors import (
    ImplausibleError,
    StemError,
    TargetDatabaseError,
    TargetFailingError,
    TargetNotExportedError,
    TargetSilentError,
    TargetUnreachableError,
    TargetUnsupportedError,
)
from stem_device.model.poll import Answer
from stem_device.polling.answers import Collected, parse_outcomes
from stem_device.polling.identity import Lives
from stem_device.polling.names import host_of
from stem_device.polling.plausibility import Plausibility
from stem_device.polling.sampling import Rate, Sampling, queries_needed, rate_of, sampling_of, switch_needed
from stem_device.polling.sparing import LONGEST_SECONDS, Sparing
from stem_device.polling.standing import Standing
from stem_device.polling.tango_errors import DATABASE_SILENT, hung_reason, still_read_reason
from stem_device.polling.worker import Outcome, Worker
from stem_device.responses import merge_samples

PATIENCE_SECONDS = 30.0
"""For so long a server that went down is asked in every poll."""

REST_SECONDS = 5.0
"""From then on it is asked at most so often."""


SHARE_FOR_UNUSABLE = 0.01
"""Of the time, at most, may be spent on reading large replies of one server that then cannot be used; it is
asked every LONGEST_SECONDS in any case. 200 such servers together would otherwise take all of a processor."""


class Target:
    """A worker, the state it is in, and how often it has to be asked."""

    def __init__(self, worker: Worker, lives: Lives | None = None, sparing: Sparing | None = None) -> None:
        self.worker = worker
        self.followed = False
        """Whether it is asked only because a subscription of another target depends on it."""
        self._standing = Standing(lives)
        self._plausibility = Plausibility()
        self._sparing = sparing or Sparing(1.0)
        self._spared_ns = 0
        self.asked_every = 1
        """At every how manieth poll it is asked."""
        self._sampling = Sampling.UNKNOWN
        self._tango_version = ""
        self._rate: Rate | None = None
        self._publishes = False
        self.monitored = False
        """Whether it answered the latest poll."""
        self._answers = False
        """Whether it did, or does answer but has no QueryEventSystem."""
        self._error: StemError | None = None
        self._failing_since_ns: int | None = None
        self._asked_ns = 0
        self._resting = False
        self.queries = 1
        """How often to ask from one poll to the next, the poll included."""
        self.first_query_ns: int | None = None
        """When it was asked in the latest poll, if it answered in time."""

    def is_due(self, now_ns: int, *, spare: bool = True) -> bool:
        """Whether to ask in the poll that begins now.

        A server that has been down for PATIENCE_SECONDS is asked only every REST_SECONDS, since every attempt
        to connect costs its database several queries; one whose answers take long, or are large and cannot be
        used, is spared if ``spare``.
        """
        down_ns = 0 if self._failing_since_ns is None else now_ns - self._failing_since_ns
        since_ns = now_ns - self._asked_ns
        is_down = down_ns > PATIENCE_SECONDS * 1e9 and since_ns < REST_SECONDS * 1e9
        may_be_spared = spare and (self.monitored or self.worker.late or self.worker.suspect)
        self._resting = is_down or (may_be_spared and since_ns < self._spared_ns)
        if not self._resting:
            self._asked_ns = now_ns
        return not self._resting

    def answer(
        self, poll: int, *, limit_seconds: float, period_seconds: float, limit: int, now_utc_ns: int
    ) -> Answer:
        """The Answer of poll number ``poll``, from what has come in since the last one."""
        outcomes = self.worker.collect()
        in_time = next((outcome for outcome in outcomes if outcome.poll == poll), None)
        collected = parse_outcomes(outcomes)
        if not self._resting:
            # Nobody waits for what is probably of no use.
            self.worker.late = in_time is None or self.worker.suspect
        error = self._error_of(collected, limit_seconds, now_utc_ns)
        self._note(error, now_utc_ns)
        answered = in_time is not None and error is None
        self.first_query_ns = in_time.asked_monotonic_ns if answered and in_time is not None else None
        self.monitored = error is None
        self._answers = self.monitored or isinstance(error, TargetUnsupportedError)
        if not self.monitored:
            self.worker.sampling_impossible, self.worker.sampling_problem = False, ""
            self.worker.endpoints_impossible = False
        self._plan(collected, period_seconds, limit)
        return self._answer(collected)

    def _error_of(self, collected: Collected, limit_seconds: float, now_utc_ns: int) -> StemError | None:
        """Why there is no reply that can be used; None if there is one. Takes note of who answered."""
        asked = [outcome for outcome in collected.outcomes if outcome.poll]
        for outcome in collected.outcomes:
            if outcome.process is not None and self._standing.note_process(outcome.process, now_utc_ns):
                self._plausibility.forget()
                self.worker.endpoints_impossible = False
                self._sparing.forget()
        if not asked:
            return self._error if self._resting else self._late(limit_seconds)
        if collected.error is not None:
            return collected.error
        if not collected.replies:
            return TargetFailingError(
                self.worker.target, "was asked, but there is neither a reply nor an error"
            )
        outcome, reply = collected.replies[-1]
        try:
            self._plausibility.check(reply, outcome.asked_monotonic_ns)
        except ImplausibleError as error:
            return ImplausibleError(error.counter, error.reason)
        return None

    def _late(self, limit_seconds: float) -> StemError:
        """What is wrong where no answer has come yet, or it has not been read."""
        if self.worker.suspect and self._error is not None:
            return self._error
        if characters := self.worker.reads_characters:
            return TargetSilentError(self.worker.target, still_read_reason(characters))
        if self.worker.asks_database:
            return TargetDatabaseError(host_of(self.worker.target), DATABASE_SILENT)
        return TargetSilentError(self.worker.target, hung_reason(limit_seconds))

    def _answer(self, collected: Collected) -> Answer:
        """The Answer of one poll, all that it says having been noted."""
        standing, condition = self._standing, self._standing.condition
        if self.worker.endpoints is not None:
            standing.note_endpoints(*self.worker.endpoints)
        replied = self.monitored and bool(collected.replies)
        outcome = collected.replies[-1][0] if replied else collected.last
        if outcome is not None:
            self._tango_version = outcome.tango_version or self._tango_version
        if replied:
            self._sampling = sampling_of(collected.replies[-1][1])
        elif not self.monitored:
            self._sampling = Sampling.UNKNOWN
        return Answer(
            server=self.worker.target,
            state=condition.state,
            reason=condition.reason,
            since_utc_ns=condition.since_utc_ns,
            tango_version=self._tango_version,
            reply=merge_samples([reply for _, reply in collected.replies]) if replied else None,
            texts=collected.texts,
            queries=len(collected.outcomes),
            sampling=self._sampling in (Sampling.ON, Sampling.PARTLY),
            sampling_ours=self.worker.sampling_ours,
            asked_utc_ns=outcome.asked_utc_ns if outcome is not None else 0,
            asked_monotonic_ns=outcome.asked_monotonic_ns if outcome is not None else 0,
            answered_monotonic_ns=outcome.answered_monotonic_ns if outcome is not None else 0,
            failure=condition.failure,
            identity=standing.identity,
            ended=standing.ended,
            followed=self.followed,
            event_endpoints=standing.endpoints.events,
            heartbeat_endpoints=standing.endpoints.heartbeats,
            asked_every=self.asked_every,
        )

    def ask_endpoints(self, *, tap: bool = False) -> bool:
        """Give the worker the job to ask where the server publishes, if it does and that is not known yet.

        Whether a server does that cannot be asked nobody knows: where it may be tapped, it is asked until it
        tells. Returns whether the worker must be run.
        """
        return (
            ((self.monitored and self._publishes) or (tap and self._answers))
            and not self._standing.endpoints.events
            and not self.worker.endpoints_impossible
            and self.worker.ask_endpoints()
        )

    def switch_sampling(self, *, wanted: bool) -> bool:
        """Give the worker the job to switch sampling if the latest reply shows that it is needed.

        Returns whether the worker must be run. A server that does not answer is left alone until it does.
        """
        worker = self.worker
        if self.followed or self._resting or not self.monitored or (wanted and worker.sampling_impossible):
            return False
        seen = self._sampling
        switch = switch_needed(seen, wanted=wanted, ours=worker.sampling_ours)
        return switch is not None and worker.switch_sampling(switch, seen)

    def _note(self, error: StemError | None, now_utc_ns: int) -> None:
        self._error = error
        self._standing.note(error, now_utc_ns, asked=not self._resting)
        if not isinstance(error, TargetUnreachableError | TargetNotExportedError):
            self._failing_since_ns = None
        elif self._failing_since_ns is None:
            self._failing_since_ns = self._asked_ns

    def _plan(self, collected: Collected, period_seconds: float, limit: int) -> None:
        """When to ask next, and how often until then. Only a server that samples is asked more than once."""
        self.queries = 1
        if not self.monitored:
            self._rate = None
            if self.worker.suspect and collected.last is not None:
                seconds = min(collected.last.read_seconds / SHARE_FOR_UNUSABLE, LONGEST_SECONDS)
                self._spared_ns = round(seconds * 1e9)
            return
        if not collected.replies:
            return
        self._sparing.note(_seconds(outcome) for outcome, _ in collected.replies)
        self.asked_every = self._sparing.polls(period_seconds)
        # Half a period less: polls do not come to the nanosecond.
        self._spared_ns = (
            round((self.asked_every - 0.5) * period_seconds * 1e9) if self.asked_every > 1 else 0
        )
        outcome, reply = collected.replies[-1]
        self._publishes = reply.server is not None and bool(reply.server.event_counters)
        before, self._rate = self._rate, rate_of(reply, outcome.asked_monotonic_ns)
        if self._sampling in (Sampling.ON, Sampling.PARTLY) and not self.followed:
            replies = [reply for _, reply in collected.replies]
            limit = min(limit, self._sparing.queries(period_seconds))
            self.queries = queries_needed(
                before, self._rate, replies, period_seconds=period_seconds, limit=limit
            )


def _seconds(outcome: Outcome) -> float:
    return (outcome.answered_monotonic_ns - outcome.asked_monotonic_ns) / 1e9


def spread_seconds(targets: Sequence[Target]) -> float:
    """Between the first and the last request to targets that answered in time; 0 for fewer than two."""
    asked = [target.first_query_ns for target in targets if target.first_query_ns is not None]
    return (max(asked) - min(asked)) / 1e9 if asked else 0.0

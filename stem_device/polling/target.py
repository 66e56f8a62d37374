"""All that is kept about one target from poll to poll."""

from __future__ import annotations

from collections.abc import Sequence

from stem_device.errors import StemError, TargetNotExportedError, TargetUnreachableError
from stem_device.model.poll import Answer, ServerState
from stem_device.polling.answers import Collected, Standing, parse_outcomes
from stem_device.polling.reasons import hung_reason
from stem_device.polling.sampling import Rate, Sampling, queries_needed, rate_of, switch_needed
from stem_device.polling.worker import Worker

PATIENCE_SECONDS = 30.0
"""For so long a server that went down is asked in every poll."""

REST_SECONDS = 5.0
"""From then on it is asked at most so often."""


class Target:
    """A worker, the state it is in, and how often it has to be asked."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._standing = Standing(worker.target)
        self._rate: Rate | None = None
        self.monitored = False
        """Whether it answered the latest poll."""
        self._error: StemError | None = None
        self._failing_since_ns: int | None = None
        self._asked_ns = 0
        self._resting = False
        self.queries = 1
        """How often to ask from one poll to the next, the poll included."""
        self.first_query_ns: int | None = None
        """When it was asked in the latest poll, if it answered in time."""

    def is_due(self, now_ns: int) -> bool:
        """Whether to ask in the poll that begins now.

        A server that has been down for PATIENCE_SECONDS is asked only every REST_SECONDS, since every attempt
        to connect costs its database several queries.
        """
        down_ns = 0 if self._failing_since_ns is None else now_ns - self._failing_since_ns
        self._resting = down_ns > PATIENCE_SECONDS * 1e9 and now_ns - self._asked_ns < REST_SECONDS * 1e9
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
        error = collected.error
        if not self._resting:
            self.worker.late = in_time is None
        if not any(outcome.poll for outcome in outcomes):
            late = TargetUnreachableError(self.worker.target, hung_reason(limit_seconds))
            error = self._error if self._resting and self._error is not None else late
        self._note(error)
        answered = in_time is not None and error is None
        self.first_query_ns = in_time.asked_monotonic_ns if answered and in_time is not None else None
        answer = self._standing.answer(
            collected, error, ours=self.worker.sampling_ours, now_utc_ns=now_utc_ns
        )
        self.monitored = answer.state is ServerState.MONITORED
        if not self.monitored:
            self.worker.sampling_impossible, self.worker.sampling_problem = False, ""
        self._plan(collected, period_seconds, limit)
        return answer

    def switch_sampling(self, *, wanted: bool) -> bool:
        """Give the worker the job to switch sampling if the latest reply shows that it is needed.

        Returns whether the worker must be run. A server that does not answer is left alone until it does.
        """
        worker = self.worker
        if not self.monitored or (wanted and worker.sampling_impossible):
            return False
        seen = self._standing.sampling
        switch = switch_needed(seen, wanted=wanted, ours=worker.sampling_ours)
        return switch is not None and worker.switch_sampling(switch, seen)

    def _note(self, error: StemError | None) -> None:
        self._error = error
        if not isinstance(error, TargetUnreachableError | TargetNotExportedError):
            self._failing_since_ns = None
        elif self._failing_since_ns is None:
            self._failing_since_ns = self._asked_ns

    def _plan(self, collected: Collected, period_seconds: float, limit: int) -> None:
        """How often to ask until the next poll. Only a server that samples is asked more than once."""
        self.queries = 1
        if not self.monitored:
            self._rate = None
            return
        outcome, reply = collected.replies[-1]
        before, self._rate = self._rate, rate_of(reply, outcome.asked_monotonic_ns)
        if self._standing.sampling in (Sampling.ON, Sampling.PARTLY):
            replies = [reply for _, reply in collected.replies]
            self.queries = queries_needed(
                before, self._rate, replies, period_seconds=period_seconds, limit=limit
            )


def spread_seconds(targets: Sequence[Target]) -> float:
    """Between the first and the last request to targets that answered in time; 0 for fewer than two."""
    asked = [target.first_query_ns for target in targets if target.first_query_ns is not None]
    return (max(asked) - min(asked)) / 1e9 if asked else 0.0

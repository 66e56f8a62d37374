"""One client in the monitor: the processes that have reported under its name, and what the latest said."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import structs

from stem_device.errors import ClientReportError, ImplausibleError, ReplyError
from stem_device.model.client_report import ClientReport
from stem_device.model.poll import Answer, Failure, ServerState
from stem_device.model.reply import Reply
from stem_device.polling.identity import Lives, Process
from stem_device.polling.plausibility import Plausibility
from stem_device.polling.sampling import Sampling, sampling_of
from stem_device.responses import merge_samples, parse_reply
from stem_device.responses.limits import KEPT_CHARACTERS

PERIODS_MISSED = 3
SHORTEST_SILENCE_SECONDS = 5.0
"""A client is silent once it has missed so many reports, and for no less than this."""

WAITING_REPORTS = 8
"""Reports that wait for a poll at most, for their samples; the counters of the last contain those before."""

SHORTEST_REPORTS_SECONDS = 0.05
"""Between two reports of a process: half of what one may be asked for, less the jitter of a network."""

DEVICE_SERVER = (
    "the process is a device server, which is asked by itself; add it to TargetDevices, and do not watch it"
)
ENDED = "it has ended"


class Client:
    """Not for several threads at once. ``taken_ns`` is when its latest report was taken, monotonic."""

    def __init__(self, server: str, report: ClientReport) -> None:
        self.server = server
        self.name, self.host = report.name, report.host
        self.taken_ns = 0
        self.ended = False
        self._lives = Lives()
        self._process = Process("")
        self._plausibility = Plausibility()
        self._report = report
        self._number = 0
        self._asked_ns = 0
        self._replies: list[tuple[Reply, str]] = []
        self._error: tuple[Failure, str] | None = None
        self._condition: tuple[ServerState, Failure] = (ServerState.MONITORED, Failure.NONE)
        self._since_utc_ns = 0
        self._sampling = False

    def is_of(self, report: ClientReport) -> bool:
        """Whether this process has reported before."""
        return self._process == _process_of(report)

    def is_silent(self, now_ns: int) -> bool:
        seconds = max(PERIODS_MISSED * self._report.period_seconds, SHORTEST_SILENCE_SECONDS)
        return now_ns - self.taken_ns > seconds * 1e9

    def gone_ns(self, now_ns: int) -> int:
        """Since when it does not report any more, in nanoseconds; 0 while it does."""
        return max(1, now_ns - self.taken_ns) if self.ended or self.is_silent(now_ns) else 0

    def take(self, report: ClientReport, now_ns: int, now_utc_ns: int) -> None:
        """Raises ClientReportError for one that cannot be used; the client is failing then."""
        if self.is_of(report):
            if report.number <= self._number:
                raise ClientReportError("$.number", f"{report.number} is no later than {self._number}")
            if now_ns - self.taken_ns < SHORTEST_REPORTS_SECONDS * 1e9 and not report.ended:
                raise ClientReportError("$", f"less than {SHORTEST_REPORTS_SECONDS} s after the one before")
        asked_ns = self._asked_at(report, now_ns)
        if self._lives.note(_process_of(report), now_utc_ns):
            self._process = _process_of(report)
            self._plausibility = Plausibility()
            self._replies.clear()
        self._report, self._number, self.taken_ns = report, report.number, now_ns
        self.ended = report.ended
        if report.texts:
            self._read(report, asked_ns)

    def _asked_at(self, report: ClientReport, now_ns: int) -> int:
        """When the client asked itself, by the clock of this machine, and no later than it did.

        It was after its last report was taken, and so long after that as it says. How long this one was
        under way nobody knows.
        """
        latest = now_ns - round(report.age_seconds * 1e9)
        if not self.is_of(report) or report.answered != self._number:
            return latest
        return min(latest, self.taken_ns + round(report.since_answer_seconds * 1e9))

    def _read(self, report: ClientReport, asked_ns: int) -> None:
        try:
            replies = [parse_reply(text) for text in report.texts]
            _refuse_device_servers(replies)
            self._plausibility.check(merge_samples(replies), asked_ns)
        except ReplyError as error:
            self._error = Failure.REPLY, f"its report cannot be used: {error.reason} (at {error.key})"
            raise ClientReportError(f"$.texts: {error.key}", error.reason) from error
        except ImplausibleError as error:
            self._error = Failure.IMPLAUSIBLE, f"its counters cannot be true: {error}"
            raise ClientReportError(f"$.texts: {error.counter}", error.reason) from error
        self._error, self._asked_ns = None, asked_ns
        self._replies += zip(replies, report.texts, strict=True)
        del self._replies[: -WAITING_REPORTS * len(replies)]

    def answer(self, now_ns: int, now_utc_ns: int, comparable_ns: int) -> Answer:
        """What is known at a poll. A report from before ``comparable_ns`` is left out: see below."""
        replies, self._replies = self._replies, []
        if self._asked_ns < comparable_ns:
            # The publishers' counters that a late answer is compared with may be younger than it is.
            replies = []
        ended = self.ended and not replies  # what its last report says counts first
        state, failure, reason = self._standing(now_ns, now_utc_ns, ended=ended)
        reply = merge_samples([one for one, _ in replies]) if replies else None
        if reply is not None:
            self._sampling = sampling_of(reply) in (Sampling.ON, Sampling.PARTLY)
        if state is not ServerState.MONITORED:
            reply = None
        answer = Answer(
            server=self.server,
            state=state,
            reason=reason,
            since_utc_ns=self._since_utc_ns,
            tango_version=self._report.tango_version,
            sampling=self._sampling,
            sampling_ours=self._report.sampling_ours,
            failure=failure,
            identity=self._lives.identity,
            ended=ended,
        )
        if reply is None:
            return answer
        return structs.replace(
            answer,
            reply=reply,
            texts=tuple(text[:KEPT_CHARACTERS] for _, text in replies),
            queries=len(replies),
            asked_utc_ns=now_utc_ns - (now_ns - self._asked_ns),
            asked_monotonic_ns=self._asked_ns,
            answered_monotonic_ns=self._asked_ns + round(self._report.query_seconds * 1e9),
        )

    def _standing(self, now_ns: int, now_utc_ns: int, *, ended: bool) -> tuple[ServerState, Failure, str]:
        state, failure, reason = ServerState.MONITORED, Failure.NONE, ""
        if ended:
            state, failure, reason = ServerState.NOT_EXPORTED, Failure.NOT_EXPORTED, ENDED
        elif self.is_silent(now_ns):
            state, failure = ServerState.UNREACHABLE, Failure.SILENT
            then = datetime.fromtimestamp((now_utc_ns - (now_ns - self.taken_ns)) // 10**9, UTC)
            reason = (
                f"its last report came at {then:%H:%M:%S} UTC: it was killed, hangs, or does not reach the "
                f"monitor (process {self._report.pid} on {self.host})"
            )
        elif self._error is not None:
            state, (failure, reason) = ServerState.FAILING, self._error
        if (state, failure) != self._condition or not self._since_utc_ns:
            self._condition, self._since_utc_ns = (state, failure), now_utc_ns
        return state, failure, reason


def _refuse_device_servers(replies: list[Reply]) -> None:
    if any(reply.server is not None for reply in replies):
        raise ReplyError("$.server", DEVICE_SERVER)


def _process_of(report: ClientReport) -> Process:
    key = f"{report.name} {report.host} {report.pid} {report.started}"
    return Process(key=key, pid=report.pid, started=report.started)

"""What :func:`stem_device.statistics.summarise` finds. As JSON (``stem stats --json``) it has the same names.

Counts are of events, times of samples in microseconds, rates in events a second; NaN (null in JSON) where
there is nothing to tell. ``docs/reference/statistics.md`` has the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.analysis.facts import Loss
from stem_device.analysis.verdict import Ground
from stem_device.model.finding import Finding
from stem_device.statistics.distribution import Distribution

SCHEMA = "stem-device statistics"
SCHEMA_VERSION = 2
LOSSES_TOLD = 100
"""Losses, and grounds of each kind, in the verdict; the counts contain all."""


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One recording of one monitor. ``seconds`` are between its first and its last poll."""

    id: str
    label: str
    host: str
    first_poll_utc_ns: int
    last_poll_utc_ns: int
    polls: int
    seconds: float
    usual_interval_seconds: float


@dataclass(frozen=True, slots=True)
class Counted:
    """Sums of one stream, one subscription, one server, or all, between the first and the last poll.

    What does not apply is 0 (a server without subscriptions receives nothing), what nobody knows is None:
    what a stream that is not monitored published, what became of a stream whose name several servers share,
    and the last four in recordings of before format 1.2.
    ``loss_share`` is missed / (missed + received). ``missed_at_least`` says that more may have been missed,
    unobserved. ``overdue`` is that of the last poll, of the subscriptions where it is known, None where it
    is of none; ``overdue_unknown`` counts the others. ``worst_overdue`` is the largest sum of any one poll.
    ``unaccounted``: overdue when a life ended, so that nobody can know whether they arrived. Below 0 where
    some did that were given up before the first poll. ``missed_before`` is in no other number; ``unobserved``
    are events that nothing tells of, as far as their number is known.
    """

    published: int | None
    received: int | None
    missed: int | None
    gaps: int | None
    discarded: int | None
    resets: int | None
    published_rate: float
    received_rate: float
    missed_rate: float
    loss_share: float
    missed_at_least: bool
    overdue: int | None
    worst_overdue: int | None
    unaccounted: int | None
    missed_before: int | None
    unobserved: int | None
    overdue_unknown: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the events have a timing sample. ``events`` happened while sampling was on."""

    events: int
    sampled: int
    share: float


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole of it. ``seconds`` are those that polls cover, of all sources.

    ``subscriptions`` counts those that lived in some poll, ``ended`` those that are no more at the end.
    ``followed`` are servers that are no targets: ``counts`` has what they published for monitored
    subscriptions, and they are in no other number here.
    """

    seconds: float
    polls: int
    servers: int
    followed: int
    streams: int
    subscriptions: int
    ended: int
    disconnected: int
    worst_disconnected: int
    counts: Counted
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """One server. ``states`` has the share of the time by state, ``timings`` a Distribution by timing."""

    server: str
    followed: bool
    seconds: float
    streams: int
    subscriptions: int
    disconnected: int
    worst_disconnected: int
    counts: Counted
    coverage: Coverage
    states: dict[str, float]
    timings: dict[str, Distribution]


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """One stream of a publisher."""

    server: str
    stream: str
    counts: Counted


@dataclass(frozen=True, slots=True)
class SubscriptionStatistics:
    """One topic in one subscribing server. ``counts.published`` is that of its stream.

    ``ended``: it was no more in the last poll that tells of it. The topic ``(others)`` has the sums of those
    that ended beyond what is recorded one by one.
    """

    server: str
    topic: str
    stream: str
    publisher: str
    ended: bool
    counts: Counted


@dataclass(frozen=True, slots=True)
class SilentServer:
    """A server that did not answer in some polls; ``state`` and ``reason`` are the last ones."""

    server: str
    polls: int
    silent_polls: int
    silent_seconds: float
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class LongInterval:
    """Two polls that lie further apart than usual; ``polls_missing`` were made but are not in these files."""

    source: int
    begin_utc_ns: int
    end_utc_ns: int
    seconds: float
    polls_missing: int


@dataclass(frozen=True, slots=True)
class UnsampledServer:
    """A server without timing samples for ``unsampled_share`` of the time that it answered.

    ``drained_polls`` are those in which somebody else had taken its samples.
    """

    server: str
    unsampled_share: float
    drained_polls: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source whose rows of a server do not count, because another one covers it longer at the same time."""

    server: str
    source: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with the targets as a whole, and in how many polls it was told."""

    problem: str
    polls: int


@dataclass(frozen=True, slots=True)
class NotCovered:
    """What the numbers do not tell of, the worst first."""

    silent_servers: tuple[SilentServer, ...]
    long_intervals: tuple[LongInterval, ...]
    unsampled_servers: tuple[UnsampledServer, ...]
    left_out: tuple[LeftOut, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """The verdict over all of it: ``level`` (clear, unknown, waiting or lost), and why, in sentences.

    ``losses`` are the worst subscriptions, LOSSES_TOLD at most, ``losers`` how many there are; a loss
    happened after ``since_utc_ns`` and was noticed by ``until_utc_ns``. ``waiting``, ``uncovered`` and
    ``told`` (what makes no difference) are its grounds.
    """

    level: str
    sentence: str
    missed: int
    unaccounted: int
    at_least: bool
    overdue: int
    overdue_unknown: int
    known_subscriptions: int
    losers: int
    losses: tuple[Loss, ...]
    waiting: tuple[Ground, ...]
    uncovered: tuple[Ground, ...]
    told: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class TelemetryStatistics:
    """Measurements under one label, of all ``processes`` together; ``kind`` is duration or runtime."""

    label: str
    kind: str
    processes: int
    values: Distribution


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything. Servers, streams and subscriptions come with the worst first.

    ``findings`` say why subscriptions lost events or waited; empty unless :mod:`.why` was asked.
    ``telemetry`` is of processes, in the recording by stem import: what took most time first.
    """

    schema: str
    version: int
    sources: tuple[SourceSummary, ...]
    totals: Totals
    timings: dict[str, Distribution]
    servers: tuple[ServerStatistics, ...]
    streams: tuple[StreamStatistics, ...]
    subscriptions: tuple[SubscriptionStatistics, ...]
    not_covered: NotCovered
    verdict: RecordedVerdict
    findings: tuple[Finding, ...] = ()
    telemetry: tuple[TelemetryStatistics, ...] = ()

"""The Snapshot: everything that is known after one poll. Complete and immutable.

Totals count from when monitoring began (or the last ``ResetCounters``) and never fall, but for
``unaccounted`` where events arrive after all.
The names ending in ``_total`` are totals; ``_delta`` is what this poll added to them: nothing where the
server did not answer, whose next answer adds what happened meanwhile.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stem_device.model.finding import Finding
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import UNKNOWN_PHASES, Failure, Identity, PollPhases, ServerState, TapFigures
from stem_device.model.reply import NotConnected

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Unseen(enum.IntEnum):
    """Whether a stream has subscribers that are not monitored, as far as its counter tells.

    A counter moves only while somebody is subscribed, and for 600 s after. MAYBE: it moved with no monitored
    subscription, but monitoring began less than 600 s ago. Beside a monitored subscription: NOT_TOLD.
    """

    NOT_TOLD = 0
    MAYBE = 1
    CERTAIN = 2


class Link(enum.StrEnum):
    """What the counter of a subscription belongs to.

    LIVE: the publisher's present life. FRESH: no event has arrived yet. FORMER: the publisher's life ended,
    and no event of a new one has arrived. UNKNOWN: the publisher is not asked, or does not tell.
    """

    LIVE = "live"
    FRESH = "fresh"
    FORMER = "former"
    UNKNOWN = "unknown"


class StreamRecord(Struct, frozen=True, gc=False):
    """One stream of a publisher. ``pushed`` is the length of the present series (counter - 1)."""

    name: str
    pushed: int
    published_total: int
    published_delta: int
    resets_total: int
    unseen: Unseen = Unseen.NOT_TOLD


class SubscriptionRecord(Struct, frozen=True, gc=False):
    """One topic in one subscribing server.

    The first block are cppTango's own counters as they came; the totals follow the accounting rules.
    ``missed_at_least`` says that unobserved events may have been lost besides ``missed_total``.
    ``overdue`` is None where it is not known.
    ``gaps_before`` is what cppTango had noticed before monitoring began.
    ``last_resubscribed`` is ISO 8601 in UTC; None for never.
    ``unaccounted``: overdue when a life ended, so that it can never be known whether they still arrived;
    the delta is negative where they did.
    ``missed_before``: pushed before monitoring began, and found to be lost since; in no total.
    ``unobserved_total``: pushed where nothing can tell whether they arrived, as far as their number is known.
    ``blind_seconds``: for so long nobody counted what was pushed to it, around the beginnings and ends of its
    publisher's lives.
    ``lag_seconds``: how long ago the publisher's counter passed ``server_counter``, interpolated between
    polls; 0 if it has not, None where that is not known.
    ``lost_since_utc_ns``: what was found lost or unaccounted in this poll was lost after this moment;
    None where nothing was.
    ``first_seen_utc_ns`` is when this life of the subscription was first seen.
    ``ended``: the subscription is no more, and its row stays for its losses; the raw counters are its last.
    ``cause`` is a code of :mod:`stem_device.analysis.causes`; empty where nothing is lost or waits.
    """

    topic: str
    stream: str
    publisher: str
    callback_count: int
    server_counter: int
    event_count: int
    missed_event_count: int
    discarded_event_count: int
    last_resubscribed: str | None
    received_total: int
    received_delta: int
    missed_total: int
    missed_delta: int
    missed_at_least: bool
    gaps_total: int
    gaps_delta: int
    gaps_before: int
    discarded_total: int
    resets_total: int
    overdue: int | None
    unaccounted_total: int = 0
    unaccounted_delta: int = 0
    missed_before: int = 0
    unobserved_total: int = 0
    lag_seconds: float | None = None
    lost_since_utc_ns: int | None = None
    first_seen_utc_ns: int = 0
    link: Link = Link.UNKNOWN
    ended: bool = False
    cause: str = ""
    blind_seconds: float = 0.0


class Counts(Struct, frozen=True, gc=False):
    """Sums over subscriptions and streams; those of a server include the ones that have vanished.

    All are totals, but for those that tell how things are now: ``overdue``, ``disconnected`` (subscriptions
    that are being retried), ``overdue_unknown`` (subscriptions whose overdue events are not known) and
    ``unseen_streams`` (streams with subscribers that are not monitored, see :class:`Unseen`).
    ``blind_seconds`` is the sum over all subscriptions.
    ``books_unbalanced`` counts polls of a subscription whose counters contradict each other.
    """

    published: int = 0
    received: int = 0
    missed: int = 0
    gaps: int = 0
    discarded: int = 0
    resets: int = 0
    overdue: int = 0
    disconnected: int = 0
    unaccounted: int = 0
    missed_before: int = 0
    unobserved: int = 0
    books_unbalanced: int = 0
    overdue_unknown: int = 0
    unseen_streams: int = 0
    blind_seconds: float = 0.0

    @property
    def known_overdue(self) -> int | None:
        """The sum of what is known. None where that is 0 and some subscription does not tell: 0 would say
        that there is nothing.
        """
        return None if self.overdue_unknown and not self.overdue else self.overdue


NONE_DEPARTED = Counts()


class ServerRecord(Struct, frozen=True):
    """One server after one poll.

    A server that does not answer keeps the streams, subscriptions and totals of its last answer;
    ``age_seconds`` says how old they are (0 when it answered in this poll, None when it never did).
    ``asked_utc_ns``, ``asked_monotonic_ns``, ``round_trip_seconds`` are those of what came in this poll, a
    reply or an error; None and NaN where nothing did (it was spared, or is silent).
    ``queries`` are the questions to which something came.
    ``channels`` maps a publisher's admin device to its endpoint.
    ``publisher_samples``/``subscriber_samples`` count the samples of this poll, ``sampled_events`` the events
    between two answers with sampling on, 0 where that cannot be judged; ``drained_by_others`` says that
    samples were missing which must have been there.
    ``texts`` are the replies as they came.
    ``failure``, ``identity``, ``ended``, ``followed``, ``asked_every``, endpoints, ``tap``: see
    :class:`.poll.Answer`.
    A followed server shows only the streams that monitored subscriptions depend on, and no subscription.
    ``streams`` and ``subscriptions`` are tuples, or sequences that make their records when they are looked at
    (:class:`stem_device.model.rows.SteadyRows`).
    """

    name: str
    state: ServerState
    reason: str
    since_utc_ns: int
    tango_version: str
    age_seconds: float | None
    asked_utc_ns: int | None
    asked_monotonic_ns: int | None
    round_trip_seconds: float
    queries: int
    sampling: bool
    sampling_ours: bool
    drained_by_others: bool
    publisher_samples: int
    subscriber_samples: int
    sampled_events: int
    counts: Counts
    streams: Sequence[StreamRecord] = ()
    subscriptions: Sequence[SubscriptionRecord] = ()
    channels: dict[str, str] = {}
    not_connected: tuple[NotConnected, ...] = ()
    texts: tuple[str, ...] = ()
    failure: Failure = Failure.NONE
    identity: Identity = Identity()
    ended: bool = False
    followed: bool = False
    event_endpoints: tuple[str, ...] = ()
    heartbeat_endpoints: tuple[str, ...] = ()
    asked_every: int = 1
    tap: TapFigures | None = None

    @property
    def answered(self) -> bool:
        """Whether it did in this poll. A monitored server that is spared was not asked."""
        return self.state.is_counted and self.age_seconds == 0

    @property
    def known_overdue(self) -> int | None:
        """As :attr:`Counts.known_overdue`; None too of a server that never answered."""
        return None if self.age_seconds is None else self.counts.known_overdue


@dataclass(frozen=True, slots=True)
class PublisherSamples:
    """All publisher samples of one poll, as columns of equal length n.

    ``server`` is the index into ``Snapshot.servers``. NaN where cppTango gave no value.
    """

    server: Integers
    micros_since_last_event: Floats
    push_event_micros: Integers


@dataclass(frozen=True, slots=True)
class SubscriberSamples:
    """All subscriber samples of one poll, as columns of equal length n; see PublisherSamples."""

    server: Integers
    attr_name: tuple[str, ...]
    event_type: tuple[str | None, ...]
    micros_since_last_event: Floats
    sleep_micros: Integers
    process_micros: Integers
    first_callback_latency_micros: Floats
    callback_count: Integers
    wake_count: Integers
    discarded: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TelemetryRows:
    """Measurements in processes, as columns of equal length n; ``kind`` is duration or runtime."""

    at_utc_ns: Integers
    value: Floats
    label: tuple[str, ...]
    kind: tuple[str, ...]
    pid: Integers


NO_TELEMETRY = TelemetryRows(np.empty(0, np.int64), np.empty(0), (), (), np.empty(0, np.int64))


class MetricSeries(NamedTuple):
    """One series of a metric of users.

    ``labels`` are names and values, in the order of names; ``host`` and ``process`` None where not told.
    """

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    host: str | None = None
    process: str | None = None


@dataclass(frozen=True, slots=True)
class MetricRows:
    """Points of users' metrics that came after the poll before and until this one.

    ``index`` (shape (n,)) of each point is its series in ``series``, ``at_utc_ns`` and ``value`` are its time
    and value, in the order of their coming. ``latest_utc_ns`` and ``latest_value`` (shape (len(series),)) are
    the latest point of each series: those of a live monitor have had one within the last minutes.
    """

    series: tuple[MetricSeries, ...]
    index: Integers
    at_utc_ns: Integers
    value: Floats
    latest_utc_ns: Integers
    latest_value: Floats


NO_METRICS = MetricRows(
    (), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), np.empty(0)
)


class Timings(Struct, frozen=True, gc=False):
    """Quantiles over the samples of this poll, in seconds; NaN without samples."""

    latency_median_seconds: float
    latency_p99_seconds: float
    processing_p99_seconds: float
    push_p99_seconds: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything known after poll number ``poll``.

    ``published_rate`` and ``received_rate`` are events per second since the previous poll.
    ``sample_coverage`` is the share of events with a sample, 0 to 1; NaN while nothing is sampled.
    ``duration_seconds`` is from the first question to the Snapshot; ``phases`` say what took how long.
    ``monitoring_since_utc_ns`` is when the totals began.
    ``counts`` are the sums over ``servers`` and ``departed``: the servers that are no targets any more.
    ``verdict`` is the level that :mod:`stem_device.analysis.verdict` gives; empty before it was asked.
    ``findings`` say why subscriptions lost events lately or wait, worst first; empty before
    :mod:`stem_device.analysis.causes` was asked. Of each subscription concerned ``cause`` is a code of them.
    ``outlets`` are how the outlets did until this poll, which is not in their counts.
    ``telemetry`` are measurements in processes that came with it: stem import puts them there.
    ``metrics`` are points of users' metrics that came since the poll before.
    """

    poll: int
    time_utc_ns: int
    monotonic_ns: int
    duration_seconds: float
    spread_seconds: float
    overruns_total: int
    monitoring_since_utc_ns: int
    counts: Counts
    published_rate: float
    received_rate: float
    sample_coverage: float
    timings: Timings
    servers: tuple[ServerRecord, ...]
    publisher_samples: PublisherSamples
    subscriber_samples: SubscriberSamples
    problems: tuple[str, ...]
    departed: Counts = NONE_DEPARTED
    verdict: str = ""
    findings: tuple[Finding, ...] = ()
    outlets: tuple[OutletHealth, ...] = ()
    phases: PollPhases = UNKNOWN_PHASES
    telemetry: TelemetryRows = NO_TELEMETRY
    metrics: MetricRows = NO_METRICS

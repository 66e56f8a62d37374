"""The Snapshot: everything that is known after one poll. Complete and immutable.

Totals count from when monitoring began (or the last ``ResetCounters``) and never fall.
The names ending in ``_total`` are totals; ``_delta`` is what this poll added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stem_device.model.poll import ServerState
from stem_device.model.reply import NotConnected

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class StreamRecord(Struct, frozen=True, gc=False):
    """One stream of a publisher. ``pushed`` is the length of the present series (counter - 1)."""

    name: str
    pushed: int
    published_total: int
    published_delta: int
    resets_total: int


class SubscriptionRecord(Struct, frozen=True, gc=False):
    """One topic in one subscribing server.

    The first block are cppTango's own counters as they came; the totals follow the accounting rules.
    ``missed_at_least`` says that ``missed_total`` is a lower bound.
    ``overdue`` is None where the publisher is not monitored.
    ``gaps_before`` is what cppTango had noticed before monitoring began.
    ``last_resubscribed`` is ISO 8601 in UTC; None for never.
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


class Counts(Struct, frozen=True, gc=False):
    """Sums over subscriptions and streams; those of a server include the ones that have vanished.

    All are totals that never fall, but for ``overdue`` and ``disconnected`` (subscriptions that are
    being retried), which tell how things are now.
    """

    published: int = 0
    received: int = 0
    missed: int = 0
    gaps: int = 0
    discarded: int = 0
    resets: int = 0
    overdue: int = 0
    disconnected: int = 0


class ServerRecord(Struct, frozen=True):
    """One server after one poll.

    A server that does not answer keeps the streams, subscriptions and totals of its last answer;
    ``age_seconds`` says how old they are (0 when it answered in this poll, None when it never did).
    ``channels`` maps a publisher's admin device to its endpoint.
    ``publisher_samples``/``subscriber_samples`` count the samples of this poll, ``sampled_events`` the events
    that happened meanwhile; ``drained_by_others`` says that samples were missing which must have been there.
    ``texts`` are the replies as they came.
    """

    name: str
    state: ServerState
    reason: str
    since_utc_ns: int
    tango_version: str
    age_seconds: float | None
    asked_utc_ns: int
    asked_monotonic_ns: int
    round_trip_seconds: float
    queries: int
    sampling: bool
    sampling_ours: bool
    drained_by_others: bool
    publisher_samples: int
    subscriber_samples: int
    sampled_events: int
    counts: Counts
    streams: tuple[StreamRecord, ...] = ()
    subscriptions: tuple[SubscriptionRecord, ...] = ()
    channels: dict[str, str] = {}
    not_connected: tuple[NotConnected, ...] = ()
    texts: tuple[str, ...] = ()


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
    ``monitoring_since_utc_ns`` is when the totals began.
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

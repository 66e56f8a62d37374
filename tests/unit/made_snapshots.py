"""Snapshots made by hand: one healthy record of each kind, and what matters changed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import structs

from stem_device.model.poll import ServerState
from stem_device.model.reply import NotConnected
from stem_device.model.snapshot import (
    Counts,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriberSamples,
    SubscriptionRecord,
    Timings,
)
from tests.unit import plain_records

SECOND = 1_000_000_000
BEGIN_UTC_NS = 1_700_000_000 * SECOND


def subscription(topic: str = "a/b/c/x.idl5_change", **changes: Any) -> SubscriptionRecord:
    plain = structs.replace(
        plain_records.SUBSCRIPTION,
        topic=topic,
        stream=topic.replace("idl5_", ""),
        publisher="dserver/fast/1",
        server_counter=10,
        event_count=10,
        received_total=10,
        received_delta=1,
    )
    return structs.replace(plain, **changes)


def stream(name: str = "a/b/c/x.change") -> StreamRecord:
    return StreamRecord(name=name, pushed=10, published_total=10, published_delta=1, resets_total=0)


def server(
    name: str = "dserver/slow/1",
    *subscriptions: SubscriptionRecord,
    state: ServerState = ServerState.MONITORED,
    **changes: Any,
) -> ServerRecord:
    plain = structs.replace(
        plain_records.SERVER,
        name=name,
        state=state,
        reason="" if state is ServerState.MONITORED else f"it is {state}; do something",
        since_utc_ns=BEGIN_UTC_NS,
        tango_version="10.3",
        age_seconds=0.0 if state is ServerState.MONITORED else 5.0,
        asked_utc_ns=BEGIN_UTC_NS,
        asked_monotonic_ns=SECOND,
        counts=Counts(
            missed=sum(one.missed_total for one in subscriptions),
            unaccounted=sum(one.unaccounted_total for one in subscriptions),
        ),
        subscriptions=subscriptions,
    )
    return structs.replace(plain, **changes)


def disconnected(attribute: str = "x") -> NotConnected:
    return NotConnected(
        device="a/b/c", attribute=attribute, event_type="change", last_heartbeat="", tango_host=None
    )


def snapshot(
    *servers: ServerRecord,
    seconds: float = 0.0,
    problems: tuple[str, ...] = (),
    since_utc_ns: int = BEGIN_UTC_NS,
    sampled: int = 0,
    counts: Counts | None = None,
) -> Snapshot:
    """A Snapshot so many seconds after the first; ``sampled`` samples of either kind."""
    return Snapshot(
        poll=1 + int(seconds),
        time_utc_ns=BEGIN_UTC_NS + int(seconds * SECOND),
        monotonic_ns=SECOND + int(seconds * SECOND),
        duration_seconds=0.01,
        spread_seconds=0.001,
        overruns_total=0,
        monitoring_since_utc_ns=since_utc_ns,
        counts=counts
        or Counts(
            missed=sum(one.counts.missed for one in servers),
            unaccounted=sum(one.counts.unaccounted for one in servers),
            overdue=sum(sub.overdue or 0 for one in servers for sub in one.subscriptions),
        ),
        published_rate=1.5,
        received_rate=2.5,
        sample_coverage=1.0 if sampled else math.nan,
        timings=Timings(math.nan, math.nan, math.nan, math.nan),
        servers=servers,
        publisher_samples=PublisherSamples(
            server=np.zeros(sampled, np.int64),
            micros_since_last_event=np.full(sampled, math.nan),
            push_event_micros=np.arange(sampled, dtype=np.int64),
        ),
        subscriber_samples=SubscriberSamples(
            server=np.zeros(sampled, np.int64),
            attr_name=("x",) * sampled,
            event_type=(None,) * sampled,
            micros_since_last_event=np.full(sampled, 7.0),
            sleep_micros=np.zeros(sampled, np.int64),
            process_micros=np.zeros(sampled, np.int64),
            first_callback_latency_micros=np.full(sampled, math.nan),
            callback_count=np.ones(sampled, np.int64),
            wake_count=np.ones(sampled, np.int64),
            discarded=np.zeros(sampled, np.bool_),
        ),
        problems=problems,
    )

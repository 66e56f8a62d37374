"""One plain record of each kind; tests take them with ``msgspec.structs.replace`` and change what matters."""

from __future__ import annotations

from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts, ServerRecord, StreamRecord, SubscriptionRecord

STREAM = StreamRecord(name="", pushed=0, published_total=0, published_delta=0, resets_total=0)

SUBSCRIPTION = SubscriptionRecord(
    topic="",
    stream="",
    publisher="",
    callback_count=1,
    server_counter=0,
    event_count=0,
    missed_event_count=0,
    discarded_event_count=0,
    last_resubscribed=None,
    received_total=0,
    received_delta=0,
    missed_total=0,
    missed_delta=0,
    missed_at_least=False,
    gaps_total=0,
    gaps_delta=0,
    gaps_before=0,
    discarded_total=0,
    resets_total=0,
    overdue=0,
)

SERVER = ServerRecord(
    name="",
    state=ServerState.MONITORED,
    reason="",
    since_utc_ns=0,
    tango_version="10.3.3",
    age_seconds=0.0,
    asked_utc_ns=0,
    asked_monotonic_ns=0,
    round_trip_seconds=0.001,
    queries=1,
    sampling=False,
    sampling_ours=False,
    drained_by_others=False,
    publisher_samples=0,
    subscriber_samples=0,
    sampled_events=0,
    counts=Counts(),
)

"""Short-hand for Snapshots, for the tests of reports."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

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

DATABASE = "tango://127.0.0.1:10000/"
PUBLISHER = DATABASE + "dserver/pub/1"
SUBSCRIBER = DATABASE + "dserver/sub/1"
STREAM = DATABASE + "test/pub/1/attr.change"
TOPIC = DATABASE + "test/pub/1/attr.idl5_change"
NAN = float("nan")
SECOND = 1_000_000_000


def stream(published: int = 0, delta: int = 0, **more: Any) -> StreamRecord:
    record = replace(
        plain_records.STREAM, name=STREAM, pushed=published, published_total=published, published_delta=delta
    )
    return replace(record, **more)


def subscription(received: int = 0, delta: int = 0, **more: Any) -> SubscriptionRecord:
    record = replace(plain_records.SUBSCRIPTION, topic=TOPIC, stream=STREAM, publisher=PUBLISHER)
    return replace(record, received_total=received, received_delta=delta, **more)


def server(name: str = PUBLISHER, **more: Any) -> ServerRecord:
    return replace(plain_records.SERVER, name=name, **more)


def publisher_samples(*rows: tuple[int, float, int]) -> PublisherSamples:
    """Rows of (server, micros since the last event, push micros)."""
    return PublisherSamples(
        server=np.array([row[0] for row in rows], np.int64),
        micros_since_last_event=np.array([row[1] for row in rows], np.float64),
        push_event_micros=np.array([row[2] for row in rows], np.int64),
    )


def subscriber_samples(*rows: tuple[int, float, int, int, float, bool]) -> SubscriberSamples:
    """Rows of (server, micros since the last event, sleep, processing, latency, discarded)."""
    return SubscriberSamples(
        server=np.array([row[0] for row in rows], np.int64),
        attr_name=("attr",) * len(rows),
        event_type=(None,) * len(rows),
        micros_since_last_event=np.array([row[1] for row in rows], np.float64),
        sleep_micros=np.array([row[2] for row in rows], np.int64),
        process_micros=np.array([row[3] for row in rows], np.int64),
        first_callback_latency_micros=np.array([row[4] for row in rows], np.float64),
        callback_count=np.ones(len(rows), np.int64),
        wake_count=np.ones(len(rows), np.int64),
        discarded=np.array([row[5] for row in rows], np.bool_),
    )


def snapshot(*servers: ServerRecord, poll: int = 1, **more: Any) -> Snapshot:
    values: dict[str, Any] = {
        "counts": Counts(),
        "published_rate": NAN,
        "received_rate": NAN,
        "sample_coverage": NAN,
        "publisher_samples": publisher_samples(),
        "subscriber_samples": subscriber_samples(),
        "problems": (),
    }
    return Snapshot(
        poll=poll,
        time_utc_ns=1_700_000_000 * SECOND + poll * SECOND,
        monotonic_ns=poll * SECOND,
        duration_seconds=0.002,
        spread_seconds=0.0001,
        overruns_total=0,
        monitoring_since_utc_ns=1_700_000_001 * SECOND,
        timings=Timings(NAN, NAN, NAN, NAN),
        servers=servers,
        **(values | more),
    )


def retried(attribute: str = "attr") -> NotConnected:
    return NotConnected("test/pub/1", attribute, "change", "2026-01-01T00:00:00", "127.0.0.1:10000")

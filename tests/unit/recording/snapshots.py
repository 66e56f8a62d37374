"""Realistic synthetic Snapshots of any size, for tests and benchmarks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stem_device.model.outlet_health import OutletHealth
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
    TelemetryRows,
    Timings,
)

HOST = "tango://control.example.org:10000/"
START_UTC_NS = 1_795_320_000_000_000_000
START_MONOTONIC_NS = 5_000_000_000_000


@dataclass(frozen=True)
class Size:
    """How large a system is. ``samples`` are those of each kind in each server's reply."""

    servers: int = 5
    streams: int = 10
    subscriptions: int = 10
    samples: int = 50
    period_seconds: float = 10.0


SMALL = Size()
LARGE_BUFFERS = Size(servers=20, streams=20, subscriptions=20, samples=256)
"""Every server's sample buffers are full."""
MANY_ROWS = Size(servers=200, streams=50, subscriptions=50, samples=0, period_seconds=1.0)


def snapshots(size: Size = SMALL, seed: int = 1) -> Iterator[Snapshot]:
    """One poll after the other, without end; counters grow, some subscriptions lose events."""
    random = np.random.default_rng(seed)
    number = 0
    while True:
        yield snapshot(number, size, random)
        number += 1


def snapshot(number: int, size: Size = SMALL, random: np.random.Generator | None = None) -> Snapshot:
    """Poll ``number`` (0 is the first) of a system of ``size``; all counters follow from ``number``."""
    random = random or np.random.default_rng(number)
    elapsed_ns = round(number * size.period_seconds * 1e9)
    servers = tuple(_server(index, number, size, elapsed_ns) for index in range(size.servers))
    counts = Counts(
        **{
            field: sum(getattr(server.counts, field) for server in servers)
            for field in Counts.__struct_fields__
        }
    )
    return Snapshot(
        poll=number,
        time_utc_ns=START_UTC_NS + elapsed_ns,
        monotonic_ns=START_MONOTONIC_NS + elapsed_ns,
        duration_seconds=0.01 + random.random() / 100,
        spread_seconds=random.random() / 1000,
        overruns_total=number // 50,
        monitoring_since_utc_ns=START_UTC_NS,
        counts=counts,
        published_rate=100.0 * size.servers,
        received_rate=90.0 * size.servers,
        sample_coverage=0.75 if size.samples else float("nan"),
        timings=Timings(0.0004, 0.002, 0.001, 0.0001),
        servers=servers,
        publisher_samples=_publisher_samples(size, random),
        subscriber_samples=_subscriber_samples(size, random),
        problems=("sys/nothing/*: no device of this name is in the database",) if number % 7 == 3 else (),
        outlets=(
            OutletHealth("marks", sent=number // 10),
            OutletHealth("recording", sent=number, waiting=number % 3 // 2),
        ),
        telemetry=_telemetry(number),
    )


def _telemetry(number: int) -> TelemetryRows:
    """Some measurements; of some polls none."""
    count = number % 3
    return TelemetryRows(
        at_utc_ns=np.arange(count) + START_UTC_NS,
        value=np.arange(count) / 8,
        label=("a command", "gc pause generation 2")[:count],
        kind=("duration", "runtime")[:count],
        pid=np.full(count, 4711),
    )


def reply_text(server: int, snapshot: Snapshot) -> str:
    """The reply of cppTango that brought this server's part of the Snapshot, samples included."""
    record = snapshot.servers[server]
    own = snapshot.publisher_samples.server == server
    publisher = snapshot.publisher_samples
    return json.dumps(
        {
            "version": 1,
            "server": {
                "event_counters": {stream.name: stream.pushed + 1 for stream in record.streams},
                "perf": [
                    {"micros_since_last_event": int(since), "push_event_micros": int(push)}
                    for since, push in zip(
                        publisher.micros_since_last_event[own],
                        publisher.push_event_micros[own],
                        strict=True,
                    )
                ],
            },
            "client": _client_reply(server, record, snapshot.subscriber_samples),
        },
        separators=(",", ":"),
    )


def _client_reply(server: int, record: ServerRecord, samples: SubscriberSamples) -> dict[str, Any]:
    return {
        "event_callbacks": {
            row.topic: {
                "channel_name": row.publisher,
                "callback_count": row.callback_count,
                "server_counter": row.server_counter,
                "event_count": row.event_count,
                "missed_event_count": row.missed_event_count,
                "discarded_event_count": row.discarded_event_count,
                "last_resubscribed": row.last_resubscribed,
            }
            for row in record.subscriptions
        },
        "not_connected": [
            {field: getattr(row, field) for field in NotConnected.__struct_fields__}
            for row in record.not_connected
        ],
        "event_channels": {name: {"endpoint": endpoint} for name, endpoint in record.channels.items()},
        "perf": [
            {
                "attr_name": samples.attr_name[row],
                "micros_since_last_event": int(samples.micros_since_last_event[row]),
                "sleep_micros": int(samples.sleep_micros[row]),
                "process_micros": int(samples.process_micros[row]),
                "first_callback_latency_micros": int(samples.first_callback_latency_micros[row]),
                "callback_count": int(samples.callback_count[row]),
                "wake_count": int(samples.wake_count[row]),
                "discarded": bool(samples.discarded[row]),
            }
            for row in np.flatnonzero(samples.server == server)
        ],
    }


def _name(server: int) -> str:
    return f"{HOST}dserver/motion/{server:03d}"


def _server(index: int, number: int, size: Size, elapsed_ns: int) -> ServerRecord:
    failing = index == 3 and number % 11 == 5
    streams = tuple(_stream(index, stream, number) for stream in range(size.streams))
    subscriptions = tuple(_subscription(index, row, number, size) for row in range(size.subscriptions))
    return ServerRecord(
        name=_name(index),
        state=ServerState.FAILING if failing else ServerState.MONITORED,
        reason="the reply cannot be used: unknown version 9" if failing else "",
        since_utc_ns=START_UTC_NS,
        tango_version="10.3.1",
        age_seconds=None if failing and number < 11 else float(failing),
        asked_utc_ns=START_UTC_NS + elapsed_ns + index,
        asked_monotonic_ns=START_MONOTONIC_NS + elapsed_ns + index,
        round_trip_seconds=0.0003 + (index * 7919 + number * 104_729) % 1000 / 1e6,
        queries=1,
        sampling=size.samples > 0,
        sampling_ours=size.samples > 0,
        drained_by_others=index == 1 and number % 5 == 4,
        asked_every=1 + index % 3,
        publisher_samples=size.samples,
        subscriber_samples=size.samples,
        sampled_events=size.samples * 2,
        counts=_counts(streams, subscriptions),
        streams=streams,
        subscriptions=subscriptions,
        channels={_name((index + 1) % size.servers): f"tcp://10.0.0.{index % 250}:{40_000 + index}"},
        not_connected=_not_connected(index, number),
        texts=('{"version": 9, "surprise": "\u00b5"}',) if failing else (),
    )


def _counts(streams: tuple[StreamRecord, ...], subscriptions: tuple[SubscriptionRecord, ...]) -> Counts:
    return Counts(
        published=sum(stream.published_total for stream in streams),
        received=sum(row.received_total for row in subscriptions),
        missed=sum(row.missed_total for row in subscriptions),
        gaps=sum(row.gaps_total for row in subscriptions),
        discarded=sum(row.discarded_total for row in subscriptions),
        resets=sum(row.resets_total for row in subscriptions),
        overdue=sum(row.overdue or 0 for row in subscriptions),
        disconnected=1,
    )


def _stream(server: int, stream: int, number: int) -> StreamRecord:
    rate = 1 + (server * 31 + stream * 17) % 50
    return StreamRecord(
        name=f"{HOST}lab/axis/{server:03d}/position{stream:02d}.change",
        pushed=1000 + rate * number,
        published_total=rate * number,
        published_delta=rate if number else 0,
        resets_total=0,
    )


def _subscription(server: int, row: int, number: int, size: Size) -> SubscriptionRecord:
    publisher = (server + 1) % size.servers
    stream = f"{HOST}lab/axis/{publisher:03d}/position{row:02d}"
    rate = 1 + (publisher * 31 + row * 17) % 50
    lossy = row == 2 and server % 4 == 1
    missed = 3 * (number // 2) if lossy else 0
    gaps = number // 2 if lossy else 0
    return SubscriptionRecord(
        topic=f"{stream}.idl5_change",
        stream=f"{stream}.change",
        publisher=_name(publisher),
        callback_count=1,
        server_counter=1000 + rate * number,
        event_count=1000 + rate * number - missed,
        missed_event_count=gaps + 1,
        discarded_event_count=0,
        last_resubscribed=None if row % 5 == 4 else f"2026-11-22T03:{number // 60 % 60:02d}:31",
        received_total=rate * number - missed,
        received_delta=rate if number else 0,
        missed_total=missed,
        missed_delta=3 if lossy and number and number % 2 == 0 else 0,
        missed_at_least=lossy and server % 8 == 1,
        gaps_total=gaps,
        gaps_delta=int(lossy and number % 2 == 0),
        gaps_before=1,
        discarded_total=0,
        resets_total=0,
        overdue=None if row % 6 == 5 else 0,
    )


def _not_connected(server: int, number: int) -> tuple[NotConnected, ...]:
    if server:
        return ()
    return (
        NotConnected(
            device="lab/axis/gone",
            attribute="position",
            event_type="change",
            last_heartbeat=f"2026-11-22T03:{number // 6 % 60:02d}:{number % 6}0",
            tango_host=None if number % 2 else HOST,
        ),
    )


def _publisher_samples(size: Size, random: np.random.Generator) -> PublisherSamples:
    count = size.servers * size.samples
    return PublisherSamples(
        server=np.repeat(np.arange(size.servers, dtype=np.int64), size.samples),
        micros_since_last_event=np.floor(random.lognormal(9.2, 0.3, count)),
        push_event_micros=random.lognormal(3.4, 0.3, count).astype(np.int64),
    )


def _subscriber_samples(size: Size, random: np.random.Generator) -> SubscriberSamples:
    count = size.servers * size.samples
    return SubscriberSamples(
        server=np.repeat(np.arange(size.servers, dtype=np.int64), size.samples),
        attr_name=tuple(f"position{row % 20:02d}" for row in range(count)),
        event_type=(None,) * count,
        micros_since_last_event=np.floor(random.lognormal(9.2, 0.3, count)),
        sleep_micros=random.lognormal(9.1, 0.3, count).astype(np.int64),
        process_micros=random.lognormal(4.0, 0.3, count).astype(np.int64),
        first_callback_latency_micros=np.floor(random.lognormal(6.0, 0.3, count)),
        callback_count=np.ones(count, dtype=np.int64),
        wake_count=1 + (random.random(count) < 0.05).astype(np.int64),
        discarded=random.random(count) < 0.01,
    )

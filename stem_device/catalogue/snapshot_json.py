"""A Snapshot as JSON, all of it; the schema: device.md.

All text is ASCII (``\\u`` escapes), because a DevString cannot carry more than Latin-1.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from stem_device.model.finding import Finding
from stem_device.model.poll import TapFigures
from stem_device.model.reply import NotConnected
from stem_device.model.snapshot import (
    Counts,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriberSamples,
    SubscriptionRecord,
)

FULL_SCHEMA = "stem-device.snapshot"
SCHEMA_VERSION = 2

Json = dict[str, Any]


def full_snapshot(snapshot: Snapshot) -> str:
    """All of a Snapshot but the texts of the replies (the recording has them); its size has no bound."""
    return encoded(
        {
            "schema": FULL_SCHEMA,
            "version": SCHEMA_VERSION,
            **head_of(snapshot),
            "problems": list(snapshot.problems),
            "findings": [_finding(finding) for finding in snapshot.findings],
            "servers": [_full_server(server) for server in snapshot.servers],
            "publisherSamples": _publisher_samples(snapshot.publisher_samples),
            "subscriberSamples": _subscriber_samples(snapshot.subscriber_samples),
        }
    )


def encoded(document: Json) -> str:
    """JSON text in ASCII."""
    try:
        text = msgspec.json.encode(document).decode()
    except UnicodeEncodeError:  # halves of surrogate pairs
        text = ""
    # Seldom needed, and several times as slow: escapes for what is not ASCII.
    if text and text.isascii():
        return text
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


def head_of(snapshot: Snapshot) -> Json:
    """What is told of the poll and of the system as a whole."""
    timings = snapshot.timings
    return {
        "poll": snapshot.poll,
        "time": iso_text(snapshot.time_utc_ns),
        "monitoringSince": iso_text(snapshot.monitoring_since_utc_ns),
        "durationSeconds": known(snapshot.duration_seconds),
        "spreadSeconds": known(snapshot.spread_seconds),
        "phases": {
            "resolveSeconds": known(snapshot.phases.resolve_seconds),
            "askSeconds": known(snapshot.phases.ask_seconds),
            "parseSeconds": known(snapshot.phases.parse_seconds),
            "accountSeconds": known(snapshot.phases.account_seconds),
            "recordSeconds": known(snapshot.phases.record_seconds),
            "publishSeconds": known(snapshot.phases.publish_seconds),
        },
        "overruns": snapshot.overruns_total,
        "verdict": snapshot.verdict or None,
        "totals": counts_of(snapshot.counts),
        "publishedRate": known(snapshot.published_rate),
        "receivedRate": known(snapshot.received_rate),
        "sampleCoverage": known(snapshot.sample_coverage),
        "timings": {
            "latencyMedianSeconds": known(timings.latency_median_seconds),
            "latencyP99Seconds": known(timings.latency_p99_seconds),
            "processingP99Seconds": known(timings.processing_p99_seconds),
            "pushP99Seconds": known(timings.push_p99_seconds),
        },
    }


def counts_of(counts: Counts) -> Json:
    """``overdue`` is null where it is not known, see :attr:`Counts.known_overdue`."""
    return {
        "published": counts.published,
        "received": counts.received,
        "missed": counts.missed,
        "unaccounted": counts.unaccounted,
        "overdue": counts.known_overdue,
        "overdueUnknown": counts.overdue_unknown,
        "missedBefore": counts.missed_before,
        "unobserved": counts.unobserved,
        "blindSeconds": known(counts.blind_seconds),
        "gaps": counts.gaps,
        "discarded": counts.discarded,
        "resets": counts.resets,
        "booksUnbalanced": counts.books_unbalanced,
        "unseenStreams": counts.unseen_streams,
    }


def counts_of_server(server: ServerRecord) -> Json:
    """The same of one server, which may never have answered."""
    return {**counts_of(server.counts), "overdue": server.known_overdue}


def _tap(figures: TapFigures | None) -> Json | None:
    """What was heard on the wire; null where the server is not tapped."""
    if figures is None:
        return None
    return {
        "connected": figures.connected,
        "endpoint": figures.endpoint,
        "topics": figures.topics,
        "unnumbered": figures.unnumbered,
        "pushed": figures.pushed,
        "heard": figures.heard,
        "bytes": figures.size,
        "duplicates": figures.duplicates,
        "lostHere": figures.lost_here,
        "lostOnTheWay": figures.lost_on_the_way,
        "others": figures.others,
        "restarts": figures.restarts,
        "heartbeats": figures.heartbeats,
        "heartbeatAgeSeconds": known(figures.heartbeat_age_seconds),
        "eventsPerSecond": known(figures.events_per_second),
        "bytesPerSecond": known(figures.bytes_per_second),
    }


def _full_server(server: ServerRecord) -> Json:
    return {
        "name": server.name,
        "state": str(server.state),
        "failure": str(server.failure),
        "reason": server.reason,
        "identity": identity_of(server),
        "ended": server.ended,
        "followed": server.followed,
        "since": _moment(server.since_utc_ns),
        "tangoVersion": server.tango_version,
        "ageSeconds": known(server.age_seconds),
        "asked": _moment(server.asked_utc_ns),
        "roundTripSeconds": known(server.round_trip_seconds),
        "queries": server.queries,
        "askedEvery": server.asked_every,
        "sampling": server.sampling,
        "samplingOurs": server.sampling_ours,
        "drainedByOthers": server.drained_by_others,
        "publisherSamples": server.publisher_samples,
        "subscriberSamples": server.subscriber_samples,
        "sampledEvents": server.sampled_events,
        "totals": counts_of_server(server),
        "streams": [_stream(stream) for stream in server.streams],
        "subscriptions": [_subscription(subscription) for subscription in server.subscriptions],
        "tap": _tap(server.tap),
        "eventEndpoints": list(server.event_endpoints),
        "heartbeatEndpoints": list(server.heartbeat_endpoints),
        "channels": dict(server.channels),
        "notConnected": [_not_connected(one) for one in server.not_connected],
    }


def _stream(stream: StreamRecord) -> Json:
    return {
        "name": stream.name,
        "pushed": stream.pushed,
        "published": stream.published_total,
        "publishedDelta": stream.published_delta,
        "resets": stream.resets_total,
        "unseen": stream.unseen.name.lower(),
    }


def _subscription(subscription: SubscriptionRecord) -> Json:
    return {
        "topic": subscription.topic,
        "stream": subscription.stream,
        "publisher": subscription.publisher,
        "callbacks": subscription.callback_count,
        "serverCounter": subscription.server_counter,
        "eventCount": subscription.event_count,
        "missedEventCount": subscription.missed_event_count,
        "discardedEventCount": subscription.discarded_event_count,
        "lastResubscribed": subscription.last_resubscribed,
        "received": subscription.received_total,
        "receivedDelta": subscription.received_delta,
        "missed": subscription.missed_total,
        "missedDelta": subscription.missed_delta,
        "missedAtLeast": subscription.missed_at_least,
        "gaps": subscription.gaps_total,
        "gapsDelta": subscription.gaps_delta,
        "gapsBefore": subscription.gaps_before,
        "discarded": subscription.discarded_total,
        "resets": subscription.resets_total,
        "overdue": subscription.overdue,
        "unaccounted": subscription.unaccounted_total,
        "unaccountedDelta": subscription.unaccounted_delta,
        "missedBefore": subscription.missed_before,
        "unobserved": subscription.unobserved_total,
        "blindSeconds": known(subscription.blind_seconds),
        "lagSeconds": known(subscription.lag_seconds),
        "lostSince": _moment(subscription.lost_since_utc_ns),
        "firstSeen": _moment(subscription.first_seen_utc_ns),
        "link": str(subscription.link),
        "ended": subscription.ended,
        "cause": subscription.cause,
    }


def identity_of(server: ServerRecord) -> Json:
    """Which process it is; ``life`` 0 while none was seen."""
    identity = server.identity
    return {
        "life": identity.life,
        "pid": identity.pid,
        "started": identity.started,
        "since": _moment(identity.since_utc_ns),
    }


def _moment(utc_ns: int | None) -> str | None:
    return iso_text(utc_ns) if utc_ns else None


def _not_connected(one: NotConnected) -> Json:
    return {
        "device": one.device,
        "attribute": one.attribute,
        "eventType": one.event_type,
        "lastHeartbeat": one.last_heartbeat,
        "tangoHost": one.tango_host,
    }


def _publisher_samples(samples: PublisherSamples) -> Json:
    return {
        "server": _column(samples.server),
        "microsSinceLastEvent": _column(samples.micros_since_last_event),
        "pushEventMicros": _column(samples.push_event_micros),
    }


def _subscriber_samples(samples: SubscriberSamples) -> Json:
    return {
        "server": _column(samples.server),
        "attribute": list(samples.attr_name),
        "eventType": list(samples.event_type),
        "microsSinceLastEvent": _column(samples.micros_since_last_event),
        "sleepMicros": _column(samples.sleep_micros),
        "processMicros": _column(samples.process_micros),
        "firstCallbackLatencyMicros": _column(samples.first_callback_latency_micros),
        "callbacks": _column(samples.callback_count),
        "wakes": _column(samples.wake_count),
        "discarded": _column(samples.discarded),
    }


def _column(values: np.ndarray[Any, Any]) -> list[Any]:
    """Plain numbers, with None for NaN."""
    return [known(value) if isinstance(value, float) else value for value in values.tolist()]


def _finding(finding: Finding) -> Json:
    return {
        "server": finding.server,
        "topic": finding.topic,
        "stream": finding.stream,
        "publisher": finding.publisher,
        "concern": str(finding.concern),
        "cause": str(finding.cause),
        "likely": finding.likely,
        "standing": str(finding.standing),
        "lost": finding.lost,
        "overdue": finding.overdue,
        "since": iso_text(finding.since_utc_ns),
        "until": iso_text(finding.until_utc_ns),
        "sentence": finding.sentence,
        "advice": finding.advice,
        "evidence": dict(finding.evidence),
        "named": finding.named,
    }


def known(value: float | None) -> float | None:
    """None for a number that is none."""
    return None if value is None or not math.isfinite(value) else value


def iso_text(utc_ns: int) -> str:
    """ISO 8601 with milliseconds in UTC, ``2026-01-31T12:00:00.000Z``."""
    whole, rest = divmod(utc_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"

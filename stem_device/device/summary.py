"""A Snapshot as JSON: bounded for ``latestSnapshot``, complete for ``QuerySnapshot``; the schemas: device.md.

All text is ASCII (``\\u`` escapes), because a DevString cannot carry more than Latin-1.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import numpy as np

from stem_device.device.digest import Digest, Worst
from stem_device.device.text import iso_text
from stem_device.model.finding import Finding
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
)

LATEST_SCHEMA = "stem-device.latestSnapshot"
FULL_SCHEMA = "stem-device.snapshot"
SCHEMA_VERSION = 2

MAX_LATEST_BYTES = 65_536
MAX_LATEST_SERVERS = 128
MAX_LATEST_SUBSCRIPTIONS = 32
MAX_LATEST_PROBLEMS = 8
MAX_TEXT_CHARACTERS = 200

Json = dict[str, Any]


def latest_snapshot(snapshot: Snapshot, digest: Digest, *, max_bytes: int = MAX_LATEST_BYTES) -> str:
    """At most ``max_bytes`` of JSON, whatever the names are; ``leftOut`` counts what does not fit.

    ``max_bytes`` has to be at least 4096. Servers that miss most come first, then those in trouble.
    """
    servers = sorted(snapshot.servers, key=_importance)
    shares = [MAX_LATEST_SERVERS, MAX_LATEST_SUBSCRIPTIONS, MAX_LATEST_PROBLEMS]
    while True:
        text = _encoded(_latest(snapshot, digest, servers, shares))
        # Escapes make six bytes of one character: only the encoded text tells its size.
        if len(text) <= max_bytes or not any(shares):
            return text
        shares = [share // 2 for share in shares]


def full_snapshot(snapshot: Snapshot) -> str:
    """All of a Snapshot but the texts of the replies (the recording has them); its size has no bound."""
    return _encoded(
        {
            "schema": FULL_SCHEMA,
            "version": SCHEMA_VERSION,
            **_head(snapshot),
            "problems": list(snapshot.problems),
            "findings": [_finding(finding) for finding in snapshot.findings],
            "servers": [_full_server(server) for server in snapshot.servers],
            "publisherSamples": _publisher_samples(snapshot.publisher_samples),
            "subscriberSamples": _subscriber_samples(snapshot.subscriber_samples),
        }
    )


def _encoded(document: Json) -> str:
    text = msgspec.json.encode(document).decode()
    # Seldom needed, and several times as slow: escapes for what is not ASCII.
    return text if text.isascii() else json.dumps(document, allow_nan=False, separators=(",", ":"))


def _importance(server: ServerRecord) -> tuple[int, int, bool, str]:
    counts = server.counts
    return (
        -counts.missed - counts.unaccounted,
        -counts.overdue,
        server.state is ServerState.MONITORED,
        server.name,
    )


def _latest(
    snapshot: Snapshot,
    digest: Digest,
    servers: list[ServerRecord],
    shares: list[int],
) -> Json:
    max_servers, max_subscriptions, max_problems = shares
    lossy = len(digest.worst) + digest.worst_not_shown
    return {
        "schema": LATEST_SCHEMA,
        "version": SCHEMA_VERSION,
        **_head(snapshot),
        "servers": [_short_server(server) for server in servers[:max_servers]],
        "worstSubscriptions": [_short_worst(worst) for worst in digest.worst[:max_subscriptions]],
        "problems": [_cut(problem) for problem in snapshot.problems[:max_problems]],
        "numbers": {
            "servers": len(snapshot.servers),
            "states": {str(state): digest.states.get(state, 0) for state in ServerState},
            "streams": digest.streams,
            "subscriptions": digest.subscriptions,
            "disconnected": digest.disconnected,
        },
        "leftOut": {
            "servers": max(0, len(servers) - max_servers),
            "worstSubscriptions": max(0, lossy - min(max_subscriptions, len(digest.worst))),
            "problems": max(0, len(snapshot.problems) - max_problems),
        },
    }


def _head(snapshot: Snapshot) -> Json:
    timings = snapshot.timings
    return {
        "poll": snapshot.poll,
        "time": iso_text(snapshot.time_utc_ns),
        "monitoringSince": iso_text(snapshot.monitoring_since_utc_ns),
        "durationSeconds": _number(snapshot.duration_seconds),
        "spreadSeconds": _number(snapshot.spread_seconds),
        "phases": {
            "resolveSeconds": _number(snapshot.phases.resolve_seconds),
            "askSeconds": _number(snapshot.phases.ask_seconds),
            "parseSeconds": _number(snapshot.phases.parse_seconds),
            "accountSeconds": _number(snapshot.phases.account_seconds),
            "recordSeconds": _number(snapshot.phases.record_seconds),
            "publishSeconds": _number(snapshot.phases.publish_seconds),
        },
        "overruns": snapshot.overruns_total,
        "verdict": snapshot.verdict or None,
        "totals": _counts(snapshot.counts),
        "publishedRate": _number(snapshot.published_rate),
        "receivedRate": _number(snapshot.received_rate),
        "sampleCoverage": _number(snapshot.sample_coverage),
        "timings": {
            "latencyMedianSeconds": _number(timings.latency_median_seconds),
            "latencyP99Seconds": _number(timings.latency_p99_seconds),
            "processingP99Seconds": _number(timings.processing_p99_seconds),
            "pushP99Seconds": _number(timings.push_p99_seconds),
        },
    }


def _counts(counts: Counts) -> Json:
    """``overdue`` is null where no subscription tells: 0 would say that there is nothing."""
    return {
        "published": counts.published,
        "received": counts.received,
        "missed": counts.missed,
        "unaccounted": counts.unaccounted,
        "overdue": None if counts.overdue_unknown and not counts.overdue else counts.overdue,
        "overdueUnknown": counts.overdue_unknown,
        "missedBefore": counts.missed_before,
        "unobserved": counts.unobserved,
        "blindSeconds": _number(counts.blind_seconds),
        "gaps": counts.gaps,
        "discarded": counts.discarded,
        "resets": counts.resets,
        "booksUnbalanced": counts.books_unbalanced,
        "unseenStreams": counts.unseen_streams,
    }


def _short_server(server: ServerRecord) -> Json:
    return {
        "name": _cut(server.name),
        "state": str(server.state),
        "failure": str(server.failure),
        "reason": _cut(server.reason),
        "identity": _identity(server),
        "followed": server.followed,
        "ageSeconds": _number(server.age_seconds),
        "totals": _counts(server.counts),
    }


def _short_worst(worst: Worst) -> Json:
    subscription = worst.subscription
    return {
        "server": _cut(worst.server),
        "topic": _cut(subscription.topic),
        "publisher": _cut(subscription.publisher),
        "received": subscription.received_total,
        "missed": subscription.missed_total,
        "missedAtLeast": subscription.missed_at_least,
        "unaccounted": subscription.unaccounted_total,
        "overdue": subscription.overdue,
        "lagSeconds": _number(subscription.lag_seconds),
        "gaps": subscription.gaps_total,
        "ended": subscription.ended,
        "cause": subscription.cause,
    }


def _full_server(server: ServerRecord) -> Json:
    return {
        "name": server.name,
        "state": str(server.state),
        "failure": str(server.failure),
        "reason": server.reason,
        "identity": _identity(server),
        "ended": server.ended,
        "followed": server.followed,
        "since": _moment(server.since_utc_ns),
        "tangoVersion": server.tango_version,
        "ageSeconds": _number(server.age_seconds),
        "asked": _moment(server.asked_utc_ns),
        "roundTripSeconds": _number(server.round_trip_seconds),
        "queries": server.queries,
        "askedEvery": server.asked_every,
        "sampling": server.sampling,
        "samplingOurs": server.sampling_ours,
        "drainedByOthers": server.drained_by_others,
        "publisherSamples": server.publisher_samples,
        "subscriberSamples": server.subscriber_samples,
        "sampledEvents": server.sampled_events,
        "totals": _counts(server.counts),
        "streams": [_stream(stream) for stream in server.streams],
        "subscriptions": [_subscription(subscription) for subscription in server.subscriptions],
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
        "blindSeconds": _number(subscription.blind_seconds),
        "lagSeconds": _number(subscription.lag_seconds),
        "lostSince": _moment(subscription.lost_since_utc_ns),
        "firstSeen": _moment(subscription.first_seen_utc_ns),
        "link": str(subscription.link),
        "ended": subscription.ended,
        "cause": subscription.cause,
    }


def _identity(server: ServerRecord) -> Json:
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
    return [_number(value) if isinstance(value, float) else value for value in values.tolist()]


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


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 3] + "..."

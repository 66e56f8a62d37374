"""A Snapshot as JSON, bounded, for ``latestSnapshot``; the schema: device.md.

All text is ASCII (``\\u`` escapes), because a DevString cannot carry more than Latin-1.
"""

from __future__ import annotations

import msgspec

from stem_device.analysis.topology import Topology
from stem_device.catalogue.snapshot_json import (
    SCHEMA_VERSION,
    Json,
    counts_of_server,
    encoded,
    head_of,
    identity_of,
    known,
)
from stem_device.device.digest import Digest, Worst
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import ServerRecord, Snapshot

LATEST_SCHEMA = "stem-device.latestSnapshot"
TOPOLOGY_SCHEMA = "stem-device.topology"

MAX_LATEST_BYTES = 65_536
MAX_LATEST_SERVERS = 128
MAX_LATEST_SUBSCRIPTIONS = 32
MAX_LATEST_PROBLEMS = 8
MAX_TEXT_CHARACTERS = 200


def latest_snapshot(snapshot: Snapshot, digest: Digest, *, max_bytes: int = MAX_LATEST_BYTES) -> str:
    """At most ``max_bytes`` of JSON, whatever the names are; ``leftOut`` counts what does not fit.

    ``max_bytes`` has to be at least 4096. Servers that miss most come first, then those in trouble.
    """
    servers = sorted(snapshot.servers, key=_importance)
    shares = [MAX_LATEST_SERVERS, MAX_LATEST_SUBSCRIPTIONS, MAX_LATEST_PROBLEMS]
    while True:
        text = encoded(_latest(snapshot, digest, servers, shares))
        # Escapes make six bytes of one character: only the encoded text tells its size.
        if len(text) <= max_bytes or not any(shares):
            return text
        shares = [share // 2 for share in shares]


def topology_document(found: Topology | None) -> str:
    """Who publishes what to whom; an empty object before the first poll."""
    if found is None:
        return "{}"
    return encoded({"schema": TOPOLOGY_SCHEMA, "version": 1, **msgspec.to_builtins(found)})


def _importance(server: ServerRecord) -> tuple[int, int, bool, str]:
    counts = server.counts
    return (
        -counts.missed - counts.unaccounted,
        -counts.overdue,
        server.state.is_counted,
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
        **head_of(snapshot),
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


def _short_server(server: ServerRecord) -> Json:
    return {
        "name": _cut(server.name),
        "state": str(server.state),
        "failure": str(server.failure),
        "reason": _cut(server.reason),
        "identity": identity_of(server),
        "followed": server.followed,
        "ageSeconds": known(server.age_seconds),
        "totals": counts_of_server(server),
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
        "lagSeconds": known(subscription.lag_seconds),
        "gaps": subscription.gaps_total,
        "ended": subscription.ended,
        "cause": subscription.cause,
    }


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 3] + "..."

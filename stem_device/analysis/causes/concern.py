"""Which subscriptions need a cause in this poll: those that lost events, wait, or did so lately."""

from __future__ import annotations

from collections.abc import Container, Iterator

from msgspec import Struct

from stem_device.analysis.causes.facts import GONE
from stem_device.analysis.causes.rules_of_lives import PATIENCE_SECONDS, connected_elsewhere
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import Link, ServerRecord, Snapshot, SubscriptionRecord

Key = tuple[str, str]
"""Server and topic. One that has ended and is there again is the same story: its row goes on."""


class Concerned(Struct, frozen=True):
    """One subscription. ``waits``: events are overdue, or would be if anybody could tell.

    ``lost``: this poll tells of a loss.
    """

    key: Key
    server: ServerRecord
    record: SubscriptionRecord
    publisher: ServerRecord | None
    waits: bool
    lost: bool


def concerned_in(snapshot: Snapshot, followed: Container[Key]) -> Iterator[Concerned]:
    """All of them; ``followed`` are those that were concerned lately, and stay in sight."""
    by_name = {server.name.lower(): server for server in snapshot.servers}
    troubled = {name for name, server in by_name.items() if _in_trouble(server)}
    for server in snapshot.servers:
        counts = server.counts
        if not (counts.missed or counts.unaccounted or counts.overdue or troubled):
            continue  # by far most servers: nothing was ever lost here, and nothing waits
        for record in server.subscriptions:
            lost = record.missed_delta or record.unaccounted_delta
            key = (server.name, record.topic)
            if not (lost or record.overdue or key in followed) and (
                not troubled or not {record.publisher.lower(), server.name.lower()} & troubled
            ):
                continue
            publisher = by_name.get(record.publisher.lower())
            waits = bool(record.overdue) or _depends_on_trouble(snapshot, server, record, publisher)
            if waits or lost or key in followed:
                yield Concerned(key, server, record, publisher, waits, bool(lost))


def _in_trouble(server: ServerRecord) -> bool:
    """Whether it does not answer, or is not the process any more that it was."""
    return server.state is not ServerState.MONITORED or (server.identity.life or 0) > 1


def _depends_on_trouble(
    snapshot: Snapshot, server: ServerRecord, record: SubscriptionRecord, publisher: ServerRecord | None
) -> bool:
    """Whether events cannot arrive though none is known to be overdue."""
    if record.ended or publisher is None:
        return False
    if publisher.state is not ServerState.MONITORED:
        return server.state is ServerState.MONITORED and _is_dead(snapshot, publisher)
    if server.state is ServerState.UNREACHABLE and server.failure not in GONE:
        return (
            _seconds(snapshot, server) >= PATIENCE_SECONDS
            and _pushed(publisher, record) > record.server_counter
        )
    began = publisher.identity.since_utc_ns or 0
    young = (snapshot.time_utc_ns - began) / 1e9 < PATIENCE_SECONDS
    return record.link is Link.FORMER and not young and connected_elsewhere(server, record, publisher)


def _is_dead(snapshot: Snapshot, publisher: ServerRecord) -> bool:
    """Dead without having been stopped, or silent for longer than a busy server is.

    One that is not exported was stopped in good order: that is told elsewhere and nobody waits for it.
    """
    if publisher.failure is Failure.REFUSED:
        return True
    return publisher.failure is Failure.SILENT and _seconds(snapshot, publisher) >= PATIENCE_SECONDS


def _pushed(publisher: ServerRecord, record: SubscriptionRecord) -> int:
    return next((one.pushed for one in publisher.streams if one.name.lower() == record.stream), 0)


def _seconds(snapshot: Snapshot, server: ServerRecord) -> float:
    return (snapshot.time_utc_ns - server.since_utc_ns) / 1e9

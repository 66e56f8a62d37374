"""What changed between two Snapshots, as frozen records that hold nothing but facts."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from msgspec import Struct

from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import ServerState
from stem_device.model.reply import NotConnected
from stem_device.model.snapshot import Counts, ServerRecord, Snapshot, StreamRecord, SubscriptionRecord
from stem_device.report.timing import TimingStatistics, timing_statistics


class Change(enum.StrEnum):
    """What happened to a stream, a subscription or a server, worst last."""

    NEW = "new"
    REMOVED = "removed"
    ACTIVE = "active"
    RESTARTED = "restarted"
    OVERDUE = "overdue"
    UNACCOUNTED = "unaccounted"
    MISSED = "missed"


class ServerChange(Struct, frozen=True, gc=False):
    """A server that appeared, changed its state, its reason or how often it is asked, or left (REMOVED)."""

    change: Change
    server: str
    state: ServerState
    reason: str
    tango_version: str
    asked_every: int = 1


class StreamChange(Struct, frozen=True, gc=False):
    """A stream that appeared, vanished, restarted or moved; ``pushed`` is the length of its series."""

    change: Change
    server: str
    stream: str
    pushed: int
    published_delta: int
    published_total: int


class SubscriptionChange(Struct, frozen=True, gc=False):
    """A subscription that appeared, vanished, or whose counters moved.

    ``overdue`` is None where it is not known; ``callbacks_before`` equals ``callbacks``
    unless their number changed.
    """

    change: Change
    server: str
    topic: str
    stream: str
    publisher: str
    received_delta: int
    received_total: int
    missed_delta: int
    missed_total: int
    missed_at_least: bool
    gaps_delta: int
    gaps_total: int
    discarded_delta: int
    overdue: int | None
    callbacks: int
    callbacks_before: int
    unaccounted_delta: int = 0
    unaccounted_total: int = 0
    cause: str = ""


class ConnectionChange(Struct, frozen=True, gc=False):
    """A subscription that is now being retried (``connected`` false), or no longer is."""

    server: str
    stream: str
    connected: bool
    last_heartbeat: str


class PollReport(Struct, frozen=True):
    """One poll against the one before. ``delta`` is what the poll added; its ``overdue`` is the level now."""

    poll: int
    time_utc_ns: int
    duration_seconds: float
    spread_seconds: float
    overruns_total: int
    monitored: int
    servers_total: int
    published_rate: float
    received_rate: float
    sample_coverage: float
    delta: Counts
    total: Counts
    servers: tuple[ServerChange, ...]
    streams: tuple[StreamChange, ...]
    subscriptions: tuple[SubscriptionChange, ...]
    connections: tuple[ConnectionChange, ...]
    timings: tuple[TimingStatistics, ...]
    problems: tuple[str, ...]
    outlets: tuple[OutletHealth, ...] = ()
    """Those that dropped something, or met an error, since the poll before."""


def compare(snapshot: Snapshot, previous: Snapshot | None = None) -> PollReport:
    """Report what changed since ``previous``; without it everything is new and nothing has moved."""
    before = {server.name: server for server in previous.servers} if previous else {}
    now = {server.name: server for server in snapshot.servers}
    pairs = [(server, before.get(name)) for name, server in now.items()]
    own = [server for server in snapshot.servers if not server.followed]
    gone = [server for name, server in before.items() if name not in now]
    return PollReport(
        poll=snapshot.poll,
        time_utc_ns=snapshot.time_utc_ns,
        duration_seconds=snapshot.duration_seconds,
        spread_seconds=snapshot.spread_seconds,
        overruns_total=snapshot.overruns_total,
        monitored=sum(server.state.is_counted for server in own),
        servers_total=len(own),
        published_rate=snapshot.published_rate,
        received_rate=snapshot.received_rate,
        sample_coverage=snapshot.sample_coverage,
        delta=_delta(snapshot.counts, previous.counts if previous else snapshot.counts),
        total=snapshot.counts,
        servers=(
            *(change for pair in pairs for change in _server_changes(*pair)),
            *(_server_change(Change.REMOVED, server) for server in gone),
        ),
        streams=tuple(change for pair in pairs for change in _stream_changes(*pair)),
        subscriptions=tuple(change for pair in pairs for change in _subscription_changes(*pair)),
        connections=tuple(change for pair in pairs for change in _connection_changes(*pair)),
        timings=timing_statistics(snapshot),
        problems=snapshot.problems,
        outlets=tuple(_troubled(snapshot.outlets, previous.outlets if previous else ())),
    )


def _troubled(now: tuple[OutletHealth, ...], previous: tuple[OutletHealth, ...]) -> Iterator[OutletHealth]:
    before = {outlet.name: (outlet.dropped, outlet.failed) for outlet in previous}
    for outlet in now:
        if (outlet.dropped, outlet.failed) != before.get(outlet.name, (0, 0)):
            yield outlet


def _delta(now: Counts, before: Counts) -> Counts:
    # Totals fall only when somebody resets them; that is no negative number of events.
    return Counts(
        published=max(0, now.published - before.published),
        received=max(0, now.received - before.received),
        missed=max(0, now.missed - before.missed),
        gaps=max(0, now.gaps - before.gaps),
        discarded=max(0, now.discarded - before.discarded),
        resets=max(0, now.resets - before.resets),
        overdue=now.overdue,
        # These fall as well: events arrive after all.
        unaccounted=now.unaccounted - before.unaccounted,
        overdue_unknown=now.overdue_unknown,
    )


def _server_changes(server: ServerRecord, before: ServerRecord | None) -> Iterator[ServerChange]:
    if before is None:
        yield _server_change(Change.NEW, server)
    elif _standing(server) != _standing(before):
        yield _server_change(Change.ACTIVE, server)


def _standing(server: ServerRecord) -> tuple[ServerState, str, int]:
    return server.state, server.reason, server.asked_every


def _server_change(change: Change, server: ServerRecord) -> ServerChange:
    return ServerChange(
        change=change,
        server=server.name,
        state=server.state,
        reason=server.reason,
        tango_version=server.tango_version,
        asked_every=server.asked_every,
    )


def _stream_changes(server: ServerRecord, before: ServerRecord | None) -> Iterator[StreamChange]:
    known = {stream.name: stream for stream in before.streams} if before else {}
    for stream in server.streams:
        change = _stream_kind(stream, known.pop(stream.name, None))
        if change:
            yield _stream_change(change, server.name, stream, stream.published_delta)
    for stream in known.values():
        yield _stream_change(Change.REMOVED, server.name, stream, 0)


def _stream_kind(stream: StreamRecord, before: StreamRecord | None) -> Change | None:
    if before is None:
        return Change.NEW
    if stream.resets_total > before.resets_total:
        return Change.RESTARTED
    return Change.ACTIVE if stream.published_total > before.published_total else None


def _stream_change(change: Change, server: str, stream: StreamRecord, delta: int) -> StreamChange:
    return StreamChange(
        change=change,
        server=server,
        stream=stream.name,
        pushed=stream.pushed,
        published_delta=delta,
        published_total=stream.published_total,
    )


def _subscription_changes(server: ServerRecord, before: ServerRecord | None) -> Iterator[SubscriptionChange]:
    known = {record.topic: record for record in before.subscriptions} if before else {}
    # A server that did not answer keeps its last record, deltas included: those have been told already.
    answered = server.age_seconds == 0
    for record in server.subscriptions:
        earlier = known.pop(record.topic, None)
        change = _subscription_kind(record, earlier) if answered or record.ended or not earlier else None
        if change:
            yield _subscription_change(change, server.name, record, earlier)
    for record in known.values():
        yield _subscription_change(Change.REMOVED, server.name, record, record)


def _subscription_kind(record: SubscriptionRecord, before: SubscriptionRecord | None) -> Change | None:
    if record.ended or before is None:
        return _end_kind(record, before) if record.ended else Change.NEW
    if record.missed_total > before.missed_total:
        return Change.MISSED
    if record.unaccounted_delta:
        return Change.UNACCOUNTED
    if record.overdue:
        return Change.OVERDUE
    if record.resets_total > before.resets_total:
        return Change.RESTARTED
    return Change.ACTIVE if _moving(record) != _moving(before) else None


def _end_kind(record: SubscriptionRecord, before: SubscriptionRecord | None) -> Change | None:
    """Of a subscription that is no more and whose row stays for its losses."""
    if record.missed_delta:
        return Change.MISSED
    if record.unaccounted_delta:
        return Change.UNACCOUNTED
    return Change.REMOVED if before and not before.ended else None


def _moving(record: SubscriptionRecord) -> tuple[int | None, ...]:
    """The fields of which a change is worth a line."""
    return (
        record.received_total,
        record.gaps_total,
        record.discarded_total,
        record.callback_count,
        record.overdue,
        record.unaccounted_total,
    )


def _subscription_change(
    change: Change, server: str, record: SubscriptionRecord, before: SubscriptionRecord | None
) -> SubscriptionChange:
    removed = change is Change.REMOVED
    return SubscriptionChange(
        change=change,
        server=server,
        topic=record.topic,
        stream=record.stream,
        publisher=record.publisher,
        received_delta=0 if removed else record.received_delta,
        received_total=record.received_total,
        missed_delta=0 if removed else record.missed_delta,
        missed_total=record.missed_total,
        missed_at_least=record.missed_at_least,
        gaps_delta=0 if removed else record.gaps_delta,
        gaps_total=record.gaps_total,
        discarded_delta=max(0, record.discarded_total - before.discarded_total) if before else 0,
        overdue=record.overdue,
        unaccounted_delta=0 if removed else record.unaccounted_delta,
        unaccounted_total=record.unaccounted_total,
        cause=record.cause,
        callbacks=record.callback_count,
        callbacks_before=before.callback_count if before else record.callback_count,
    )


def _connection_changes(server: ServerRecord, before: ServerRecord | None) -> Iterator[ConnectionChange]:
    known = {_retried(entry): entry for entry in before.not_connected} if before else {}
    for entry in server.not_connected:
        if known.pop(_retried(entry), None) is None:
            yield ConnectionChange(
                server=server.name,
                stream=_retried(entry),
                connected=False,
                last_heartbeat=entry.last_heartbeat or "",
            )
    for stream, entry in known.items():
        yield ConnectionChange(
            server=server.name, stream=stream, connected=True, last_heartbeat=entry.last_heartbeat or ""
        )


def _retried(entry: NotConnected) -> str:
    """The name of the stream as a subscription would show it, with the database if it is told."""
    prefix = f"tango://{entry.tango_host}/" if entry.tango_host else ""
    return f"{prefix}{entry.subject}.{entry.event_type}"

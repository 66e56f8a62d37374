"""What a monitor knows after a poll, as far as tests need it; from a Snapshot or from ``QuerySnapshot``."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from stem_device.model.finding import Cause
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import ServerRecord, Snapshot
from stem_device.report.number_text import utc


class Stream(Struct, frozen=True, rename="camel"):
    """One stream of a publisher; ``pushed`` is the length of its present series."""

    name: str
    pushed: int


class Subscription(Struct, frozen=True, rename="camel"):
    """One topic of a subscriber. Totals count from when monitoring began.

    ``lost_since``: what the last poll found lost was lost after that, ISO 8601; None where nothing was.
    ``ended``: the subscription is no more, and stays for its losses. What older devices do not tell has its
    default.
    """

    topic: str
    stream: str
    publisher: str
    server_counter: int
    received: int
    missed: int
    missed_at_least: bool
    gaps: int
    overdue: int | None
    unaccounted: int = 0
    lost_since: str | None = None
    ended: bool = False
    blind_seconds: float = 0.0


class Reason(Struct, frozen=True, rename="camel"):
    """Why a subscription lost events lately or waits; see :class:`stem_device.model.finding.Finding`."""

    server: str
    topic: str
    cause: Cause
    likely: bool
    sentence: str
    advice: str


class Totals(Struct, frozen=True, rename="camel"):
    """Of all servers. ``overdue_unknown`` counts subscriptions."""

    published: int
    received: int
    missed: int
    overdue: int
    unaccounted: int = 0
    overdue_unknown: int = 0
    unseen_streams: int = 0
    unobserved: int = 0
    missed_before: int = 0
    blind_seconds: float = 0.0


class Server(Struct, frozen=True, rename="camel"):
    """One server; ``followed``: it is no target."""

    name: str
    state: ServerState
    reason: str
    streams: tuple[Stream, ...]
    subscriptions: tuple[Subscription, ...]
    followed: bool = False


class Observation(Struct, frozen=True, rename="camel"):
    """All servers after one poll. ``monitoring_since`` changes when the totals begin anew.

    ``time`` is when the poll began, ISO 8601; empty if not told.
    """

    poll: int
    monitoring_since: str
    totals: Totals
    servers: tuple[Server, ...]
    time: str = ""
    findings: tuple[Reason, ...] = ()

    @property
    def pushed(self) -> dict[str, int]:
        """How long the series of each stream is; names in lower case."""
        return {stream.name.lower(): stream.pushed for server in self.servers for stream in server.streams}

    @property
    def uncertain(self) -> bool:
        """Whether any subscription lacks events that its publisher has pushed: in flight, or lost."""
        pushed = self.pushed
        return any(
            pushed.get(subscription.stream.lower(), 0) > subscription.server_counter
            for server in self.servers
            for subscription in server.subscriptions
            if not subscription.ended
        )


def from_json(text: str) -> Observation:
    """Of the JSON of ``QuerySnapshot``; raises msgspec.DecodeError, or ValidationError for other JSON."""
    return msgspec.json.decode(text, type=Observation)


def from_snapshot(snapshot: Snapshot) -> Observation:
    """Of a Snapshot of an engine."""
    counts = snapshot.counts
    return Observation(
        poll=snapshot.poll,
        monitoring_since=str(snapshot.monitoring_since_utc_ns),
        totals=Totals(
            counts.published,
            counts.received,
            counts.missed,
            counts.overdue,
            counts.unaccounted,
            counts.overdue_unknown,
            counts.unseen_streams,
            counts.unobserved,
            counts.missed_before,
            counts.blind_seconds,
        ),
        servers=tuple(map(_server, snapshot.servers)),
        time=utc(snapshot.time_utc_ns),
        findings=tuple(
            Reason(one.server, one.topic, one.cause, one.likely, one.sentence, one.advice)
            for one in snapshot.findings
        ),
    )


def _server(server: ServerRecord) -> Server:
    return Server(
        name=server.name,
        state=server.state,
        reason=server.reason,
        streams=tuple(Stream(stream.name, stream.pushed) for stream in server.streams),
        subscriptions=tuple(
            Subscription(
                topic=one.topic,
                stream=one.stream,
                publisher=one.publisher,
                server_counter=one.server_counter,
                received=one.received_total,
                missed=one.missed_total,
                missed_at_least=one.missed_at_least,
                gaps=one.gaps_total,
                overdue=one.overdue,
                unaccounted=one.unaccounted_total,
                lost_since=utc(one.lost_since_utc_ns) if one.lost_since_utc_ns else None,
                ended=one.ended,
                blind_seconds=one.blind_seconds,
            )
            for one in server.subscriptions
        ),
        followed=server.followed,
    )

"""What a monitor knows after a poll, as far as tests need it; from a Snapshot or from ``QuerySnapshot``."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from stem_device.model.poll import ServerState
from stem_device.model.snapshot import ServerRecord, Snapshot


class Stream(Struct, frozen=True, rename="camel"):
    """One stream of a publisher; ``pushed`` is the length of its present series."""

    name: str
    pushed: int


class Subscription(Struct, frozen=True, rename="camel"):
    """One topic of a subscriber. Totals count from when monitoring began."""

    topic: str
    stream: str
    publisher: str
    server_counter: int
    received: int
    missed: int
    missed_at_least: bool
    gaps: int
    overdue: int | None


class Totals(Struct, frozen=True):
    """Of all servers."""

    published: int
    received: int
    missed: int
    overdue: int


class Server(Struct, frozen=True, rename="camel"):
    """One server."""

    name: str
    state: ServerState
    reason: str
    streams: tuple[Stream, ...]
    subscriptions: tuple[Subscription, ...]


class Observation(Struct, frozen=True, rename="camel"):
    """All servers after one poll. ``monitoring_since`` changes when the totals begin anew."""

    poll: int
    monitoring_since: str
    totals: Totals
    servers: tuple[Server, ...]

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
        totals=Totals(counts.published, counts.received, counts.missed, counts.overdue),
        servers=tuple(map(_server, snapshot.servers)),
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
            )
            for one in server.subscriptions
        ),
    )

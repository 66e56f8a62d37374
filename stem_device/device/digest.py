"""What several attributes need of one Snapshot, computed once a poll."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from msgspec import Struct

from stem_device.analysis.live import known_subscriptions
from stem_device.analysis.worst import Badness, badness_of
from stem_device.model.poll import ServerState
from stem_device.model.rows import lossy
from stem_device.model.snapshot import ServerRecord, Snapshot, SubscriptionRecord

MAX_SERVERS = 1024
"""Greatest length of the spectra with one value a server."""

MAX_WORST = 64
"""Greatest length of ``worstSubscriptions`` and the spectra beside it."""


class Worst(Struct, frozen=True, gc=False):
    """A subscription that lost something or waits for it, with the server that has it."""

    server: str
    subscription: SubscriptionRecord

    @property
    def badness(self) -> Badness:
        return badness_of(self.subscription)


@dataclass(frozen=True, slots=True)
class Digest:
    """Sums and selections over the servers of one Snapshot.

    ``servers`` are the first MAX_SERVERS in the order of the Snapshot, ``worst`` the MAX_WORST worst
    subscriptions with any loss, worst first; the ``..._not_shown`` count what was left out.
    ``disconnected`` counts subscriptions that are being retried, in servers that answered.
    ``followed`` servers are in nothing else.
    """

    states: Mapping[ServerState, int]
    streams: int
    subscriptions: int
    disconnected: int
    sampling: int
    drained: int
    servers: tuple[ServerRecord, ...]
    followed: tuple[ServerRecord, ...]
    servers_not_shown: int
    worst: tuple[Worst, ...]
    worst_not_shown: int


def digest(snapshot: Snapshot, *, max_servers: int = MAX_SERVERS, max_worst: int = MAX_WORST) -> Digest:
    """Go once through the Snapshot."""
    servers = tuple(server for server in snapshot.servers if not server.followed)
    losers = list(_losers(servers))
    return Digest(
        states=Counter(server.state for server in servers),
        streams=sum(len(server.streams) for server in servers),
        subscriptions=sum(map(known_subscriptions, servers)),
        disconnected=sum(len(server.not_connected) for server in monitored(servers)),
        sampling=sum(server.sampling for server in monitored(servers)),
        drained=sum(server.drained_by_others for server in servers),
        servers=servers[:max_servers],
        followed=tuple(server for server in snapshot.servers if server.followed),
        servers_not_shown=max(0, len(servers) - max_servers),
        worst=tuple(heapq.nlargest(max_worst, losers, key=lambda worst: worst.badness)),
        worst_not_shown=max(0, len(losers) - max_worst),
    )


def monitored(servers: Iterable[ServerRecord]) -> Iterator[ServerRecord]:
    """The servers that answered in this poll."""
    return (server for server in servers if server.state is ServerState.MONITORED)


def _losers(servers: Iterable[ServerRecord]) -> Iterator[Worst]:
    for server in servers:
        for subscription in lossy(server.subscriptions):
            yield Worst(server.name, subscription)

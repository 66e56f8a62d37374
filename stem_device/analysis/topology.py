"""Who publishes what to whom: streams, their subscribers, and what a restart would interrupt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from stem_device.model.snapshot import ServerRecord, Snapshot, StreamRecord, SubscriptionRecord, Unseen
from stem_device.model.topics import local_name


class Receiver(Struct, frozen=True, kw_only=True):
    """One subscription to a stream, by a server that was asked.

    ``received_rate`` is in events per second between the two Snapshots; None where it is not known, as
    ``overdue`` and ``lag_seconds`` (see :class:`.SubscriptionRecord`). ``cause`` is a code, or empty.
    """

    server: str
    callbacks: int
    received_rate: float | None
    missed_total: int
    unaccounted_total: int
    overdue: int | None
    lag_seconds: float | None
    cause: str


class Published(Struct, frozen=True, kw_only=True):
    """One stream. ``pushed`` and ``published_rate`` are None where its publisher is not asked.

    ``unseen`` says whether servers or clients that were not asked are subscribed: ``maybe``, ``certain``;
    ``not told`` where nothing says so, and beside subscribers that are seen, whom it cannot be told from.
    """

    stream: str
    publisher: str
    pushed: int | None
    published_rate: float | None
    unseen: str
    subscribers: tuple[Receiver, ...]


class Restart(Struct, frozen=True, kw_only=True):
    """What a restart of one server would interrupt, as far as it is seen.

    ``streams`` have subscribers; ``subscriptions`` of ``servers`` to them wait until it is back, about 10 s;
    ``unseen_streams`` have subscribers that are not seen. ``own_subscriptions`` are those that it makes anew.
    """

    server: str
    streams: int
    subscriptions: int
    servers: tuple[str, ...]
    unseen_streams: int
    own_subscriptions: int


class Topology(Struct, frozen=True, kw_only=True):
    """All streams by name, and of each publisher what its restart would interrupt."""

    seconds: float
    streams: tuple[Published, ...]
    restarts: tuple[Restart, ...]


_UNSEEN = {Unseen.NOT_TOLD: "not told", Unseen.MAYBE: "maybe", Unseen.CERTAIN: "certain"}


def topology(before: Snapshot | None, now: Snapshot) -> Topology:
    """Of the present Snapshot, with rates since ``before``."""
    seconds = (now.monotonic_ns - before.monotonic_ns) / 1e9 if before is not None else 0.0
    pushed = {(server.name, one.name.lower()): one for server in now.servers for one in server.streams}
    receivers: dict[tuple[str, str], list[Receiver]] = defaultdict(list)
    old = _subscriptions(before)
    for server, one in _all_subscriptions(now):
        was = old.get((server.name, one.topic))
        receivers[one.publisher, one.stream.lower()].append(_receiver(server, one, was, seconds))
    then = _pushed(before)
    names = {key: one.name for key, one in pushed.items()}
    names |= {(one.publisher, one.stream.lower()): one.stream for _, one in _all_subscriptions(now)}
    streams = tuple(
        _published(
            name, key[0], pushed.get(key), _pace(pushed.get(key), then.get(key), seconds), receivers[key]
        )
        for key, name in sorted(names.items())
    )
    return Topology(seconds=seconds, streams=streams, restarts=_restarts(streams))


def concerning(whole: Topology, name: str) -> Topology:
    """What concerns a stream, an attribute, a device, or a server (``dserver/x/y``, ``Name/instance``)."""
    wanted = _path(name)
    parts = wanted.split("/")
    if len(parts) == 2:
        wanted, parts = f"dserver/{wanted}", ["dserver", *parts]
    if parts[0] == "dserver":
        streams = tuple(one for one in whole.streams if _involves(one, wanted))
        servers = {wanted}
    else:
        streams = tuple(one for one in whole.streams if _is_of(_path(one.stream), wanted))
        servers = {_path(one.publisher) for one in streams}
    restarts = tuple(one for one in whole.restarts if _path(one.server) in servers)
    return Topology(seconds=whole.seconds, streams=streams, restarts=restarts)


def _path(name: str) -> str:
    """Without database, in lower case."""
    return local_name(name.strip().lower())


def _involves(stream: Published, server: str) -> bool:
    return _path(stream.publisher) == server or any(_path(one.server) == server for one in stream.subscribers)


def _is_of(stream: str, wanted: str) -> bool:
    """Whether a stream is the wanted one, of the wanted attribute, or of the wanted device."""
    return stream == wanted or stream.startswith((f"{wanted}/", f"{wanted}."))


def _all_subscriptions(snapshot: Snapshot) -> Iterable[tuple[ServerRecord, SubscriptionRecord]]:
    return ((server, one) for server in snapshot.servers for one in server.subscriptions if not one.ended)


def _subscriptions(snapshot: Snapshot | None) -> dict[tuple[str, str], SubscriptionRecord]:
    if snapshot is None:
        return {}
    return {(server.name, one.topic): one for server, one in _all_subscriptions(snapshot)}


def _pushed(snapshot: Snapshot | None) -> dict[tuple[str, str], StreamRecord]:
    if snapshot is None:
        return {}
    return {(server.name, one.name.lower()): one for server in snapshot.servers for one in server.streams}


def _receiver(
    server: ServerRecord, one: SubscriptionRecord, was: SubscriptionRecord | None, seconds: float
) -> Receiver:
    return Receiver(
        server=server.name,
        callbacks=one.callback_count,
        received_rate=_rate(one.received_total, was.received_total if was else None, seconds),
        missed_total=one.missed_total,
        unaccounted_total=one.unaccounted_total,
        overdue=one.overdue,
        lag_seconds=one.lag_seconds,
        cause=one.cause,
    )


def _published(
    name: str, publisher: str, one: StreamRecord | None, rate: float | None, receivers: Sequence[Receiver]
) -> Published:
    return Published(
        stream=name,
        publisher=publisher,
        pushed=None if one is None else one.pushed,
        published_rate=rate,
        unseen="not told" if one is None else _UNSEEN[one.unseen],
        subscribers=tuple(receivers),
    )


def _pace(one: StreamRecord | None, was: StreamRecord | None, seconds: float) -> float | None:
    return None if one is None or was is None else _rate(one.published_total, was.published_total, seconds)


def _rate(now: int, before: int | None, seconds: float) -> float | None:
    return None if before is None or seconds <= 0 else max(0, now - before) / seconds


def _restarts(streams: Sequence[Published]) -> tuple[Restart, ...]:
    published: dict[str, list[Published]] = defaultdict(list)
    own: dict[str, int] = defaultdict(int)
    for stream in streams:
        published[stream.publisher].append(stream)
        for receiver in stream.subscribers:
            own[receiver.server] += 1
    return tuple(
        Restart(
            server=server,
            streams=sum(bool(one.subscribers) for one in published[server]),
            subscriptions=sum(len(one.subscribers) for one in published[server]),
            servers=tuple(sorted({r.server for one in published[server] for r in one.subscribers})),
            unseen_streams=sum(one.unseen in {"maybe", "certain"} for one in published[server]),
            own_subscriptions=own[server],
        )
        for server in sorted({*published, *own} - {""})
    )

"""The JSON of a Snapshot, or of the servers and subscriptions that somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import compress
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import structs

from stem_device.catalogue.snapshot_json import full_snapshot
from stem_device.model.snapshot import Integers, PublisherSamples, ServerRecord, Snapshot, SubscriberSamples
from stem_device.reading.patterns import matching

Flags = npt.NDArray[np.bool_]
Samples = TypeVar("Samples", PublisherSamples, SubscriberSamples)

MAX_PATTERNS = 20
MAX_PATTERN_CHARACTERS = 1000


def document_of(
    snapshot: Snapshot, servers: Sequence[str] = (), subscriptions: Sequence[str] = ()
) -> bytes | None:
    """Schema stem-device.snapshot, of all or of what matches; None where nothing does.

    ``servers`` are names, ``subscriptions`` streams or topics; globs, in full or without
    ``tango://host:port/``, upper and lower case alike. Servers with a matching subscription are there with
    these subscriptions and their streams alone, and without samples. Sums and findings are of the whole.
    """
    chosen = snapshot
    if servers:
        chosen = _of_servers(snapshot, _bounded(servers))
    if subscriptions:
        chosen = _of_subscriptions(chosen, _bounded(subscriptions))
    if (servers or subscriptions) and not chosen.servers:
        return None
    return full_snapshot(chosen).encode()


def _bounded(patterns: Sequence[str]) -> list[str]:
    """Short enough that their regular expression costs nothing."""
    return [pattern[:MAX_PATTERN_CHARACTERS] for pattern in patterns[:MAX_PATTERNS]]


def _of_servers(snapshot: Snapshot, patterns: Sequence[str]) -> Snapshot:
    wanted = matching([server.name for server in snapshot.servers], patterns)
    servers = tuple(one for one, found in zip(snapshot.servers, wanted.tolist(), strict=True) if found)
    position = np.cumsum(wanted) - 1
    publisher, subscriber = snapshot.publisher_samples, snapshot.subscriber_samples
    return replace(
        snapshot,
        servers=servers,
        publisher_samples=_rows(publisher, wanted[publisher.server], position),
        subscriber_samples=_rows(subscriber, wanted[subscriber.server], position),
    )


def _of_subscriptions(snapshot: Snapshot, patterns: Sequence[str]) -> Snapshot:
    found = (_with_subscriptions(server, patterns) for server in snapshot.servers)
    publisher, subscriber = snapshot.publisher_samples, snapshot.subscriber_samples
    return replace(
        snapshot,
        servers=tuple(server for server in found if server.subscriptions),
        publisher_samples=_rows(publisher, publisher.server < 0, publisher.server),
        subscriber_samples=_rows(subscriber, subscriber.server < 0, subscriber.server),
    )


def _with_subscriptions(server: ServerRecord, patterns: Sequence[str]) -> ServerRecord:
    streams = matching([row.stream for row in server.subscriptions], patterns)
    wanted = streams | matching([row.topic for row in server.subscriptions], patterns)
    rows = tuple(row for row, found in zip(server.subscriptions, wanted.tolist(), strict=True) if found)
    names = {row.stream for row in rows}
    own = tuple(stream for stream in server.streams if stream.name.lower() in names)
    return structs.replace(server, subscriptions=rows, streams=own)


def _rows(samples: Samples, wanted: Flags, position: Integers) -> Samples:
    """Some rows, with the new positions of their servers."""
    columns = {
        field.name: _picked(getattr(samples, field.name), wanted)
        for field in fields(samples)
        if field.name != "server"
    }
    return replace(samples, server=position[samples.server[wanted]], **columns)


def _picked(column: Any, wanted: Flags) -> Any:
    return tuple(compress(column, wanted)) if isinstance(column, tuple) else column[wanted]

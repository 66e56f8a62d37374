"""The Snapshots of the last hour, as far as they fit: what the live page is made of."""

from __future__ import annotations

import operator
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from msgspec import structs

from stem_device.model.mark import Mark
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import NO_METRICS, ServerRecord, Snapshot

WINDOW_SECONDS = 3600.0
WINDOW_BYTES = 64_000_000
"""Estimated. 500 streams that all move at every poll of 1 s are some 0.5 MB a poll: two minutes of them."""
MAX_MARKS = 10_000

SERVER_BYTES, STREAM_BYTES, SUBSCRIPTION_BYTES = 1500, 250, 800
PUBLISHER_SAMPLE_BYTES, SUBSCRIBER_SAMPLE_BYTES = 24, 80
"""Of one record and one row, with the numbers in it."""


class Window:
    """Keeps Snapshots and marks; the oldest go first. Any thread may call the methods."""

    def __init__(self, seconds: float = WINDOW_SECONDS, max_bytes: int = WINDOW_BYTES) -> None:
        self._ns = seconds * 1e9
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: deque[tuple[Snapshot, int]] = deque()
        self._bytes = 0
        self._marks: deque[Mark] = deque(maxlen=MAX_MARKS)

    def add(self, snapshot: Snapshot) -> None:
        """Keep one more, without what the page does not show: texts of replies, metrics of users."""
        slim = replace(snapshot, metrics=NO_METRICS, servers=tuple(map(_without_texts, snapshot.servers)))
        with self._lock:
            size = _bytes_of(slim, self._kept[-1][0] if self._kept else None)
            self._kept.append((slim, size))
            self._bytes += size
            while len(self._kept) > 1 and self._is_too_much(slim.monotonic_ns):
                self._bytes -= self._kept.popleft()[1]

    def add_mark(self, mark: Mark) -> None:
        self._marks.append(mark)

    @property
    def bytes(self) -> int:
        """How large it is, about."""
        return self._bytes

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Oldest first."""
        with self._lock:
            return tuple(one[0] for one in self._kept)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Those since the oldest Snapshot."""
        with self._lock:
            since = self._kept[0][0].time_utc_ns if self._kept else 0
        return tuple(mark for mark in self._marks.copy() if mark.received_utc_ns >= since)

    def _is_too_much(self, now_ns: int) -> bool:
        return self._bytes > self._max_bytes or now_ns - self._kept[0][0].monotonic_ns > self._ns


def _without_texts(server: ServerRecord) -> ServerRecord:
    if server.state is ServerState.MONITORED and server.texts:
        return structs.replace(server, texts=())
    return server


def _bytes_of(snapshot: Snapshot, before: Snapshot | None) -> int:
    """What it takes beside the one before: records that did not change are the same objects."""
    known = {server.name: server for server in before.servers} if before else {}
    return (
        sum(_server_bytes(server, known.get(server.name)) for server in snapshot.servers)
        + PUBLISHER_SAMPLE_BYTES * len(snapshot.publisher_samples.server)
        + SUBSCRIBER_SAMPLE_BYTES * len(snapshot.subscriber_samples.server)
    )


def _server_bytes(server: ServerRecord, before: ServerRecord | None) -> int:
    size = SERVER_BYTES + sum(map(len, server.texts))
    for rows, old, each in (
        (server.streams, before.streams if before else (), STREAM_BYTES),
        (server.subscriptions, before.subscriptions if before else (), SUBSCRIPTION_BYTES),
    ):
        if rows is not old:
            size += 8 * len(rows) + each * sum(_new(rows, old))
    return size


def _new(rows: Sequence[object], old: Sequence[object]) -> Iterator[bool]:
    if isinstance(rows, tuple) and isinstance(old, tuple) and len(rows) == len(old):
        return map(operator.is_not, rows, old)
    return iter([True] * len(rows))  # of SteadyRows too: whoever looks at them makes all of their records

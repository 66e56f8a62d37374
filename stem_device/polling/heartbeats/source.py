"""One SUB socket for the heartbeats of all publishers. Needs the extra "wire"."""

from __future__ import annotations

import socket
import threading
from typing import Any

from stem_device.errors import MissingExtraError
from stem_device.model.clock import Clock
from stem_device.model.link import LinkFigures
from stem_device.model.snapshot import Snapshot
from stem_device.polling.heartbeats.links import Links, publishers_of, told
from stem_device.polling.source import Answers, PollStart

WAIT_MS = 500
"""How long one wait for heartbeats takes: publishers that are new are connected to after it."""
CLOSE_SECONDS = 2.0
MAX_TOLD = 20
"""Sentences; the attribute has all names."""


class Heartbeats:
    """A :class:`stem_device.polling.Source` that answers for no server: it tells of links.

    ``take`` is told every Snapshot, on the poll thread. Raises MissingExtraError without pyzmq.
    """

    name = "heartbeats"

    def __init__(self, clock: Clock) -> None:
        try:
            import zmq  # noqa: PLC0415 - an optional part
        except ImportError as error:
            raise MissingExtraError("wire", "ListenToHeartbeats") from error
        self._zmq = zmq
        self._clock = clock
        self._host = socket.gethostname() or "this host"
        self._links = Links()
        self._changes: list[tuple[set[str], set[str]]] = []
        self._changing = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def figures(self) -> tuple[LinkFigures, ...]:
        """What is known of each link now."""
        return self._links.figures(self._clock.monotonic_ns())

    def take(self, snapshot: Snapshot) -> None:
        """Listen for the publishers that this poll's subscriptions depend on."""
        change = self._links.follow(publishers_of(snapshot), self._clock.monotonic_ns())
        if any(change):
            with self._changing:
                self._changes.append(change)
        if self._thread is None and change[0]:
            self._thread = threading.Thread(target=self._run, name="stem-heartbeats", daemon=True)
            self._thread.start()

    def collect(self, start: PollStart) -> Answers:
        """No answers; a problem for each link that is silent."""
        return Answers(problems=told(self._links.figures(start.started_monotonic_ns), self._host)[:MAX_TOLD])

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        context = self._zmq.Context()
        try:
            listener = context.socket(self._zmq.SUB)
            listener.setsockopt(self._zmq.LINGER, 0)
            listener.setsockopt(self._zmq.IPV6, 1)
            listener.setsockopt(self._zmq.SUBSCRIBE, b"")
            while not self._closing.is_set():
                self._change(listener)
                if listener.poll(WAIT_MS):
                    self._drain(listener)
        finally:
            context.destroy(linger=0)

    def _change(self, listener: Any) -> None:
        with self._changing:
            changes, self._changes = self._changes, []
        for begin, end in changes:
            for endpoint in end:
                self._try(listener.disconnect, endpoint)
            for endpoint in begin:
                self._try(listener.connect, endpoint)

    def _try(self, action: Any, endpoint: str) -> None:
        """An endpoint that ZeroMQ refuses is never heard of, which is told."""
        try:
            action(endpoint)
        except self._zmq.ZMQError:
            return

    def _drain(self, listener: Any) -> None:
        while True:
            try:
                frames = listener.recv_multipart(self._zmq.DONTWAIT)
            except self._zmq.Again:
                return
            topic = frames[0].rstrip(b"\0").decode(errors="replace")
            self._links.hear(topic, self._clock.monotonic_ns())

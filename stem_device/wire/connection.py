"""One SUB socket to one of several endpoints, and what is known of its connection."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from stem_device.wire.frames import MAX_FRAME_BYTES

TRY_SECONDS = 3.0
"""So long an endpoint has to answer before the next one is tried."""

RECONNECT_LIMIT_MS = 2_000
"""A publisher that is down is tried at least so often; ZeroMQ begins with 0.1 s."""


class Connection:
    """Connected to the first endpoint that answers. Raises ImportError without pyzmq.

    A publisher with several network interfaces tells several endpoints: all events go to each, so one is
    used. ``connections`` counts how often a connection was made.
    """

    def __init__(self, context: Any, endpoints: Sequence[str], queue_messages: int) -> None:
        import zmq  # noqa: PLC0415 - an optional part
        from zmq.utils.monitor import parse_monitor_message  # noqa: PLC0415

        self._zmq, self._parse = zmq, parse_monitor_message
        self._endpoints = tuple(endpoints)
        self._at = 0
        self._tried_ns = time.monotonic_ns()
        self.connected = False
        self.connections = 0
        self._context = context
        self._open(queue_messages)

    @property
    def sockets(self) -> tuple[Any, ...]:
        return (self.socket, self._monitor)

    @property
    def endpoint(self) -> str:
        """Where it is, or tries to be, connected; empty without endpoints."""
        return self._endpoints[self._at] if self._endpoints else ""

    def subscribe(self, prefix: bytes) -> None:
        """Have ZeroMQ send what begins so."""
        self.socket.setsockopt(self._zmq.SUBSCRIBE, prefix)

    def attend(self) -> None:
        """Take note of connections made and lost; go on to the next endpoint where one does not answer."""
        zmq = self._zmq
        while self._monitor.get(zmq.EVENTS) & zmq.POLLIN:
            event = self._parse(self._monitor.recv_multipart(zmq.DONTWAIT))
            self.connected = event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
            self.connections += self.connected
            self._tried_ns = time.monotonic_ns()
        if len(self._endpoints) > 1 and not self.connected:
            self._try_next()

    def reopen(self, queue_messages: int) -> None:
        """A new socket with a queue of another length; it has to be told what to subscribe to."""
        self.close()
        self._open(queue_messages)

    def close(self) -> None:
        self.socket.disable_monitor()
        self._monitor.close(linger=0)
        self.socket.close(linger=0)

    def _open(self, queue_messages: int) -> None:
        zmq = self._zmq
        self.connected = False
        socket = self.socket = self._context.socket(zmq.SUB)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, queue_messages)
        socket.setsockopt(zmq.IPV6, 1)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_LIMIT_MS)
        self._monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        if self._endpoints:
            self._connect()

    def _try_next(self) -> None:
        now = time.monotonic_ns()
        if now - self._tried_ns < TRY_SECONDS * 1e9:
            return
        self.socket.disconnect(self.endpoint)
        self._at = (self._at + 1) % len(self._endpoints)
        self._connect()

    def _connect(self) -> None:
        """An endpoint that is no address is as one that does not answer."""
        self._tried_ns = time.monotonic_ns()
        try:
            self.socket.connect(self.endpoint)
        except self._zmq.ZMQError:
            self._endpoints = (*self._endpoints[: self._at], *self._endpoints[self._at + 1 :])
            self._at = 0
            if self._endpoints:
                self._connect()

"""Listens to a publisher's ports with plain ZeroMQ sockets, beside Tango. Needs the extra "wire".

What the frames of a message mean is known to :mod:`stem_device.wire.frames`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from stem_device.wire.frames import Kind, counter_of, kind_of

QUEUE_MESSAGES = 100_000
"""High-water mark of the doctor's own sockets, so that it loses nothing that it could mistake for a loss."""


@dataclass
class Heard:
    """What came so far: counters of the stream's events and when, and when heartbeats came."""

    counters: list[int] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    heartbeats: list[float] = field(default_factory=list)
    others: int = 0

    @property
    def gaps(self) -> int:
        """Numbers that are missing between the first counter and the last."""
        distinct = sorted(set(self.counters))
        return distinct[-1] - distinct[0] + 1 - len(distinct) if distinct else 0


class Wire:
    """Sockets to the event and the heartbeat endpoints of one publisher. Raises ImportError without pyzmq.

    ``prefix`` is what the topics of an attribute begin with, ``kind`` how those of one event type end, after
    a dot or the IDL of the publisher: ``.change``, ``.idl5_change``.
    """

    def __init__(self, prefix: str, kind: str, events: Sequence[str], heartbeats: Sequence[str]) -> None:
        import zmq  # noqa: PLC0415 - an optional part

        self._again: type[BaseException] = zmq.Again
        self._dont_wait = zmq.DONTWAIT
        self._context = zmq.Context()
        self._poller = zmq.Poller()
        self._sockets: list[tuple[Any, bool]] = []
        self.heard = Heard()
        self._endings = (f".{kind}".encode(), f"_{kind}".encode())
        for endpoints, topic, beats in ((events, prefix, False), (heartbeats, "", True)):
            for endpoint in endpoints:
                socket = self._context.socket(zmq.SUB)
                socket.setsockopt(zmq.LINGER, 0)
                socket.setsockopt(zmq.RCVHWM, QUEUE_MESSAGES)
                socket.setsockopt(zmq.IPV6, 1)
                socket.setsockopt_string(zmq.SUBSCRIBE, topic)
                socket.connect(endpoint)
                self._poller.register(socket, zmq.POLLIN)
                self._sockets.append((socket, beats))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.destroy(linger=0)

    def listen(self, seconds: float) -> None:
        """Take what is there; wait for it no longer than ``seconds``."""
        if not self._poller.poll(max(0, round(seconds * 1000))):
            return
        for socket, beats in self._sockets:
            self._drain(socket, beats)

    def _drain(self, socket: Any, beats: bool) -> None:
        for _ in range(QUEUE_MESSAGES):
            try:
                frames = socket.recv_multipart(self._dont_wait)
            except self._again:
                return
            self._take(frames, beats)

    def _take(self, frames: Sequence[bytes], beats: bool) -> None:
        now = time.monotonic()
        if beats:
            self.heard.heartbeats.append(now)
        elif kind_of(frames) is not Kind.EVENT:
            self.heard.others += 1
        elif frames[0].rstrip(b"\0").endswith(self._endings):
            self.heard.counters.append(counter_of(frames))
            self.heard.moments.append(now)

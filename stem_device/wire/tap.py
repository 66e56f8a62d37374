"""Listens to the ports of one publisher and counts what goes over them. Needs the extra "wire"."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from stem_device.wire.connection import Connection
from stem_device.wire.counting import TopicCounter, TopicCounts
from stem_device.wire.frames import MAX_FRAMES, Kind, counter_of, kind_of, topic_of
from stem_device.wire.topics import Topics

MAX_TOPICS = 10_000
"""Topics of one publisher that are followed: the names of more would be for a hostile one to choose."""

QUEUE_MESSAGES = 50_000
"""High-water mark of the tap's own queue: one second at the rate that it can follow."""

QUEUE_BYTES = 64 * 2**20
LEAST_QUEUE_MESSAGES = 10
"""An image of 8 million doubles fills the queue's memory alone; a few have to fit while one is read."""

MESSAGE_OVERHEAD_BYTES = 512
"""What ZeroMQ needs for the four frames of an event besides their contents."""

BEAT_PAIR_SECONDS = 2.0
"""Each heartbeat is sent twice, and the next is 9 s away."""

BATCH = 2_000
"""Messages that are taken from one publisher before the next has its turn."""

BEHIND_SECONDS = 10.0
"""For how long after the tap's queue may have been full a gap counts as the tap's own loss.

While the queue is full the publisher drops what neither it nor the kernel can hold. The gap that this leaves
comes after all that waited then, when the queue may have been found empty again many times. At 10,000
events a second a full queue alone takes 5 s, which half of it is; with twice as much, what a network loses
later would be told as the tap's own loss.
"""

TUNE_MESSAGES = 20
TUNE_BYTES = QUEUE_BYTES // 8
"""After so many messages and bytes the length of the queue is looked at again."""

GROW_FACTOR = 8

OnEvent = Callable[[TopicCounter, int, Sequence[bytes]], None]
"""Called with each event that is no duplicate: its topic, how many are missing before it, its frames."""


class TapCounts(Struct, frozen=True):
    """Totals of one publisher. ``topics`` may be those alone in which something happened.

    ``connected``: to its event port, now. ``connections``: how often that was made. ``behind``: the tap's own
    queue may be full, or was within the last 10 s. Times are monotonic, 0 for never.
    """

    at_ns: int
    connected: bool
    connections: int
    endpoint: str
    heartbeats: int
    last_heartbeat_ns: int
    others: int
    behind: bool
    topics: tuple[TopicCounts, ...]


class Tap:
    """One publisher: a SUB socket for its events, one for its heartbeats. Not for several threads at once.

    ``events`` and ``heartbeats`` are endpoints as the publisher tells them: of several, one that can be
    reached is used, since each has all events. It subscribes to nothing in Tango's sense: it gets what the
    publisher sends to those who did. Raises ImportError without pyzmq.
    """

    def __init__(
        self,
        events: Sequence[str],
        heartbeats: Sequence[str],
        topics: Topics | None = None,
        *,
        context: Any = None,
        on_event: OnEvent | None = None,
    ) -> None:
        import zmq  # noqa: PLC0415 - an optional part

        self._again: type[BaseException] = zmq.Again
        self._dont_wait, self._more = zmq.DONTWAIT, zmq.RCVMORE
        self._own_context = zmq.Context() if context is None else None
        context = context or self._own_context
        self._wanted = topics or Topics()
        self.queue_messages = QUEUE_MESSAGES
        self._events = Connection(context, events, self.queue_messages)
        self._beats = Connection(context, heartbeats, 1_000)
        self._beats.subscribe(b"")
        self._subscribe()
        self._reopened_ns = 0
        self._on_event = on_event
        self._counters: dict[bytes, TopicCounter] = {}
        self._changed: dict[bytes, TopicCounter] = {}
        self._since_empty = 0
        self._behind_until_ns = 0
        self._tuning = [0, 0]
        self._heartbeats = 0
        self._last_heartbeat_ns = 0
        self._others = 0

    @property
    def sockets(self) -> tuple[Any, ...]:
        """To wait for: when one of them is readable, ``take`` has something to do."""
        return (*self._events.sockets, *self._beats.sockets)

    @property
    def behind(self) -> bool:
        """Whether a gap that shows now may be the tap's own loss."""
        return time.monotonic_ns() < self._behind_until_ns

    def take(self) -> bool:
        """Take what is there, a batch at most; whether there may be more. Returns at once."""
        self._events.attend()
        self._beats.attend()
        self._take_beats()
        more = self._take_events()
        if self._tuning[0] >= TUNE_MESSAGES and self._tuning[1] >= TUNE_BYTES:
            self._fit_queue()
        return more

    def counts(self, *, changed_only: bool = False) -> TapCounts:
        """What is known now; ``changed_only``: topics in which something happened since the last time."""
        topics = self._changed if changed_only else self._counters
        told = tuple(topic.counts() for topic in topics.values())
        if changed_only:
            self._changed = {}
        return TapCounts(
            at_ns=time.monotonic_ns(),
            connected=self._events.connected,
            connections=self._events.connections,
            endpoint=self._events.endpoint,
            heartbeats=self._heartbeats,
            last_heartbeat_ns=self._last_heartbeat_ns,
            others=self._others,
            behind=self.behind,
            topics=told,
        )

    def close(self) -> None:
        """Let go of the publisher."""
        self._events.close()
        self._beats.close()
        if self._own_context is not None:
            self._own_context.destroy(linger=0)

    def _take_events(self) -> bool:
        socket = self._events.socket
        for _ in range(BATCH):
            frames = self._receive(socket)
            if frames is None:
                self._since_empty = 0
                return False
            self._since_empty += 1
            if kind_of(frames) is Kind.EVENT:
                self._take_event(frames)
            else:
                self._others += 1
            if self._since_empty >= self.queue_messages:  # as much as it holds: it may have been full
                self._behind_until_ns = time.monotonic_ns() + round(BEHIND_SECONDS * 1e9)
        return True

    def _take_event(self, frames: Sequence[bytes]) -> None:
        name = frames[0]
        counter = self._counters.get(name)
        if counter is None:
            counter = self._new_counter(frames)
            if counter is None:
                return
        size = len(name) + len(frames[1]) + len(frames[2]) + len(frames[3])
        now = time.monotonic_ns()
        behind = now < self._behind_until_ns or counter.moment_ns < self._reopened_ns
        missing = counter.take(counter_of(frames), size, now, behind=behind)
        self._changed[name] = counter
        self._tuning[0] += 1
        self._tuning[1] += size
        if self._on_event is not None and missing >= 0:
            self._on_event(counter, missing, frames)

    def _new_counter(self, frames: Sequence[bytes]) -> TopicCounter | None:
        """None for what is not wanted, or not followed."""
        name, topic = frames[0], topic_of(frames)
        if not self._wanted.matches(topic):
            return None
        if len(self._counters) >= MAX_TOPICS:
            self._others += 1
            return None
        counter = self._counters[name] = TopicCounter(topic)
        return counter

    def _take_beats(self) -> None:
        socket = self._beats.socket
        for _ in range(BATCH):
            frames = self._receive(socket)
            if frames is None:
                return
            if kind_of(frames) is not Kind.HEARTBEAT:
                self._others += 1
                continue
            now = time.monotonic_ns()
            if now - self._last_heartbeat_ns > BEAT_PAIR_SECONDS * 1e9 or not self._last_heartbeat_ns:
                self._heartbeats += 1
                self._last_heartbeat_ns = now
                for prefix in self._wanted.learn(topic_of(frames)):
                    self._events.subscribe(prefix)

    def _receive(self, socket: Any) -> list[bytes] | None:
        """One message; of one with too many frames the first ones, with one more than any of Tango has."""
        try:
            frames = [socket.recv(self._dont_wait)]
        except self._again:
            return None
        while socket.get(self._more):
            part = socket.recv()
            if len(frames) <= MAX_FRAMES:
                frames.append(part)
        return frames

    def _fit_queue(self) -> None:
        """Let the queue hold as many messages of the present size as its memory allows.

        By a new socket: where the limit of one that is full is raised, ZeroMQ never takes another message
        (measured, libzmq 4.3.5). What is missed meanwhile is a loss of the tap's own.
        """
        messages, size = self._tuning
        self._tuning = [0, 0]
        fitting = QUEUE_BYTES // (size // messages + MESSAGE_OVERHEAD_BYTES)
        fitting = max(LEAST_QUEUE_MESSAGES, min(QUEUE_MESSAGES, fitting))
        if fitting < self.queue_messages // 2 or fitting >= self.queue_messages * GROW_FACTOR:
            self.queue_messages = fitting
            self._events.reopen(fitting)
            self._subscribe()
            self._since_empty = 0
            self._reopened_ns = time.monotonic_ns()

    def _subscribe(self) -> None:
        for prefix in self._wanted.prefixes():
            self._events.subscribe(prefix)


class Taps:
    """Several publishers, one loop: ``listen`` waits for any of them and takes what there is."""

    def __init__(self) -> None:
        import zmq  # noqa: PLC0415 - an optional part

        self.context = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, 4 * 1023)
        self._poller = zmq.Poller()
        self._pollin = zmq.POLLIN
        self._waited_for: dict[str, tuple[Any, ...]] = {}
        self.taps: dict[str, Tap] = {}

    def watch(
        self,
        key: str,
        events: Sequence[str],
        heartbeats: Sequence[str],
        topics: Topics | None = None,
        on_event: OnEvent | None = None,
    ) -> Tap:
        """Tap one more publisher, in place of one that had this key."""
        self.forget(key)
        tap = self.taps[key] = Tap(events, heartbeats, topics, context=self.context, on_event=on_event)
        self._register(key, tap)
        return tap

    def forget(self, key: str) -> None:
        tap = self.taps.pop(key, None)
        if tap is not None:
            for socket in self._waited_for.pop(key):
                self._poller.unregister(socket)
            tap.close()

    def also_wait_for(self, descriptor: int) -> None:
        """Return from ``listen`` when this file can be read, too."""
        self._poller.register(descriptor, self._pollin)

    def listen(self, seconds: float) -> None:
        """Wait no longer than ``seconds`` for something to come, then take it."""
        self._poller.poll(max(0, round(seconds * 1000)))
        for key, tap in self.taps.items():
            tap.take()
            if tap.sockets != self._waited_for[key]:
                self._register(key, tap)

    def _register(self, key: str, tap: Tap) -> None:
        for socket in self._waited_for.get(key, ()):
            self._poller.unregister(socket)
        self._waited_for[key] = tap.sockets
        for socket in tap.sockets:
            self._poller.register(socket, self._pollin)

    def close(self) -> None:
        for key in list(self.taps):
            self.forget(key)
        self.context.destroy(linger=0)

"""A simulated publisher and subscriber that know the truth, event by event.

It follows what was measured of cppTango: a lost event leaves no trace until a later one of the same series
arrives; a subscription's counters begin at 0, a publisher's at 1; a publisher that restarts is found again
within some seconds, and what it pushes until then goes nowhere; what lies in the queue of a process that ends
is lost.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from stem_device.model.poll import Answer, Failure, Identity, Poll, ServerState
from stem_device.model.reply import EventCallback, Reply
from tests.unit.accounting.replies import PUBLISHER, SECOND, SUBSCRIBER, callback, publisher, subscriber

Told = Literal["at once", "late", "never"]
"""When a publisher's ports are known: they are asked for after its first answer, and a relay has none."""


@dataclass(eq=False)
class Event:
    """One push. ``counts``: it was pushed while monitoring and a subscription, of that number, existed."""

    number: int
    counts: bool
    subscription: int = 0
    observed: bool = False
    delivered: bool = False
    lost: bool = False
    connecting: bool = False
    """Pushed before ZeroMQ had connected a new subscription."""


@dataclass
class Subscription:
    """One life of a subscription: its counters, and its queue, oldest first."""

    made_at: float
    c: int = 0
    e: int = 0
    m: int = 0
    d: int = 0
    connected_to: int = 0
    """Life of the publisher that it is connected to; 0 while ZeroMQ connects."""
    port: int = 0
    queue: list[Event] = field(default_factory=list)

    @property
    def callback(self) -> EventCallback:
        return callback(self.c, self.e, self.m, self.d)


class World:
    """One publisher and one subscriber on a clock that only polls move."""

    def __init__(self, *, fixed_ports: bool = False, endpoints_told: Told = "at once") -> None:
        self.fixed_ports, self.endpoints_told = fixed_ports, endpoints_told
        self._answered_life = 0
        self._answers: frozenset[str] = frozenset()
        self.now = 100.0
        self.number = 0
        self.publisher_life = self.subscriber_life = 1
        self.publisher_runs = self.subscriber_runs = True
        self.publisher_died_at = self.arrived_at = 0.0
        self.pushed = 0
        self.subscription: Subscription | None = None
        self.subscriptions_made = 0
        self.events: list[Event] = []
        self.unnoticed = 0
        """Polls since each process ended at which that was not told yet."""

    @property
    def port(self) -> int:
        return 5000 if self.fixed_ports else 5000 + self.publisher_life

    # What happens.

    def push(self, n: int, *, lose: bool = False) -> None:
        """Push n events; ``lose``: a full queue drops them."""
        subscription = self.subscription
        for _ in range(n):
            self.pushed += 1
            counts = self.number > 0 and subscription is not None
            event = Event(self.pushed, counts, self.subscriptions_made if counts else 0)
            self.events.append(event)
            if subscription is None:
                continue
            if not lose and subscription.connected_to == self.publisher_life:
                subscription.queue.append(event)
            else:
                event.lost = True
                event.connecting = not subscription.connected_to

    def deliver(self, n: int) -> None:
        """Call the callbacks with the first n events of the queue."""
        subscription = self.subscription
        assert subscription is not None
        for event in subscription.queue[:n]:
            self.arrived_at = self.now
            _receive(subscription, event)
        del subscription.queue[:n]

    def stop_publisher(self, queue_left: int) -> None:
        """End its process; ``queue_left`` events have reached the subscriber's side."""
        self.publisher_runs = False
        self.publisher_died_at = self.now
        if self.subscription is not None:
            for event in self.subscription.queue[queue_left:]:
                event.lost = True
            del self.subscription.queue[queue_left:]

    def start_publisher(self) -> None:
        self.publisher_runs = True
        self.publisher_life += 1
        self.pushed = 0

    def reconnect(self) -> None:
        """cppTango's keep-alive thread finds the publisher's new life."""
        assert self.subscription is not None
        self.subscription.connected_to = self.publisher_life
        self.subscription.port = self.port

    def subscribe(self) -> None:
        self.subscription = Subscription(self.now, port=self.port)
        self.subscriptions_made += 1

    def unsubscribe(self) -> None:
        assert self.subscription is not None
        for event in self.subscription.queue:
            event.lost = True
        self.subscription = None

    def stop_subscriber(self) -> None:
        if self.subscription is not None:
            self.unsubscribe()
        self.subscriber_runs = False

    def start_subscriber(self) -> None:
        self.subscriber_runs = True
        self.subscriber_life += 1

    # Polls.

    def pass_time(self, seconds: float) -> None:
        """Let ZeroMQ connect, and the queue of a dead publisher run empty, in the time that they take."""
        self.now += seconds
        subscription = self.subscription
        if subscription is None:
            return
        if not subscription.connected_to and self.now - subscription.made_at >= 1.0 and self.publisher_runs:
            self.reconnect()
        quiet = self.now - max(self.publisher_died_at, self.arrived_at)
        alive = self.publisher_runs and subscription.connected_to == self.publisher_life
        if not alive and quiet >= 25.0:
            self.deliver(len(subscription.queue))

    def poll(
        self,
        *,
        publisher_silent: bool = False,
        subscriber_silent: bool = False,
        spared: Collection[str] = (),
        between: int = 0,
    ) -> Poll:
        """Ask the publisher and then the subscriber; ``between`` events are pushed and arrive meanwhile.

        Those ``spared`` (see :meth:`can_be_spared`) are not asked, and nobody knows what became of them.
        """
        self._spared = frozenset(spared)
        self.number += 1
        at = round(self.now * SECOND)
        asked_first = self._publisher(silent=publisher_silent)
        if self.publisher_runs and self.subscription is not None:
            self.push(between)
            self.deliver(len(self.subscription.queue) if between else 0)
        answers = (asked_first, self._subscriber(silent=subscriber_silent))
        return Poll(self.number, at, at, 0.001, 0.0, 0, answers)

    def can_be_spared(self, servers: Collection[str]) -> frozenset[str]:
        """Those that answered when they were asked last."""
        return self._answers.intersection(servers)

    def _publisher(self, *, silent: bool) -> Answer:
        told = self.endpoints_told == "at once" or (
            self.endpoints_told == "late" and self._answered_life == self.publisher_life
        )
        endpoints = (f"tcp://127.0.0.1:{self.port}",) if told else ()
        silent = silent or PUBLISHER in self._spared
        reply = publisher(self.pushed) if self.publisher_runs and not silent else None
        if reply is not None:
            self._answered_life = self.publisher_life
        return self._answer(PUBLISHER, reply, self.publisher_runs, self.publisher_life, endpoints)

    def _subscriber(self, *, silent: bool) -> Answer:
        reply = None
        if self.subscriber_runs and not silent and SUBSCRIBER not in self._spared:
            subscription = self.subscription
            reply = subscriber(
                subscription.callback if subscription else None,
                endpoint=f"tcp://127.0.0.1:{subscription.port if subscription else 0}",
            )
        return self._answer(SUBSCRIBER, reply, self.subscriber_runs, self.subscriber_life, ())

    def _answer(
        self, server: str, reply: Reply | None, runs: bool, life: int, endpoints: tuple[str, ...]
    ) -> Answer:
        at = round(self.now * SECOND)
        if server in self._spared:
            return Answer(server, ServerState.MONITORED, asked_every=2, heartbeat_endpoints=endpoints)
        self._answers = self._answers | {server} if reply else self._answers - {server}
        failure = Failure.NONE if reply else Failure.SILENT if runs else Failure.NOT_EXPORTED
        state = {
            Failure.NONE: ServerState.MONITORED,
            Failure.SILENT: ServerState.UNREACHABLE,
            Failure.NOT_EXPORTED: ServerState.NOT_EXPORTED,
        }[failure]
        # A process that begins while it does not answer is known only once it does.
        return Answer(
            server=server,
            state=state,
            reply=reply,
            asked_monotonic_ns=at,
            answered_monotonic_ns=at,
            failure=failure,
            identity=Identity(life=life if reply else 0),
            ended=not runs,
            heartbeat_endpoints=endpoints,
        )


def _receive(subscription: Subscription, event: Event) -> None:
    """What cppTango does with an event."""
    number, c = event.number, subscription.c
    event.delivered = True
    if c and number == c:
        subscription.d += 1  # taken for a duplicate, though it may be the first of a new life
        return
    subscription.m += c > 0 and number - c >= 2
    subscription.c = number
    subscription.e += 1

"""The engine's arithmetic at poll times that the test chooses.

It asks the servers by plain calls and hands the parsed replies to a real Ledger, so that a test decides
between which two events a poll happens. Targets, time limits and schedules have tests of their own.
"""

from __future__ import annotations

import time
from contextlib import suppress

import tango

from stem_device.accounting import Ledger
from stem_device.demo.processes import OutOfTimeError, wait_until
from stem_device.model.clock import SystemClock
from stem_device.model.poll import Answer, Failure, Identity, Poll, ServerState
from stem_device.model.snapshot import Counts, ServerRecord, Snapshot, StreamRecord, SubscriptionRecord
from stem_device.responses import parse_reply
from tests.system.harness.servers import Server, Truth

SECOND_NS = 1_000_000_000


class Accountant:
    """Polls servers when told, and finds things in the last Snapshot.

    On its monotonic clock the polls are a second apart, whatever time has really passed: every poll is then
    a "previous poll" to the next, and the test is the one to say what is still in flight.
    """

    def __init__(self, *servers: Server) -> None:
        self._servers = list(servers)
        self._ledger = Ledger(SystemClock())
        self._lives: dict[str, list[int | None]] = {server.name: [] for server in servers}
        self._number = 0
        self.snapshot = self.poll()

    def poll(self) -> Snapshot:
        """Ask every server once and account for it."""
        self._number += 1
        now, utc = self._number * SECOND_NS, time.time_ns()
        answers = tuple(self._answer(server, now) for server in self._servers)
        duration = (time.time_ns() - utc) / 1e9
        poll = Poll(self._number, utc, now, duration, duration, 0, answers)
        self.snapshot = self._ledger.account(poll)
        return self.snapshot

    @property
    def counts(self) -> Counts:
        return self.snapshot.counts

    def server(self, server: Server) -> ServerRecord:
        return next(record for record in self.snapshot.servers if record.name == server.name)

    def subscription(
        self, subscriber: Server, publisher: Server, event: str = "change", attribute: str = "number"
    ) -> SubscriptionRecord:
        """The record of one topic in the last Snapshot."""
        stream = publisher.publisher.stream(event, attribute)
        return next(s for s in self.server(subscriber).subscriptions if s.stream == stream)

    def stream(self, publisher: Server, event: str = "change", attribute: str = "number") -> StreamRecord:
        name = publisher.publisher.stream(event, attribute)
        return next(stream for stream in self.server(publisher).streams if stream.name.lower() == name)

    def _answer(self, server: Server, monotonic_ns: int) -> Answer:
        """What the poller makes of the server: with the identity of its process, which the test knows."""
        utc = time.time_ns()
        lives = self._lives[server.name]
        try:
            text = server.query()
        except tango.DevFailed as error:
            return Answer(
                server.name,
                ServerState.UNREACHABLE,
                reason=error.args[0].desc,
                asked_utc_ns=utc,
                failure=Failure.REFUSED,
                identity=Identity(life=len(lives)),
                ended=not server.process.running,
            )
        if not lives or lives[-1] != server.process.pid:
            lives.append(server.process.pid)
        return Answer(
            server.name,
            ServerState.MONITORED,
            reply=parse_reply(text),
            texts=(text,),
            queries=1,
            asked_utc_ns=utc,
            asked_monotonic_ns=monotonic_ns,
            answered_monotonic_ns=monotonic_ns,
            identity=Identity(life=len(lives)),
            heartbeat_endpoints=heartbeats(server),
        )


FLOOD = 100_000
"""Events that fit into no queue: beside the 1,000 at either end, TCP's buffers can take 30,000 small ones."""


def flood(publisher: Server, subscriber: Server, index: int) -> tuple[int, Truth]:
    """Push faster than a slow callback takes, until the last event is lost.

    Returned is how many this publisher has pushed in all, and the truth. The last event of one flood in some
    40 finds room: its gap is noticed at once then, and nothing overdue.
    """
    for _ in range(5):
        subscriber.subscriber.set_delay(index, 0.002)
        publisher.publisher.push_in_background(steps=FLOOD)
        publisher.publisher.wait_pushed()
        subscriber.subscriber.set_delay(index, 0)
        settle(subscriber)
        pushed = publisher.publisher.pushed()["number.change"]
        truth = subscriber.subscriber.truth(index)
        if (truth.last_number or 0) < pushed:
            return pushed, truth
    raise AssertionError(f"the last of {pushed} events always arrived")


def lose(publisher: Server, subscriber: Server, index: int) -> tuple[int, Truth]:
    """A flood, and one more event that shows the gap; how many were pushed in all, and the truth."""
    flood(publisher, subscriber, index)
    publisher.publisher.push()
    pushed = publisher.publisher.pushed()["number.change"]
    truth = subscriber.subscriber.wait_number(pushed, index)
    assert truth.missing > 0
    return pushed, truth


def settle(server: Server, limit_seconds: float = 30.0) -> None:
    """Wait until a subscriber gets nothing any more: whatever was in its queues has been delivered.

    That is so when its counters stand still for half a second, far longer than any callback takes.
    """
    last: list[tuple[object, float]] = []

    def still() -> bool:
        now = parse_reply(server.query()).client
        callbacks = now.event_callbacks if now else {}
        if not last or last[-1][0] != callbacks:
            last[:] = [(callbacks, time.monotonic())]
        return time.monotonic() - last[-1][1] > 0.5

    wait_until(still, f"{server.name} to settle", limit_seconds=limit_seconds)


def push_until_received(publisher: Server, subscriber: Server, index: int, *, before: int = 0) -> int:
    """Push one by one until one has arrived, after ``before`` that came earlier; how many that took.

    ZMQ connects in the background: what is pushed right after a renewed subscription may go nowhere.
    """
    for pushes in range(1, 61):
        publisher.publisher.push()
        with suppress(OutOfTimeError):
            subscriber.subscriber.wait_events(before + 1, index, limit_seconds=0.5)
            return pushes
    raise AssertionError(f"{subscriber.name} never received another event than {before}")


def heartbeats(server: Server) -> tuple[str, ...]:
    """Where the present life of a server sends its heartbeats."""
    endpoints = server.admin.ZmqEventSubscriptionChange(["info"])[1]
    return tuple(endpoints[::2])

"""Healthy systems of which something restarts: nothing observed is lost, and nothing may be invented."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable
from functools import partial

from tests.truth.lab import Lab
from tests.truth.processes import Server, fixed_ports
from tests.truth.rows import Expect, Must
from tests.truth.scenarios.steady import ALL, QUIET, RATES

MANY = tuple(f"a{number}" for number in range(20))


def _publisher(publisher: Server, subscriber: Server, kill: signal.Signals) -> None:
    publisher.end(kill)
    publisher.start()


def _subscriber(publisher: Server, subscriber: Server, kill: signal.Signals) -> None:
    subscriber.end(kill)
    subscriber.start()


def _publisher_first(publisher: Server, subscriber: Server, kill: signal.Signals) -> None:
    publisher.end(kill)
    subscriber.end(kill)
    publisher.start()
    subscriber.start()


def _subscriber_first(publisher: Server, subscriber: Server, kill: signal.Signals) -> None:
    subscriber.end(kill)
    publisher.end(kill)
    subscriber.start()
    publisher.start()


ORDERS: dict[str, Callable[[Server, Server, signal.Signals], None]] = {
    "publisher": _publisher,
    "subscriber": _subscriber,
    "both, publisher first": _publisher_first,
    "both, subscriber first": _subscriber_first,
}


def restart(lab: Lab, *, order: str, kill: signal.Signals, fixed: bool) -> Expect:
    """Quiet attributes pause around it, busy ones go on; the subscriber subscribes in ``init_device``.

    With fixed ports there is another subscriber, so that the publisher's counters run before ours is there.
    """
    publisher = lab.publisher(RATES, **(fixed_ports() if fixed else {}))
    if fixed:
        _other(lab, ALL)
    subscriber = lab.subscriber(ALL)
    lab.connected(publisher, subscriber, ALL)
    lab.push(publisher, subscriber, QUIET, 7)
    lab.monitor(publisher, subscriber)
    lab.push(publisher, subscriber, QUIET, 5)
    lab.polls(2)
    ORDERS[order](publisher, subscriber, kill)
    lab.connected(publisher, subscriber, ALL)
    lab.push(publisher, subscriber, QUIET, 9)
    lab.polls(1)
    lab.push(publisher, subscriber, QUIET, 2)
    lab.polls(4)
    # With fixed ports nothing tells that a quiet subscription is connected again, before its next event.
    return Expect(Must.HEALTHY, known=not fixed)


def both_restarted(lab: Lab) -> Expect:
    """Twenty quiet attributes, both sides restarted; ours joins another subscriber late, both times."""
    publisher, other = lab.publisher(), _other(lab, MANY)
    lab.push(publisher, other, MANY[:10], 7)
    lab.push(publisher, other, MANY[10:], 50)
    subscriber = lab.subscriber(MANY)
    lab.connected(publisher, subscriber, MANY)
    lab.monitor(publisher, subscriber)
    lab.push(publisher, subscriber, MANY, 5)
    lab.polls(2)
    publisher.end(signal.SIGTERM)
    subscriber.end(signal.SIGTERM)
    publisher.start()
    lab.connected(publisher, other, MANY)
    lab.push(publisher, other, MANY[:10], 50)
    lab.push(publisher, other, MANY[10:], 5)
    subscriber.start()
    lab.connected(publisher, subscriber, MANY)
    lab.push(publisher, subscriber, MANY, 10)
    lab.polls(3)
    return Expect(Must.HEALTHY)


def _other(lab: Lab, names: tuple[str, ...]) -> Server:
    other = lab.server("other", "TruthSubscriber")
    lab.subscribe(other, *names)
    return other


def twice(lab: Lab) -> Expect:
    """The publisher restarts twice between two polls; what its middle life pushed cannot be known."""
    names = ("a0", "a1", "a2")
    publisher, subscriber = lab.publisher(), lab.subscriber(names)
    lab.connected(publisher, subscriber, names)
    lab.monitor(publisher, subscriber)
    lab.push(publisher, subscriber, names, 5)
    lab.polls(2)
    for _ in range(2):
        publisher.end(signal.SIGKILL)
        publisher.start()
        lab.connected(publisher, subscriber, names)
        lab.push(publisher, subscriber, names, 25)
    lab.polls(3)
    return Expect(Must.HEALTHY, received=lab.period < 1)


def lost_after_restart(lab: Lab) -> Expect:
    """A restarted publisher pushes at once, before its subscriber is connected again, and later."""
    publisher, subscriber = lab.publisher(), lab.subscriber(("a0",))
    lab.connected(publisher, subscriber, ("a0",))
    lab.push(publisher, subscriber, ("a0",), 5)
    lab.monitor(publisher, subscriber)
    publisher.end(signal.SIGKILL)
    publisher.start()
    publisher.proxy.Push(["a0", "100"])
    lab.connected(publisher, subscriber, ("a0",))
    time.sleep(1)
    lab.push(publisher, subscriber, ("a0",), 10)
    lab.polls(4)
    return Expect(Must.HEALTHY)


PLAYS = (
    *(
        (
            f"{order} restarted, {kill.name[3:]}, {'fixed ports, beside another' if fixed else 'free ports'}",
            partial(restart, order=order, kill=kill, fixed=fixed),
            (),
        )
        for order, kill, fixed in itertools.product(ORDERS, (signal.SIGTERM, signal.SIGKILL), (False, True))
    ),
    ("20 quiet attributes, both restarted, late joiner", both_restarted, ()),
    ("publisher restarted twice", twice, ()),
    ("publisher pushes before the reconnection", lost_after_restart, ()),
)

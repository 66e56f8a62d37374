"""Subscriptions and monitoring that begin while something is lost, or begin again."""

from __future__ import annotations

import re
import shutil
import subprocess
import time

from tests.truth.lab import QUEUES, Lab
from tests.truth.processes import ROOT, Server
from tests.truth.rows import Expect, Must, Not
from tests.truth.servers import BIG


def blocked(lab: Lab) -> Expect:
    """The event port of the publisher is refused for the first events of a subscription, as by a firewall."""
    library = _blocker(lab)
    ports = lab.directory / "blocked"
    publisher, other = lab.publisher(), lab.server("other", "TruthSubscriber")
    # Somebody has to subscribe before there is an event port.
    lab.subscribe(other, "a9")
    endpoints = publisher.admin().ZmqEventSubscriptionChange(["info"])[1]
    ports.write_text(" ".join(re.findall(r"tcp://[^ ]*:(\d+)", " ".join(endpoints))))
    subscriber = lab.subscriber(LD_PRELOAD=str(library), BLOCKED_PORTS=str(ports))
    lab.monitor(publisher, subscriber)
    lab.subscribe(subscriber, "a0")
    lab.polls(2)
    publisher.proxy.Push(["a0", "1000"])
    lab.overdue(lambda events: events == 1000, "1000 events")
    ports.unlink()
    _push_until_received(lab, publisher, subscriber)
    lab.polls(3)
    return Expect(Must.EXACT, causes=("never_connected",))


def _push_until_received(lab: Lab, publisher: Server, subscriber: Server) -> None:
    for _ in range(60):
        publisher.proxy.Push(["a0", "1"])
        time.sleep(1)
        if subscriber.count("event", "a0"):
            return
    raise AssertionError("the unblocked connection was never made")


def _blocker(lab: Lab) -> str:
    compiler = shutil.which("gcc")
    if compiler is None:
        raise Not("needs gcc")
    library = lab.directory / "refuse.so"
    source = ROOT / "tests" / "truth" / "refuse_connections.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return str(library)


def missed_before(lab: Lab) -> Expect:
    """Monitoring begins when events have been lost and nobody has noticed yet."""
    publisher, subscriber = lab.publisher(**QUEUES), lab.subscriber((BIG,), **QUEUES)
    lab.connected(publisher, subscriber, (BIG,))
    lab.overflow(publisher, subscriber)
    lab.monitor(publisher, subscriber)
    unnoticed = lab.all_overdue(publisher, subscriber)
    lab.push(publisher, subscriber, (BIG,), 1)
    last = lab.polls(3)
    before = sum(s.get("missedBefore", 0) for v in last["servers"] for s in v["subscriptions"])
    return Expect(Must.EXACT, checks={"missedBefore is exact": before == unnoticed})


def again(lab: Lab) -> Expect:
    """Unsubscribed, and subscribed again after a hundred pushes; nothing is lost."""
    publisher, subscriber = lab.publisher(), lab.subscriber(("a0",))
    lab.connected(publisher, subscriber, ("a0",))
    lab.monitor(publisher, subscriber)
    for count in (30, 3, 50):
        lab.push(publisher, subscriber, ("a0",), count)
        lab.polls(1)
        subscriber.proxy.Unsubscribe("a0")
        publisher.proxy.Push(["a0", "100"])
        lab.subscribe(subscriber, "a0")
        lab.push(publisher, subscriber, ("a0",), 20)
        lab.polls(2)
    # At a long period, what came between a poll and the end of a subscription cannot be known.
    return Expect(Must.HEALTHY)


def again_between_polls(lab: Lab) -> Expect:
    """The same, where a subscription is renewed and gets more than before, all between two polls."""
    publisher, subscriber = lab.publisher(), lab.subscriber(("a0",))
    lab.connected(publisher, subscriber, ("a0",))
    lab.monitor(publisher, subscriber)
    lab.push(publisher, subscriber, ("a0",), 5)
    lab.polls(2)
    subscriber.proxy.Unsubscribe("a0")
    publisher.proxy.Push(["a0", "100"])
    lab.subscribe(subscriber, "a0")
    lab.push(publisher, subscriber, ("a0",), 40)
    lab.polls(3)
    return Expect(Must.HEALTHY)


PLAYS = (
    ("first events lost: connection refused", blocked, ()),
    ("monitoring begins after an unnoticed loss", missed_before, ()),
    ("unsubscribed and subscribed again", again, ()),
    ("renewed between two polls, nothing lost", again_between_polls, ()),
)

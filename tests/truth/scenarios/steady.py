"""Nothing begins and nothing ends: quiet and busy attributes, late events, gaps, one process that goes on."""

from __future__ import annotations

import signal
import time

from tests.system.harness import freeze
from tests.truth.lab import QUEUES, Lab
from tests.truth.rows import Expect, Must
from tests.truth.servers import BIG

RATES = "a5:5,a6:100,a7:0.0167"
QUIET = ("a0", "a1")
ALL = (*QUIET, "a5", "a6", "a7")


def steady(lab: Lab) -> Expect:
    """Attributes at 100/s, 5/s and one event a minute, and some that are pushed now and then."""
    publisher, subscriber = lab.publisher(RATES), lab.subscriber(ALL)
    lab.connected(publisher, subscriber, ALL)
    lab.monitor(publisher, subscriber)
    for _ in range(3):
        lab.push(publisher, subscriber, QUIET, 3)
        lab.polls(2)
    return Expect(Must.HEALTHY)


def late(lab: Lab) -> Expect:
    """A callback hangs for two polls; then all of it arrives."""
    publisher, subscriber = lab.publisher(), lab.subscriber(("a0", BIG))
    lab.connected(publisher, subscriber, ("a0", BIG))
    lab.monitor(publisher, subscriber)
    lab.hold(publisher, subscriber)
    publisher.proxy.Push(["a0", "50"])
    lab.overdue(lambda events: events == 50, "50 events")
    lab.open_gate(subscriber)
    lab.polls(3)
    return Expect(Must.HEALTHY)


def gap(lab: Lab) -> Expect:
    """More than the queues hold, noticed with the next event, all between two polls or across."""
    publisher, subscriber = lab.publisher(**QUEUES), lab.subscriber((BIG,), **QUEUES)
    lab.connected(publisher, subscriber, (BIG,))
    lab.monitor(publisher, subscriber)
    lab.overflow(publisher, subscriber)
    lab.push(publisher, subscriber, (BIG,), 1)
    lab.polls(3)
    return Expect(Must.EXACT, causes=("burst", "consumer_blocked", "callback_slow"))


def same_process(lab: Lab) -> Expect:
    """Init, DevRestart, RestartServer and a pause by SIGSTOP of the publisher are no new life."""
    publisher, subscriber = lab.publisher(), lab.subscriber(("a0", "a1"))
    lab.connected(publisher, subscriber, ("a0", "a1"))
    lab.push(publisher, subscriber, QUIET, 4)
    lab.monitor(publisher, subscriber)
    for step in ("Init", "DevRestart", "stop", "RestartServer"):
        if step == "Init":
            publisher.proxy.Init()
        elif step == "stop":
            freeze(publisher.process.pid)
            time.sleep(2)
            publisher.process.signal(signal.SIGCONT)
        elif step == "DevRestart":
            publisher.admin().DevRestart(publisher.device)
        else:
            publisher.admin().RestartServer()
        time.sleep(3)
        lab.push(publisher, subscriber, QUIET, 5)
        lab.polls(2)
    lab.polls(1)
    return Expect(Must.HEALTHY)


def follow(lab: Lab) -> Expect:
    """The subscriber is the only target: its publisher is followed, and what is overdue is known."""
    publisher, subscriber = lab.publisher(**QUEUES), lab.subscriber((BIG,), **QUEUES)
    lab.connected(publisher, subscriber, (BIG,))
    lab.monitor(subscriber)
    # A subscription that is not known to be connected yet has no exact losses.
    lab.push(publisher, subscriber, (BIG,), 1)
    lab.wait(lambda: lab.history[-1]["totals"]["received"] == 1, "a poll that saw the first event")
    lab.overflow(publisher, subscriber)
    lab.all_overdue(publisher, subscriber)
    return Expect(Must.OVERDUE, checks={"one server is followed": lab.value("followedServers") == 1})


PLAYS = (
    ("steady: 100/s, 5/s, 1/min", steady, ()),
    ("late, not lost", late, ()),
    ("gap noticed", gap, ()),
    ("Init, DevRestart, RestartServer, SIGSTOP", same_process, ()),
    ("publisher is no target: followed", follow, ()),
)

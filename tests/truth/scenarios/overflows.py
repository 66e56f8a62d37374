"""Some hundreds of events are lost and nobody has noticed; then something happens."""

from __future__ import annotations

import signal
from contextlib import suppress
from functools import partial

from stem_device.demo.processes import OutOfTimeError
from tests.truth.lab import FLOOD, QUEUES, Lab
from tests.truth.processes import Server
from tests.truth.rows import Expect, Must
from tests.truth.servers import BIG

GONE_SECONDS = 31
"""How long what a dead publisher's queue still holds may take to arrive, as the rules say, and a little."""


def _after(lab: Lab, expect: Expect, *, drained: bool = True) -> tuple[Server, Server, Expect]:
    """Returns when a poll has shown the lost events as overdue: all of them, where the queue has drained."""
    publisher, subscriber = lab.publisher(**QUEUES), lab.subscriber((BIG,), **QUEUES)
    lab.connected(publisher, subscriber, (BIG,))
    lab.monitor(publisher, subscriber)
    if drained:
        lab.overflow(publisher, subscriber)
        lab.all_overdue(publisher, subscriber)
    else:
        lab.hold(publisher, subscriber)
        publisher.proxy.Push([BIG, str(FLOOD)])
        lab.overdue(lambda events: events > FLOOD / 10, "the flood")
    return publisher, subscriber, expect


def silence(lab: Lab) -> Expect:
    _, _, expect = _after(lab, Expect(Must.OVERDUE, causes=("burst", "consumer_blocked", "callback_slow")))
    return expect


def one_more(lab: Lab) -> Expect:
    publisher, subscriber, expect = _after(lab, Expect(Must.EXACT))
    lab.push(publisher, subscriber, (BIG,), 1)
    lab.polls(3)
    return expect


def publisher_ends(lab: Lab, *, kill: signal.Signals) -> Expect:
    """What had been pushed and not received by the end of the publisher, is lost."""
    publisher, _, expect = _after(lab, Expect(Must.EXACT, causes=("publisher_gone",)))
    publisher.end(kill)
    _wait_gone(lab)
    return expect


def publisher_killed_while_waiting(lab: Lab) -> Expect:
    """The queue still drains after the publisher's end: what arrives is received, the rest is lost."""
    publisher, subscriber, expect = _after(lab, Expect(Must.EXACT, causes=("publisher_gone",)), drained=False)
    publisher.end(signal.SIGKILL)
    lab.polls(1)
    lab.open_gate(subscriber)
    _wait_gone(lab)
    return expect


def publisher_restarted(lab: Lab) -> Expect:
    """Those received since could be of the former life, as far as the counters tell."""
    publisher, subscriber, expect = _after(lab, Expect(at_least_share=0.95))
    publisher.end(signal.SIGKILL)
    publisher.start()
    lab.connected(publisher, subscriber, (BIG,))
    lab.push(publisher, subscriber, (BIG,), 5)
    lab.polls(4)
    return expect


def renewed(lab: Lab) -> Expect:
    _, subscriber, expect = _after(lab, Expect(Must.UNACCOUNTED, causes=("renewed",)))
    subscriber.proxy.Unsubscribe(BIG)
    lab.subscribe(subscriber, BIG)
    lab.polls(3)
    return expect


def renewed_and_pushed(lab: Lab) -> Expect:
    publisher, subscriber, expect = _after(lab, Expect(Must.UNACCOUNTED, causes=("renewed",)))
    subscriber.proxy.Unsubscribe(BIG)
    lab.subscribe(subscriber, BIG)
    lab.push(publisher, subscriber, (BIG,), 5)
    lab.polls(3)
    return expect


def unsubscribed(lab: Lab) -> Expect:
    _, subscriber, expect = _after(lab, Expect(Must.UNACCOUNTED))
    subscriber.proxy.Unsubscribe(BIG)
    lab.polls(3)
    return expect


def subscriber_ends(lab: Lab, *, kill: signal.Signals, again: bool = False) -> Expect:
    """The cause is that of the greater part: the burst, where its gap was noticed before the end."""
    causes = ("restarted", "not_running", "burst")
    _, subscriber, expect = _after(lab, Expect(Must.UNACCOUNTED, causes=causes))
    subscriber.end(kill)
    if again:
        subscriber.start()
    _wait_ended(lab)
    return expect


def both_end(lab: Lab, *, again: bool) -> Expect:
    publisher, subscriber, expect = _after(lab, Expect(Must.UNACCOUNTED))
    publisher.end(signal.SIGKILL)
    subscriber.end(signal.SIGKILL)
    if again:
        publisher.start()
        subscriber.start()
        lab.connected(publisher, subscriber, (BIG,))
        lab.push(publisher, subscriber, (BIG,), 5)
    _wait_ended(lab)
    return expect


def _wait_gone(lab: Lab) -> None:
    """Until no event of a dead publisher can be expected any more."""
    lab.polls(3)
    lab.polls(1 + int(GONE_SECONDS / lab.period))


def _wait_ended(lab: Lab) -> None:
    """Until a process is known to be gone: two polls that were refused, and a look at the database."""
    lab.polls(3)
    with suppress(OutOfTimeError):
        lab.wait(lambda: lab.history[-1]["totals"]["overdue"] == 0, "overdue to leave the level", 15)


TERM, KILL = signal.SIGTERM, signal.SIGKILL
PLAYS = (
    ("overflow, then silence", silence, ()),
    ("overflow, then one more push", one_more, ()),
    ("overflow, then publisher stopped", partial(publisher_ends, kill=TERM), (10.0,)),
    ("overflow, then publisher killed", partial(publisher_ends, kill=KILL), ()),
    ("overflow, then publisher killed while the queue is full", publisher_killed_while_waiting, ()),
    ("overflow, then publisher restarted", publisher_restarted, ()),
    ("overflow, then client renewed", renewed, ()),
    ("overflow, then client renewed and pushed", renewed_and_pushed, ()),
    ("overflow, then unsubscribed", unsubscribed, ()),
    ("overflow, then subscriber restarted", partial(subscriber_ends, kill=TERM, again=True), ()),
    ("overflow, then subscriber killed and restarted", partial(subscriber_ends, kill=KILL, again=True), ()),
    ("overflow, then subscriber stopped", partial(subscriber_ends, kill=TERM), ()),
    ("overflow, then subscriber killed", partial(subscriber_ends, kill=KILL), ()),
    ("overflow, then both killed", partial(both_end, again=False), ()),
    ("overflow, then both killed and restarted", partial(both_end, again=True), ()),
)

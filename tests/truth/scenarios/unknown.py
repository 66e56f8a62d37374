"""What cannot be known, and has to be called so; and replies that look like a loss and are none."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial

from stem_device.demo.processes import ChildProcess
from tests.system.tango_tree import LIBRARIES, NoTreeError, tango_tree
from tests.truth.lab import QUEUES, Lab
from tests.truth.processes import ROOT
from tests.truth.rows import Expect, Must, Not
from tests.truth.servers import BIG

SILENT_SECONDS = 20
"""A publisher that is silent is told after 15 s, as the rules say, and a little."""


def unseen(lab: Lab) -> Expect:
    """A client that is no device server subscribes; nobody can ask it."""
    publisher = lab.publisher()
    client = ChildProcess(
        [sys.executable, "-m", "tests.truth.client", publisher.device],
        log=lab.directory / "client.log",
        environment={**os.environ, "TANGO_HOST": lab.database.tango_host, "PYTHONPATH": str(ROOT)},
        ready_line="subscribed",
    )
    with client:
        lab.monitor(publisher)
        publisher.proxy.Push(["a0", "500"])
        lab.polls(3)
        unseen_streams = lab.history[-1]["totals"].get("unseenStreams")
    return Expect(Must.HOLD, checks={"one stream with unseen subscribers": unseen_streams == 1})


def followed(lab: Lab, *, kill: signal.Signals) -> Expect:
    """The publisher of a monitored subscription, which is no target, dies, freezes, or is stopped."""
    publisher, subscriber = lab.publisher(), lab.subscriber(("a0",))
    lab.connected(publisher, subscriber, ("a0",))
    lab.monitor(subscriber)
    lab.push(publisher, subscriber, ("a0",), 5)
    lab.polls(2)
    if kill is signal.SIGSTOP:
        publisher.process.signal(kill)
    else:
        publisher.end(kill)
    end = time.monotonic() + SILENT_SECONDS + 3 * lab.period
    while lab.history[-1]["state"] != "ALARM" and time.monotonic() < end:
        lab.polls(1)
    alarm = lab.history[-1]["state"] == "ALARM"
    named = lab.key in lab.device.proxy.status()
    good_order = kill is signal.SIGTERM
    checks = {"no alarm": not alarm} if good_order else {"alarm": alarm, "named in Status": named}
    return Expect(
        Must.HOLD, checks={**checks, "nothing is invented": lab.history[-1]["totals"]["missed"] == 0}
    )


def constant(lab: Lab) -> Expect:
    """A polled attribute that never changes: after a restart its one event is number 1 again, a duplicate."""
    publisher, subscriber = lab.publisher(), lab.subscriber(("constant",))
    lab.connected(publisher, subscriber, ("constant",))
    lab.monitor(publisher, subscriber)
    for _ in range(2):
        publisher.end(signal.SIGTERM)
        publisher.start()
        lab.connected(publisher, subscriber, ("constant",))
        lab.polls(4)
    return Expect(Must.HEALTHY, received=False)


def removed_target(lab: Lab) -> Expect:
    """A target is removed while its events are overdue: what becomes of them is not known, and is told."""
    publisher, subscriber = lab.publisher(**QUEUES), lab.subscriber((BIG,), **QUEUES)
    lab.connected(publisher, subscriber, (BIG,))
    lab.monitor(publisher, subscriber)
    lab.overflow(publisher, subscriber)
    lab.all_overdue(publisher, subscriber)
    missed = lab.history[-1]["totals"]["missed"]
    lab.device.proxy.RemoveTarget(subscriber.name)
    last = lab.polls(2)
    checks = {
        "no more is called missed": last["totals"]["missed"] == missed,
        "told: unknown or unaccounted": bool(
            last["totals"].get("overdueUnknown", 0) or last["totals"].get("unaccounted", 0)
        ),
    }
    return Expect(covered=False, received=False, checks=checks)


def dynamic(lab: Lab) -> Expect:
    """A dynamic attribute is removed and added again: cppTango counts none of its pushes for minutes."""
    publisher, subscriber = lab.publisher(), lab.subscriber()
    publisher.proxy.Add("dynamic")
    lab.subscribe(subscriber, "dynamic")
    lab.monitor(publisher, subscriber)
    lab.push(publisher, subscriber, ("dynamic",), 10)
    lab.polls(2)
    publisher.proxy.Remove("dynamic")
    publisher.proxy.Add("dynamic")
    time.sleep(1)
    publisher.proxy.Push(["dynamic", "50"])
    last = lab.polls(3)
    total = last["totals"]
    high = total["missed"] + total["overdue"] + total.get("unaccounted", 0)
    return Expect(Must.HOLD, covered=False, checks={"nothing is invented": high in (0, 50)})


def tango_test(lab: Lab) -> Expect:
    """Debian's C++ TangoTest 9.3.4: a publisher that cannot be asked, killed and started again."""
    try:
        tree = tango_tree()
    except NoTreeError as error:
        raise Not(str(error)) from error
    libraries = str(tree / LIBRARIES)
    command = (f"{tree}/usr/lib/tango/TangoTest",)
    publisher = lab.server("publisher", "TangoTest", "TangoTest", command=command, LD_LIBRARY_PATH=libraries)
    publisher.proxy.poll_attribute("double_scalar", 200)
    subscriber = lab.subscriber(TRUTH_SUBSCRIBE=f"{publisher.device} double_scalar")
    lab.wait(lambda: subscriber.count("event", "double_scalar") > 2, "events of TangoTest")
    lab.monitor(publisher, subscriber)
    lab.polls(2)
    publisher.end(signal.SIGKILL)
    publisher.start()
    before = subscriber.count("event", "double_scalar")
    lab.wait(lambda: subscriber.count("event", "double_scalar") > before + 3, "events after the restart", 90)
    last = lab.polls(4)
    record = next(s for s in last["servers"] if s["name"] == publisher.name)
    subscription = next(s for v in last["servers"] for s in v["subscriptions"])
    checks = {
        "nothing is invented": last["totals"]["missed"] == 0,
        "publisher is unsupported": record["state"] == "unsupported",
        "overdue is unknown": subscription["overdue"] is None,
    }
    return Expect(Must.HOLD, checks=checks)


PLAYS = (
    ("followed publisher killed", partial(followed, kill=signal.SIGKILL), ()),
    ("followed publisher frozen", partial(followed, kill=signal.SIGSTOP), (0.5,)),
    ("followed publisher stopped", partial(followed, kill=signal.SIGTERM), (0.5,)),
    ("subscriber is no device server", unseen, (0.5,)),
    ("constant polled attribute, publisher restarted", constant, ()),
    ("RemoveTarget with overdue events", removed_target, (0.5,)),
    ("dynamic attribute removed and added", dynamic, (0.5,)),
    ("TangoTest 9.3.4 (C++), killed and started", tango_test, (0.5,)),
)

"""How long events go nowhere while ZeroMQ connects: ``python -m tests.truth.measure`` prints the figures.

A publisher pushes 200 times a second all the time. What a subscriber got, and when each of it was pushed,
is in the journals.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from tests.truth.journal import Life
from tests.truth.lab import Lab
from tests.truth.processes import Server

TRIES = 20
SUBSCRIBERS = 4
RATE = 200
NAME, SECOND = "a0", "a1"


def main() -> None:
    tango.ApiUtil.instance()
    with tempfile.TemporaryDirectory() as name, EmbeddedDatabase(Path(name)) as database:
        lab = Lab(database, Path(name), 0, 1.0)
        try:
            publisher = lab.publisher(f"{NAME}:{RATE},{SECOND}:{RATE}")
            _first_subscriptions(lab, publisher)
            _second_subscriptions(lab, publisher)
            _restarts(lab, publisher)
            _renewal(lab, publisher)
        finally:
            lab.close()


def _first_subscriptions(lab: Lab, publisher: Server) -> None:
    subscriber = lab.subscriber()
    for attempt in range(TRIES):
        if attempt:
            subscriber.end(signal.SIGKILL)
            subscriber.start()
        _subscribe(lab, subscriber, NAME)
    _tell("first subscription of a process", [_blind(publisher, life, NAME) for life in subscriber.lives])


def _second_subscriptions(lab: Lab, publisher: Server) -> None:
    """The connection is there; only the topic is new."""
    (subscriber,) = (server for server in lab.servers if server.role == "subscriber")
    found = []
    for _ in range(TRIES):
        begin = time.time_ns()
        _subscribe(lab, subscriber, SECOND)
        found.append(_blind(publisher, subscriber.lives[-1], SECOND, begin))
        subscriber.proxy.Unsubscribe(SECOND)
    _tell("further subscription, connected already", found)


def _subscribe(lab: Lab, subscriber: Server, name: str) -> None:
    before = subscriber.count("event", name)
    subscriber.proxy.Subscribe([f"truth/publisher/{lab.key}", name])
    lab.wait(lambda: subscriber.count("event", name) > before + 50, "events")


def _restarts(lab: Lab, publisher: Server) -> None:
    others = [lab.server(f"other{number}", "TruthSubscriber", start=False) for number in range(SUBSCRIBERS)]
    for server in others:
        lab.run(server)
        server.proxy.Subscribe([publisher.device, NAME])
    endpoints, readings, firsts = [], [], []
    for attempt in range(TRIES // SUBSCRIBERS):
        time.sleep(1 + 2 * attempt)  # at another phase of the heartbeat each time
        old = [_endpoint(server) for server in others]
        publisher.end((signal.SIGKILL, signal.SIGTERM)[attempt % 2])
        publisher.start()
        begin = publisher.lives[-1].begin_ns
        endpoints += [(moment - begin) / 1e9 for moment in _changes(others, old)]
        for server in others:
            lab.wait(_got(publisher, server), "events after the restart")
            life = server.lives[-1]
            reading = next(line.utc_ns for line in life.of("reading", NAME) if line.utc_ns > begin)
            readings.append((reading - begin) / 1e9)
            firsts.append(_blind(publisher, life, NAME, reading))
    _figures("publisher restarted: until it is subscribed to again, s", readings)
    _figures("publisher restarted: until event_channels has the new endpoint, s", endpoints)
    _tell("publisher restarted: from its new subscription", firsts)


def _changes(servers: Sequence[Server], old: Sequence[str]) -> list[int]:
    """When each one's reply first has another endpoint, ns."""
    found: dict[str, int] = {}

    def all_changed() -> bool:
        for server, before in zip(servers, old, strict=True):
            if server.role not in found and _endpoint(server) != before:
                found[server.role] = time.time_ns()
        return len(found) == len(servers)

    wait_until(all_changed, "new endpoints", limit_seconds=120, interval_seconds=0.05)
    return list(found.values())


def _endpoint(server: Server) -> str:
    channels = json.loads(server.admin().QueryEventSystem())["client"]["event_channels"]
    return str(next(iter(channels.values()))["endpoint"])


def _got(publisher: Server, server: Server) -> Callable[[], bool]:
    pid = str(publisher.process.pid)
    return lambda: any(line.value.startswith(pid) for line in server.lives[-1].of("event", NAME)[-50:])


def _renewal(lab: Lab, publisher: Server) -> None:
    """All that a reply says of a subscription before and after it was renewed in one process."""
    (subscriber,) = (server for server in lab.servers if server.role == "subscriber")
    for moment in ("before", "after"):
        if moment == "after":
            subscriber.proxy.Unsubscribe(NAME)
            _subscribe(lab, subscriber, NAME)
        reply = json.loads(subscriber.admin().QueryEventSystem())["client"]["event_callbacks"]
        sys.stdout.write(f"renewed, {moment}: {next(iter(reply.values()))}\n")


def _blind(publisher: Server, life: Life, name: str, begin: int = 0) -> tuple[float, int]:
    """(Seconds from the making of a subscription to the push of its first event, pushes lost in between)."""
    made = next(line.utc_ns for line in life.of("reading", name) if line.utc_ns >= begin)
    first = next(line for line in life.of("event", name) if line.utc_ns >= made)
    pushes = [line for other in publisher.lives for line in other.of("push", name)]
    pushed = next(line.utc_ns for line in pushes if line.value == first.value)
    return (pushed - made) / 1e9, sum(made <= line.utc_ns < pushed for line in pushes)


def _tell(what: str, found: Sequence[tuple[float, int]]) -> None:
    _figures(f"{what}: blind, s", [seconds for seconds, _ in found])
    _figures(f"{what}: pushes that go nowhere", [float(lost) for _, lost in found])


def _figures(what: str, values: Sequence[float]) -> None:
    low, median, high = np.percentile(values, [0, 50, 100])
    ninety = np.percentile(values, 90)
    sys.stdout.write(
        f"{what}: min {low:.3f}, median {median:.3f}, 90 % {ninety:.3f}, max {high:.3f} ({len(values)})\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Publishing, receiving, subscribing, switching and asking at the same time."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable

import tango

from stem_device.demo.processes import wait_until
from tests.system.conformance.device_server import PUSHED
from tests.system.conformance.servers import Examined, ExaminedFactory
from tests.system.harness import freeze

SECONDS = 5.0


def repeat(action: Callable[[], object], deadline: float, failures: list[str]) -> Callable[[], None]:
    """A thread's work: do it until the deadline, and keep what went wrong, and when."""

    def work() -> None:
        while (began := time.monotonic()) < deadline:
            try:
                action()
            except BaseException as error:  # noqa: BLE001 - told by the test
                left, took = deadline - began, time.monotonic() - began
                failures.append(f"{action}, {left:.1f} s before the end, took {took:.1f} s: {error}")
                return

    return work


def test_all_at_once(examined: ExaminedFactory) -> None:
    publisher, subscriber = examined(), examined()
    indices = {name: subscriber.subscribe_surely(publisher, name)[0] for name in PUSHED}
    before = publisher.query()["server"]["event_counters"]
    publisher.proxy.StartPushing()
    deadline = time.monotonic() + SECONDS
    failures: list[str] = []

    def come_and_go() -> None:
        subscriber.unsubscribe(subscriber.subscribe(publisher, "number", "ARCHIVE_EVENT"))

    def switch() -> None:
        for server in (publisher, subscriber):
            server.enable()
            server.enable(on=False)

    actions = (publisher.query, subscriber.query, publisher.query, subscriber.query, come_and_go, switch)
    threads = [threading.Thread(target=repeat(action, deadline, failures)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, "\n".join(failures)
    publisher.proxy.StopPushing()
    pushed = json.loads(wait_until(publisher.proxy.Pushed, "the pushing threads to end"))
    after = publisher.query()["server"]["event_counters"]
    for name, index in indices.items():
        stream = publisher.stream(name=name)
        assert after[stream] - before[stream] == pushed[name]
        topic = subscriber.wait_topic(publisher.topic(name=name), server_counter=after[stream] - 1)
        counted = subscriber.wait_events(topic["event_count"], index)
        # Every event counted was given to the callback, and what is missing was noticed.
        assert len(counted.numbers) == topic["event_count"]
        assert topic["missed_event_count"] == counted.errors.get("API_MissedEvents", 0)


def slowest_answer(server: Examined, busy: Callable[[], bool]) -> float:
    """Seconds of the slowest of at least ten queries made while ``busy``."""
    slowest, asked = 0.0, 0
    while busy() or asked < 10:
        began = time.monotonic()
        server.query()
        slowest = max(slowest, time.monotonic() - began)
        asked += 1
    return slowest


def test_answers_while_a_subscription_hangs(examined: ExaminedFactory) -> None:
    """A publisher that is stopped keeps its subscriber waiting; the patched one still tells of the others."""
    publisher, hung, subscriber = examined(), examined(), examined()
    subscriber.subscribe_surely(publisher)
    freeze(hung.process.pid)

    def subscribe() -> None:
        try:
            subscriber.subscribe(hung)
        except tango.DevFailed:
            return

    thread = threading.Thread(target=subscribe)
    thread.start()
    time.sleep(0.5)
    slowest = slowest_answer(subscriber, thread.is_alive)
    hung.process.signal(signal.SIGCONT)
    thread.join()
    if subscriber.is_patched:
        assert slowest < 0.5
    wait_until(lambda: publisher.topic() in subscriber.query()["client"]["event_callbacks"], "an answer")


def test_a_busy_callback_delays_no_answer(examined: ExaminedFactory) -> None:
    publisher, subscriber = examined(), examined()
    index, first = subscriber.subscribe_surely(publisher)
    subscriber.proxy.SetDelay([str(index), "1.5"])
    publisher.push()
    subscriber.wait_topic(publisher.topic(), event_count=first + 1)
    began = time.monotonic()
    topic = subscriber.query()["client"]["event_callbacks"][publisher.topic()]
    assert time.monotonic() - began < 0.5
    assert topic["event_count"] == first + 1

"""Ground truth: publishers, subscribers and streams that begin a new life.

Two accountants look at the same events: one polls after every step, the other only before and after
everything. Neither may invent a loss.
"""

from __future__ import annotations

import pytest
import tango

from stem_device.demo.processes import wait_until
from stem_device.model.poll import ServerState
from tests.system.harness import Accountant, Server, ServerFactory, push_until_received


@pytest.mark.timeout(90)
def test_publisher_restarted(servers: ServerFactory) -> None:
    publisher, subscriber, newcomer = servers(), servers(), servers()
    number, second, third = (
        subscriber.subscriber.subscribe(publisher.publisher, name) for name in ("number", "second", "third")
    )
    every, rare = (Accountant(publisher, subscriber, newcomer) for _ in range(2))
    for name, steps in (("number", 300), ("second", 3), ("third", 50)):
        publisher.publisher.push(name, steps=steps)
    subscriber.subscriber.wait_number(300, number)
    subscriber.subscriber.wait_number(50, third)
    every.poll()
    rare.poll()

    publisher.stop()
    every.poll()
    assert every.server(publisher).state is ServerState.UNREACHABLE
    assert every.counts.published == 353
    assert every.counts.missed == every.counts.overdue == every.counts.resets == 0
    publisher.start()
    every.poll()
    # The newcomer brings the second stream back to life before our subscriber has found the new server;
    # nobody has subscribed to the first, so that these seven are no events for anybody.
    publisher.publisher.push("number", steps=7)
    newcomer.subscriber.subscribe(publisher.publisher, "second")
    publisher.publisher.push("second", steps=20)
    newcomer.subscriber.wait_number(20)
    every.poll()
    for index in (number, second, third):
        subscriber.subscriber.wait_synchronous(2, index)
    every.poll()
    every.poll()
    for name, steps in (("number", 30), ("second", 5), ("third", 60)):
        publisher.publisher.push(name, steps=steps)
    subscriber.subscriber.wait_number(37, number)
    subscriber.subscriber.wait_number(25, second)
    subscriber.subscriber.wait_number(60, third)
    newcomer.subscriber.wait_number(25)
    every.poll()
    every.poll()
    rare.poll()
    rare.poll()

    truths = subscriber.subscriber.truths()
    for accountant in (every, rare):
        records = [
            accountant.subscription(subscriber, publisher, attribute=n) for n in ("number", "second", "third")
        ]
        assert [r.received_total for r in records] == [t.events for t in truths]
        assert [r.overdue for r in records] == [0, 0, 0]
        assert [r.resets_total for r in records] == [1, 1, 1]
        # What was pushed before the subscriber was connected again is observed by nobody.
        assert [(r.missed_total, r.unaccounted_total) for r in records] == [(0, 0)] * 3
        fresh = accountant.subscription(newcomer, publisher, attribute="second")
        assert (fresh.received_total, fresh.missed_total, fresh.resets_total) == (25, 0, 0)

    for name, total in {"number": 330, "second": 28, "third": 110}.items():
        # Seen late, a counter that is higher than before may look like one that has gone on; but the first
        # one has fallen, and that tells of all.
        for accountant in (every, rare):
            assert accountant.stream(publisher, attribute=name).published_total == total

    second_truth = truths[1].events
    assert every.subscription(subscriber, publisher, attribute="second").unobserved_total == 28 - second_truth


def test_subscriber_restarted(servers: ServerFactory) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    subscriber.subscriber.subscribe(publisher.publisher, "second")
    every, rare = (Accountant(publisher, subscriber) for _ in range(2))
    publisher.publisher.push(steps=100)
    publisher.publisher.push("second", steps=5)
    subscriber.subscriber.wait_number(100)
    subscriber.subscriber.wait_number(5, 1)
    every.poll()
    rare.poll()

    subscriber.stop()
    publisher.publisher.push(steps=20)
    every.poll()
    assert every.server(subscriber).state is ServerState.UNREACHABLE
    assert every.counts.received == 105
    subscriber.start()
    every.poll()
    assert all(row.ended for row in every.server(subscriber).subscriptions)
    publisher.publisher.push(steps=20)
    number = subscriber.subscriber.subscribe(publisher.publisher)
    second = subscriber.subscriber.subscribe(publisher.publisher, "second")
    every.poll()
    every.poll()
    assert every.counts.overdue == 0
    publisher.publisher.push(steps=10)
    publisher.publisher.push("second", steps=50)
    subscriber.subscriber.wait_number(150, number)
    subscriber.subscriber.wait_number(55, second)
    for accountant in (every, every, rare, rare):
        accountant.poll()
    for accountant in (every, rare):
        counts = accountant.counts
        assert (counts.published, counts.received) == (205, 165)
        assert (counts.missed, counts.gaps, counts.overdue) == (0, 0, 0)
        one = accountant.subscription(subscriber, publisher)
        other = accountant.subscription(subscriber, publisher, attribute="second")
        assert (one.received_total, other.received_total) == (110, 55)
        assert one.resets_total == 1
        assert accountant.server(subscriber).counts.received == 165


@pytest.mark.parametrize("command", ["DevRestart", "Init", "RestartServer"])
def test_devices_restarted_in_one_process_are_no_new_life(servers: ServerFactory, command: str) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    publisher.publisher.push(steps=10)
    subscriber.subscriber.wait_number(10)
    accountant = Accountant(publisher, subscriber)
    match command:
        case "DevRestart":
            publisher.admin.DevRestart(publisher.publisher.device.split("/", 3)[3])
        case "Init":
            publisher.publisher.proxy.Init()
        case _:
            publisher.admin.RestartServer()
    wait_until(lambda: _fresh(publisher), "the device to begin anew")
    # Tango may still be giving the device its subscribers back; until then a push is no event.
    push_until_received(publisher, subscriber, index, before=10)
    publisher.publisher.push(steps=3)
    truth = subscriber.subscriber.wait_events(14, index)
    accountant.poll()
    record = accountant.subscription(subscriber, publisher)
    assert (truth.events, truth.restarts) == (14, 1)
    assert (record.received_total, record.missed_total, record.resets_total) == (4, 0, 0)
    assert accountant.stream(publisher).published_total == 4
    assert accountant.counts.resets == 0


def test_monitoring_begins_in_the_middle(servers: ServerFactory) -> None:
    """What happened before is the baseline, and no event of it is ever counted."""
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    publisher.publisher.push(steps=500)
    subscriber.subscriber.wait_number(500)
    accountant = Accountant(publisher, subscriber)
    assert accountant.counts.received == accountant.counts.published == accountant.counts.missed == 0
    publisher.publisher.push(steps=25)
    truth = subscriber.subscriber.wait_number(525)
    accountant.poll()
    accountant.poll()
    record = accountant.subscription(subscriber, publisher)
    assert record.received_total == truth.events - 500 == 25
    assert accountant.counts.published == 25
    assert (record.missed_total, record.overdue, record.gaps_before) == (0, 0, 0)


def _fresh(server: Server) -> bool:
    """Whether the device has begun anew; RestartServer happens after its reply."""
    try:
        return server.publisher.pushed() == {}
    except tango.DevFailed:
        return False

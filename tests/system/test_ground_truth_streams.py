"""Ground truth: every kind of event, subscription and server, while nothing or little is lost."""

from __future__ import annotations

from typing import Any

import pytest

from stem_device.demo.processes import wait_until
from tests.system.harness import KEPT_AT_ONCE, Accountant, Server, ServerFactory, push_until_received

KINDS = {
    "change": "CHANGE_EVENT",
    "archive": "ARCHIVE_EVENT",
    "alarm": "ALARM_EVENT",
    "user": "USER_EVENT",
    "ready": "DATA_READY_EVENT",
}
EVENT_NAMES = {"user": "user_event", "ready": "data_ready"}


@pytest.fixture(scope="module")
def pair(module_servers: ServerFactory) -> tuple[Server, Server]:
    """A publisher and a subscriber; each test uses what nobody has subscribed to before it."""
    return module_servers(), module_servers()


def test_nothing_lost(servers: ServerFactory) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(publisher, subscriber)
    publisher.publisher.push(steps=100)
    subscriber.subscriber.wait_number(100)
    accountant.poll()
    pushed = 100 + KEPT_AT_ONCE
    publisher.publisher.push(steps=KEPT_AT_ONCE)
    truth = subscriber.subscriber.wait_number(pushed)
    accountant.poll()
    record = accountant.subscription(subscriber, publisher)
    assert record.received_total == truth.events == pushed
    assert (truth.gaps, truth.missing, truth.errors) == (0, 0, {})
    assert (record.missed_total, record.gaps_total, record.overdue, record.resets_total) == (0, 0, 0, 0)
    stream = accountant.stream(publisher)
    assert (stream.published_total, stream.published_delta, stream.resets_total) == (pushed, KEPT_AT_ONCE, 0)
    counts = accountant.counts
    assert (counts.published, counts.received, counts.missed, counts.overdue) == (pushed, pushed, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_pushed_kinds_of_events(servers: ServerFactory, pair: tuple[Server, Server], kind: str) -> None:
    publisher, subscriber = pair
    event = EVENT_NAMES.get(kind, kind)
    index = subscriber.subscriber.subscribe(publisher.publisher, "second", KINDS[kind])
    accountant = Accountant(publisher, subscriber)
    before = publisher.publisher.pushed().get(f"second.{event}", 0)
    publisher.publisher.push("second", kind, 25)
    truth = subscriber.subscriber.wait_events(25, index)
    accountant.poll()
    record = accountant.subscription(subscriber, publisher, event, "second")
    assert record.received_total == truth.events == 25
    assert (record.missed_total, record.overdue) == (truth.missing, 0) == (0, 0)
    pushed = publisher.publisher.pushed()[f"second.{event}"] - before
    assert accountant.stream(publisher, event, "second").published_total == pushed == 25


def test_first_reading_is_no_event(pair: tuple[Server, Server]) -> None:
    publisher, subscriber = pair
    index = subscriber.subscriber.subscribe(publisher.publisher, "third")
    accountant = Accountant(publisher, subscriber)
    assert subscriber.subscriber.truth(index).synchronous == 1
    record = accountant.subscription(subscriber, publisher, attribute="third")
    assert (record.event_count, record.received_total, record.overdue) == (0, 0, 0)


def test_attribute_configuration(pair: tuple[Server, Server]) -> None:
    publisher, subscriber = pair
    index = subscriber.subscriber.subscribe(publisher.publisher, "number", "ATTR_CONF_EVENT")
    accountant = Accountant(publisher, subscriber)
    publisher.publisher.proxy.ChangeConfiguration(["number", "7"])
    truth = subscriber.subscriber.wait_events(7, index)
    accountant.poll()
    record = accountant.subscription(subscriber, publisher, "attr_conf")
    assert record.received_total == truth.events == 7
    assert (record.missed_total, record.overdue, truth.missing) == (0, 0, 0)


def test_interface_change(pair: tuple[Server, Server]) -> None:
    publisher, subscriber = pair
    index = subscriber.subscriber.subscribe(publisher.publisher, "", "INTERFACE_CHANGE_EVENT")
    accountant = Accountant(publisher, subscriber)
    for times in (1, 2):
        publisher.publisher.proxy.ToggleAttribute("extra")
        truth = subscriber.subscriber.wait_events(times, index)
    accountant.poll()
    record = accountant.subscription(subscriber, publisher, "intr_change", "")
    assert record.received_total == truth.events == 2
    assert accountant.stream(publisher, "intr_change", "").published_total == 2
    assert (record.missed_total, record.overdue) == (0, 0)


def test_periodic(pair: tuple[Server, Server]) -> None:
    publisher, subscriber = pair
    proxy = publisher.publisher.proxy
    proxy.poll_attribute("steady", 50)
    config: Any = proxy.get_attribute_config("steady")
    config.events.per_event.period = "50"
    proxy.set_attribute_config(config)
    index = subscriber.subscriber.subscribe(publisher.publisher, "steady", "PERIODIC_EVENT")
    accountant = Accountant(publisher, subscriber)
    before = subscriber.subscriber.truth(index).events
    subscriber.subscriber.wait_events(before + 20, index)
    proxy.stop_poll_attribute("steady")

    def quiet() -> bool:
        accountant.poll()
        record = accountant.subscription(subscriber, publisher, "periodic", "steady")
        stream = accountant.stream(publisher, "periodic", "steady")
        return record.server_counter == stream.pushed and not stream.published_delta

    wait_until(quiet, "the last periodic event")
    truth = subscriber.subscriber.truth(index)
    record = accountant.subscription(subscriber, publisher, "periodic", "steady")
    assert record.event_count == truth.events
    assert truth.events - before <= record.received_total <= truth.events
    assert record.received_total >= 20
    assert (record.missed_total, record.gaps_total, record.overdue) == (0, 0, 0)


def test_several_callbacks_are_one_subscription(servers: ServerFactory) -> None:
    publisher, subscriber = servers(), servers()
    accountant = Accountant(publisher, subscriber)
    indices = [subscriber.subscriber.subscribe(publisher.publisher) for _ in range(3)]
    publisher.publisher.push(steps=10)
    truths = [subscriber.subscriber.wait_number(10, index) for index in indices]
    accountant.poll()
    assert [truth.events for truth in truths] == [10, 10, 10]
    record = accountant.subscription(subscriber, publisher)
    assert (record.callback_count, record.received_total, record.missed_total) == (3, 10, 0)
    subscriber.subscriber.unsubscribe(indices[0])
    publisher.publisher.push(steps=5)
    subscriber.subscriber.wait_number(15, indices[1])
    accountant.poll()
    record = accountant.subscription(subscriber, publisher)
    assert (record.callback_count, record.received_total, record.resets_total) == (2, 15, 0)


def test_servers_that_publish_and_subscribe(servers: ServerFactory) -> None:
    one, other = servers(), servers()
    to_itself = one.subscriber.subscribe(one.publisher)
    there = one.subscriber.subscribe(other.publisher)
    back = other.subscriber.subscribe(one.publisher)
    accountant = Accountant(one, other)
    one.publisher.push(steps=20)
    other.publisher.push(steps=30)
    one.subscriber.wait_number(20, to_itself)
    one.subscriber.wait_number(30, there)
    other.subscriber.wait_number(20, back)
    accountant.poll()
    assert accountant.subscription(one, one).received_total == 20
    assert accountant.subscription(one, other).received_total == 30
    assert accountant.subscription(other, one).received_total == 20
    assert accountant.server(one).counts.published == 20
    assert accountant.server(one).counts.received == 50
    counts = accountant.counts
    assert (counts.published, counts.received, counts.missed, counts.overdue) == (50, 70, 0, 0)


@pytest.mark.parametrize("poll_while_away", [True, False], ids=["polled", "not polled"])
def test_unsubscribed_and_subscribed_again(servers: ServerFactory, poll_while_away: bool) -> None:
    publisher, subscriber = servers(), servers()
    first = subscriber.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(publisher, subscriber)
    publisher.publisher.push(steps=10)
    subscriber.subscriber.wait_number(10, first)
    accountant.poll()
    subscriber.subscriber.unsubscribe(first)
    publisher.publisher.push(steps=100)
    if poll_while_away:
        accountant.poll()
        assert all(row.ended for row in accountant.server(subscriber).subscriptions)
        assert accountant.counts.received == 10
    second = subscriber.subscriber.subscribe(publisher.publisher)
    if poll_while_away:
        accountant.poll()
        accountant.poll()
        assert accountant.subscription(subscriber, publisher).server_counter == 0
        assert accountant.counts.overdue == 0
    pushed = 110 + push_until_received(publisher, subscriber, second) + 20
    publisher.publisher.push(steps=20)
    subscriber.subscriber.wait_number(pushed, second)
    accountant.poll()
    accountant.poll()
    truths = subscriber.subscriber.truths()
    assert [truth.missing for truth in truths] == [0, 0]
    counts = accountant.counts
    assert counts.received == sum(truth.events for truth in truths) >= 31
    assert (counts.missed, counts.gaps, counts.overdue, counts.published) == (0, 0, 0, pushed)
    assert accountant.subscription(subscriber, publisher).missed_at_least is False

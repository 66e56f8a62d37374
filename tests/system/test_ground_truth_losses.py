"""Ground truth: events are lost on the way, and the subscriber knows exactly which."""

from __future__ import annotations

import signal

from tests.system.harness import FLOOD, KEPT_AT_ONCE, Accountant, ServerFactory, flood, freeze, settle


def test_burst_then_silence_then_one_more(servers: ServerFactory) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(publisher, subscriber)
    pushed, truth = flood(publisher, subscriber, index)
    assert truth.last_number is not None
    lost_at_the_end = pushed - truth.last_number

    accountant.poll()
    assert accountant.counts.overdue == 0, "one poll cannot tell a loss from events in flight"
    accountant.poll()
    record = accountant.subscription(subscriber, publisher)
    assert (record.missed_total, record.gaps_total) == (truth.missing, truth.gaps)
    assert record.overdue == accountant.counts.overdue == lost_at_the_end
    assert record.received_total == truth.events

    publisher.publisher.push()
    truth = subscriber.subscriber.wait_number(pushed + 1, index)
    accountant.poll()
    accountant.poll()
    record = accountant.subscription(subscriber, publisher)
    assert record.missed_total == truth.missing > lost_at_the_end - 1
    assert record.gaps_total == truth.gaps == truth.errors["API_MissedEvents"]
    assert record.received_total == truth.events
    assert (record.overdue, record.missed_at_least, record.resets_total) == (0, False, 0)
    assert record.received_total + record.missed_total == accountant.counts.published == pushed + 1


def test_two_subscribers_one_slow(servers: ServerFactory) -> None:
    publisher, slow, quick = servers(), servers(), servers()
    slow_index = slow.subscriber.subscribe(publisher.publisher)
    quick_index = quick.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(publisher, slow, quick)
    slow.subscriber.set_delay(slow_index, 0.01)
    pushed = 0
    # Until the slow one's queues are full.
    while pushed < 60_000:
        publisher.publisher.push(steps=KEPT_AT_ONCE)
        pushed += KEPT_AT_ONCE
        quick.subscriber.wait_number(pushed, quick_index)
    slow.subscriber.set_delay(slow_index, 0)
    settle(slow)
    publisher.publisher.push()
    slow_truth = slow.subscriber.wait_number(pushed + 1, slow_index)
    quick_truth = quick.subscriber.wait_number(pushed + 1, quick_index)
    accountant.poll()
    accountant.poll()
    slow_record = accountant.subscription(slow, publisher)
    quick_record = accountant.subscription(quick, publisher)
    assert slow_record.missed_total == slow_truth.missing > 0
    assert slow_record.gaps_total == slow_truth.gaps > 0
    assert slow_record.received_total == slow_truth.events
    assert (
        (quick_record.missed_total, quick_record.gaps_total)
        == (quick_truth.missing, quick_truth.gaps)
        == (0, 0)
    )
    assert quick_record.received_total == quick_truth.events == pushed + 1
    assert accountant.counts.published == pushed + 1
    assert accountant.counts.missed == slow_truth.missing
    assert accountant.counts.overdue == 0


def test_stopped_subscriber(servers: ServerFactory) -> None:
    """Two losses of different causes: the publisher's queue and the subscriber's both overflow."""
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(publisher, subscriber)
    freeze(subscriber.process.pid)
    try:
        publisher.publisher.push_in_background(steps=FLOOD)
        publisher.publisher.wait_pushed()
    finally:
        subscriber.process.signal(signal.SIGCONT)
    settle(subscriber)
    accountant.poll()
    accountant.poll()
    truth = subscriber.subscriber.truth(index)
    record = accountant.subscription(subscriber, publisher)
    assert truth.last_number is not None
    assert record.overdue == FLOOD - truth.last_number > 0
    assert (record.missed_total, record.gaps_total) == (truth.missing, truth.gaps)

    publisher.publisher.push(steps=3)
    truth = subscriber.subscriber.wait_number(FLOOD + 3, index)
    accountant.poll()
    accountant.poll()
    record = accountant.subscription(subscriber, publisher)
    assert record.missed_total == truth.missing > 0
    assert record.gaps_total == truth.gaps
    assert record.received_total == truth.events == FLOOD + 3 - truth.missing
    assert (record.overdue, record.resets_total) == (0, 0)


def test_polls_in_the_middle_of_the_burst(servers: ServerFactory) -> None:
    """However the polls fall between pushes, drops and deliveries, the sums come out the same."""
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(publisher, subscriber)
    subscriber.subscriber.set_delay(index, 0.0005)
    publisher.publisher.push_in_background(steps=FLOOD)
    previous = accountant.counts
    while publisher.publisher.proxy.IsPushing():
        counts = accountant.poll().counts
        assert counts.received >= previous.received
        assert counts.missed >= previous.missed
        previous = counts
    subscriber.subscriber.set_delay(index, 0)
    settle(subscriber)
    publisher.publisher.push()
    truth = subscriber.subscriber.wait_number(FLOOD + 1, index)
    accountant.poll()
    accountant.poll()
    counts = accountant.counts
    assert counts.missed == truth.missing > 0
    assert counts.gaps == truth.gaps
    assert counts.received == truth.events
    assert (counts.published, counts.overdue, counts.resets) == (FLOOD + 1, 0, 0)

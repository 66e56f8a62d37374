"""Ground truth while the network between a publisher and its subscriber is cut and mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stem_device.demo.processes import wait_until
from stem_device.model.snapshot import SubscriptionRecord
from tests.system.harness import Accountant, DividedNetwork, Server, Truth


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DividedNetwork]:
    with DividedNetwork(tmp_path_factory.mktemp("network")) as network:
        yield network


@pytest.mark.needs("namespaces")
@pytest.mark.timeout(120)
def test_connection_cut_and_mended(network: DividedNetwork) -> None:
    publisher, subscriber = network.publisher, network.subscriber
    subscriber.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(publisher, subscriber)
    publisher.publisher.push(steps=10)
    subscriber.subscriber.wait_number(10)

    # Cut for a moment: late is not lost.
    network.cut()
    publisher.publisher.push(steps=25)
    accountant.poll()
    assert accountant.counts.overdue == 0
    accountant.poll()
    record = accountant.subscription(subscriber, publisher)
    assert (record.overdue, record.missed_total) == (25, 0)
    network.mend()
    truth = subscriber.subscriber.wait_number(35)
    record = _polled(accountant, subscriber, publisher)
    assert (record.received_total, truth.missing) == (35, 0)
    assert (record.overdue, record.missed_total, record.gaps_total) == (0, 0, 0)

    # Cut until the subscriber gives the connection up; the publisher goes on all the time.
    network.cut()
    before = subscriber.subscriber.truth().errors.get("API_EventTimeout", 0)
    publisher.publisher.push_in_background(period_seconds=0.02)
    subscriber.subscriber.wait_error("API_EventTimeout", before + 1, limit_seconds=30)
    accountant.poll()
    accountant.poll()
    assert accountant.counts.overdue > 0
    network.mend()
    seen = subscriber.subscriber.truth().events
    subscriber.subscriber.wait_events(seen + 20, limit_seconds=40)
    publisher.publisher.stop()
    truth = _arrived(publisher, subscriber)
    record = _polled(accountant, subscriber, publisher)
    assert record.received_total == truth.events
    assert record.missed_total == truth.missing > 0
    assert record.gaps_total == truth.gaps > 0
    assert accountant.counts.published == publisher.publisher.pushed()["number.change"]
    assert record.received_total + record.missed_total == accountant.counts.published
    assert (record.overdue, record.resets_total, record.missed_at_least) == (0, 0, False)


def _arrived(publisher: Server, subscriber: Server) -> Truth:
    last = publisher.publisher.pushed()["number.change"]
    return subscriber.subscriber.wait_number(last)


def _polled(accountant: Accountant, subscriber: Server, publisher: Server) -> SubscriptionRecord:
    """Two polls after all has arrived; a server that was out of reach may need a moment to answer again."""

    def both_answer() -> bool:
        accountant.poll()
        return all(server.age_seconds == 0.0 for server in accountant.snapshot.servers)

    wait_until(both_answer, "answers of both servers")
    accountant.poll()
    return accountant.subscription(subscriber, publisher)

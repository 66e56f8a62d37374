"""Ground truth on servers without a database, whose stream names collapse to ``tango://host:0/...``."""

from __future__ import annotations

from stem_device.model.snapshot import Snapshot, StreamRecord, SubscriptionRecord
from tests.system.harness import Accountant, Server, ServerFactory


def test_nothing_lost_without_a_database(servers: ServerFactory) -> None:
    publisher, subscriber = servers.without_database(), servers.without_database()
    subscriber.subscriber.subscribe(publisher.publisher)
    subscriber.subscriber.subscribe(publisher.publisher, "number", "ALARM_EVENT")
    accountant = Accountant(publisher, subscriber)
    publisher.publisher.push("number", "change,alarm", 40)
    truths = [subscriber.subscriber.wait_number(40, index) for index in (0, 1)]
    snapshot = accountant.poll()
    streams = {_event(stream): stream for stream in snapshot.servers[0].streams}
    subscriptions = {_event(one): one for one in snapshot.servers[1].subscriptions}
    assert set(streams) == set(subscriptions) == {"change", "alarm"}
    for event, truth in zip(("change", "alarm"), truths, strict=True):
        assert ":0/" in streams[event].name
        assert streams[event].published_total == 40
        record = subscriptions[event]
        assert record.stream == streams[event].name.lower()
        assert (record.received_total, record.missed_total, record.overdue) == (truth.events, 0, 0)


def test_two_publishers_without_a_database_are_kept_apart(servers: ServerFactory) -> None:
    one, other, subscriber = (servers.without_database() for _ in range(3))
    for publisher in (one, other):
        subscriber.subscriber.subscribe(publisher.publisher)
    accountant = Accountant(one, other, subscriber)
    one.publisher.push(steps=7)
    other.publisher.push(steps=11)
    subscriber.subscriber.wait_number(7, 0)
    subscriber.subscriber.wait_number(11, 1)
    snapshot = accountant.poll()
    assert [_published(snapshot, server) for server in (one, other)] == [7, 11]
    received = {s.stream: s.received_total for s in snapshot.servers[2].subscriptions}
    assert sorted(received.values()) == [7, 11]
    counts = snapshot.counts
    assert (counts.published, counts.received, counts.missed, counts.overdue) == (18, 18, 0, 0)


def _published(snapshot: Snapshot, server: Server) -> int:
    return next(record.counts.published for record in snapshot.servers if record.name == server.name)


def _event(record: StreamRecord | SubscriptionRecord) -> str:
    name = record.name if isinstance(record, StreamRecord) else record.stream
    return name.rsplit(".", 1)[1]

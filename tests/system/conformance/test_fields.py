"""Every field of the reply but the samples, compared with what the subscriber itself counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import tango

from stem_device.demo.processes import wait_until
from stem_device.responses import parse_reply
from tests.system.conformance.servers import Counted, Examined, ExaminedFactory
from tests.system.harness import KEPT_AT_ONCE

TOPIC_KEYS = [
    "channel_name",
    "callback_count",
    "server_counter",
    "event_count",
    "missed_event_count",
    "discarded_event_count",
    "last_resubscribed",
]


@pytest.fixture
def pair(examined: ExaminedFactory) -> tuple[Examined, Examined]:
    return examined(), examined()


def counters(topic: dict[str, Any]) -> tuple[int, int, int, int]:
    """Counter of the publisher, received, gaps, discarded."""
    return (
        topic["server_counter"],
        topic["event_count"],
        topic["missed_event_count"],
        topic["discarded_event_count"],
    )


def test_commands(examined: ExaminedFactory) -> None:
    server = examined()
    commands = {info.cmd_name: (info.in_type, info.out_type) for info in server.admin.command_list_query()}
    void, text, boolean = tango.DevVoid, tango.DevString, tango.DevBoolean
    assert commands["QueryEventSystem"] == (void, text)
    assert commands["EnableEventSystemPerfMon"] == (boolean, void)
    older = {name: commands.get(name) for name in ("StartEventSystemPerfMon", "StopEventSystemPerfMon")}
    assert older == dict.fromkeys(older, (void, void) if server.is_patched else None)


def test_version_tells_that_it_is_patched(examined: ExaminedFactory) -> None:
    server = examined()
    assert ("+stem" in server.versions[0]) is server.is_patched


def test_nobody_subscribed(examined: ExaminedFactory) -> None:
    server = examined()
    nothing = {"version": 1, "server": {"event_counters": {}, "perf": None}, "client": None}
    assert server.query() == nothing
    assert list(server.query()) == list(nothing)
    server.push()
    assert server.query() == nothing


def test_keys_and_what_they_hold_before_the_first_event(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    subscriber.subscribe(publisher)
    reply = subscriber.query()
    assert reply["server"] == {"event_counters": {}, "perf": None}
    assert list(reply["client"]) == ["event_callbacks", "not_connected", "event_channels", "perf"]
    topic = reply["client"]["event_callbacks"][publisher.topic()]
    assert sorted(topic) == sorted(TOPIC_KEYS)
    assert topic == {
        "channel_name": publisher.name,
        "callback_count": 1,
        "server_counter": 0,
        "event_count": 0,
        "missed_event_count": 0,
        "discarded_event_count": 0,
        "last_resubscribed": None,
    }
    end_points = publisher.admin.command_inout("ZmqEventSubscriptionChange", ["info"])[1]
    (channel,) = reply["client"]["event_channels"].items()
    assert channel[0] == publisher.name
    assert list(channel[1]) == ["endpoint"]
    assert any(channel[1]["endpoint"] in text for text in end_points)
    assert (reply["client"]["not_connected"], reply["client"]["perf"]) == ([], None)
    told = publisher.query()
    assert told == {
        "version": 1,
        "server": {"event_counters": {publisher.stream(): 1}, "perf": None},
        "client": None,
    }


def test_counters_of_a_burst(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    index, first = subscriber.subscribe_surely(publisher)
    before = publisher.query()["server"]["event_counters"][publisher.stream()] - 1
    publisher.push(KEPT_AT_ONCE)
    received, sent = first + KEPT_AT_ONCE, before + KEPT_AT_ONCE
    counted = subscriber.wait_events(received, index)
    assert counted.numbers[first:] == list(range(before + 1, sent + 1))
    assert counted.errors == {}
    topic = subscriber.wait_topic(publisher.topic(), event_count=received)
    assert counters(topic)[:3] == (sent, received, 0)
    # cppTango sends the first event of a process twice, and the subscriber throws one of them away.
    assert topic["discarded_event_count"] == (1 if first == before else topic["discarded_event_count"])
    publisher.push(7)
    subscriber.wait_events(received + 7, index)
    later = subscriber.wait_topic(publisher.topic(), event_count=received + 7)
    assert counters(later) == (sent + 7, received + 7, 0, topic["discarded_event_count"])
    assert publisher.query()["server"]["event_counters"] == {publisher.stream(): sent + 8}


# The buffers of TCP grow with what they hold: they can take 30,000 events.
BURST = 100_000


def test_gap_is_noticed_by_the_next_event(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    index, _ = subscriber.subscribe_surely(publisher)
    subscriber.proxy.SetDelay([str(index), "0.05"])
    pushed = publisher.query()["server"]["event_counters"][publisher.stream()] - 1 + BURST
    publisher.push(BURST)
    subscriber.proxy.SetDelay([str(index), "0"])
    received = _settled(subscriber, index)
    assert received < BURST, "the burst must overflow the queues"
    before = subscriber.query()["client"]["event_callbacks"][publisher.topic()]
    assert before["event_count"] == received
    assert before["missed_event_count"] == _jumps(subscriber.counted(index))
    publisher.push()
    counted = subscriber.wait_events(received + 1, index)
    after = subscriber.wait_topic(publisher.topic(), event_count=received + 1)
    assert after["server_counter"] == counted.numbers[-1] == pushed + 1
    # Noticed is a gap, whatever its size, and only with the event behind it.
    assert after["missed_event_count"] == counted.errors["API_MissedEvents"] == _jumps(counted) >= 1
    assert publisher.query()["server"]["event_counters"] == {publisher.stream(): pushed + 2}


def _jumps(counted: Counted) -> int:
    return sum(later != earlier + 1 for earlier, later in pairwise(counted.numbers))


def _settled(subscriber: Examined, index: int) -> int:
    """Events received, once none has come for half a second."""
    last: list[tuple[int, float]] = [(-1, time.monotonic())]

    def still() -> bool:
        count = len(subscriber.counted(index).numbers)
        if count != last[0][0]:
            last[0] = (count, time.monotonic())
        return time.monotonic() - last[0][1] > 0.5

    wait_until(still, "the queues to be empty", limit_seconds=60.0)
    return last[0][0]


def test_callbacks_come_and_go(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    first, events = subscriber.subscribe_surely(publisher)
    second = subscriber.subscribe(publisher, how="queue")
    topics = subscriber.query()["client"]["event_callbacks"]
    assert topics[publisher.topic()]["callback_count"] == 2
    assert topics[publisher.topic()]["event_count"] == events
    subscriber.unsubscribe(second)
    assert subscriber.query()["client"]["event_callbacks"][publisher.topic()]["callback_count"] == 1
    subscriber.unsubscribe(first)
    client = subscriber.query()["client"]
    assert client == {"event_callbacks": {}, "not_connected": [], "event_channels": {}, "perf": None}


def test_subscribed_again(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    index, _ = subscriber.subscribe_surely(publisher)
    subscriber.unsubscribe(index)
    publisher.push(100)
    index = subscriber.subscribe(publisher)
    topic = subscriber.query()["client"]["event_callbacks"][publisher.topic()]
    assert counters(topic) == (0, 0, 0, 0)
    subscriber.unsubscribe(index)
    index, first = subscriber.subscribe_surely(publisher)
    pushed = publisher.query()["server"]["event_counters"][publisher.stream()] - 1
    assert pushed > 100
    publisher.push(20)
    subscriber.wait_events(first + 20, index)
    topic = subscriber.wait_topic(publisher.topic(), event_count=first + 20)
    assert counters(topic)[:3] == (pushed + 20, first + 20, 0)


def kinds_of(*servers: Examined) -> dict[str, tuple[str, str, str]]:
    """Kind to push: event type, stream, topic. Alarm events came with 10.0."""
    kinds = {
        "change": ("CHANGE_EVENT", "change", "idl5_change"),
        "archive": ("ARCHIVE_EVENT", "archive", "idl5_archive"),
        "alarm": ("ALARM_EVENT", "alarm", "alarm"),
        "ready": ("DATA_READY_EVENT", "data_ready", "data_ready"),
    }
    if any(server.versions[1].startswith("9.") for server in servers):
        del kinds["alarm"]
    return kinds


def test_every_kind_of_event(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    kinds = kinds_of(publisher, subscriber)
    for number, (kind, (event_type, stream, topic)) in enumerate(kinds.items(), start=3):
        index, first = subscriber.subscribe_surely(publisher, kind=event_type, push=kind)
        before = publisher.query()["server"]["event_counters"][publisher.stream(stream)]
        publisher.push(number, kind=kind)
        subscriber.wait_events(first + number, index)
        told = subscriber.wait_topic(publisher.topic(topic), event_count=first + number)
        after = publisher.query()["server"]["event_counters"][publisher.stream(stream)]
        assert counters(told)[:3] == (after - 1, first + number, 0)
        assert after == before + number
    index = subscriber.subscribe(publisher, kind="ATTR_CONF_EVENT")
    changes = _until(subscriber, index, publisher.proxy.ChangeConfiguration)
    topic_name = publisher.topic("idl5_attr_conf")
    assert subscriber.wait_topic(topic_name, server_counter=changes)["missed_event_count"] == 0
    index = subscriber.subscribe(publisher, "", "INTERFACE_CHANGE_EVENT")
    changes = _until(subscriber, index, publisher.proxy.AddAttribute)
    topic_name = f"{publisher.device}.intr_change"
    assert subscriber.wait_topic(topic_name, server_counter=changes)["missed_event_count"] == 0
    assert publisher.query()["server"]["event_counters"][topic_name] == changes + 1


def _until(subscriber: Examined, index: int, change: Callable[[], object]) -> int:
    """Make changes until the callback is told of one; how many."""
    made: list[object] = []

    def arrived() -> bool:
        made.append(change())
        time.sleep(1.0)  # changes of an interface are told of after some 0.1 s, and several together as one
        return bool(subscriber.counted(index).numbers)

    wait_until(arrived, "an event", limit_seconds=20.0)
    return len(made)


def test_errors_are_events(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    index, first = subscriber.subscribe_surely(publisher)
    publisher.push(4, kind="error")
    told = subscriber.wait_topic(publisher.topic(), event_count=first + 4)
    assert told["missed_event_count"] == 0
    assert subscriber.counted(index).errors == {"Conformance_Reason": 4}


def test_publisher_restarted(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    index, first = subscriber.subscribe_surely(publisher)
    before = subscriber.query()["client"]
    publisher.stop()
    publisher.start()
    # Reconnected: the reading that follows a subscription has come once more.
    wait_until(lambda: subscriber.counted(index).readings >= 2, "reconnection", limit_seconds=40.0)
    wait_until(
        lambda: subscriber.query()["client"]["event_channels"] != before["event_channels"],
        "another endpoint",
        limit_seconds=10.0,
    )
    publisher.push(4)
    subscriber.wait_events(first + 4, index)
    after = subscriber.wait_topic(publisher.topic(), event_count=first + 4)
    assert counters(after)[:3] == (4, first + 4, 0)
    assert after["last_resubscribed"] == before["event_callbacks"][publisher.topic()]["last_resubscribed"]
    assert list(subscriber.query()["client"]["event_channels"]) == [publisher.name]
    assert publisher.query()["server"]["event_counters"] == {publisher.stream(): 5}


def test_two_subscribers_of_a_restarted_publisher(examined: ExaminedFactory) -> None:
    """Every event that a callback got is counted once; also those that older versions send twice then."""
    publisher, subscriber = examined(), examined()
    index, first = subscriber.subscribe_surely(publisher)
    publisher.stop()
    publisher.start()
    newcomer = examined()
    other, _ = newcomer.subscribe_surely(publisher)
    publisher.push(20)
    wait_until(lambda: subscriber.counted(index).readings >= 2, "reconnection", limit_seconds=40.0)
    for _ in range(5):
        publisher.push()
    last = subscriber.wait_events(first + 5, index).numbers[-1]
    wait_until(lambda: newcomer.counted(other).numbers[-1] == last, "the last event")
    for server, callback in ((subscriber, index), (newcomer, other)):
        counted = server.counted(callback)
        topic = server.wait_topic(publisher.topic(), event_count=len(counted.numbers))
        assert topic["missed_event_count"] == counted.errors.get("API_MissedEvents", 0)


def test_not_connected_until_the_publisher_starts(examined: ExaminedFactory) -> None:
    subscriber = examined()
    absent = examined.prepare("test/Absent/1")
    device = f"{subscriber.prefix}test/absent/1"
    began = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    index = subscriber.subscribe(device, how="stateless")
    client = subscriber.query()["client"]
    assert client["event_callbacks"] == {}
    (retried,) = client["not_connected"]
    date = datetime.fromisoformat(retried.pop("last_heartbeat"))
    assert began <= date <= datetime.now(UTC).replace(tzinfo=None)
    assert retried == {
        "device": "test/absent/1",
        "attribute": "number",
        "event_type": "change",
        "tango_host": subscriber.prefix,
    }
    other = subscriber.subscribe(device, kind="ARCHIVE_EVENT", how="stateless")
    types = [entry["event_type"] for entry in subscriber.query()["client"]["not_connected"]]
    assert types == ["change", "archive"]
    subscriber.unsubscribe(other)
    assert len(subscriber.query()["client"]["not_connected"]) == 1

    process, instance, name = absent
    process.start()
    publisher = examined.examined(process, instance, name)
    wait_until(lambda: not subscriber.query()["client"]["not_connected"], "connection", limit_seconds=40.0)
    topic = f"{device}/number.idl5_change"
    told = subscriber.wait_topic(topic)
    assert (told["channel_name"], told["callback_count"]) == (publisher.name, 1)
    assert list(subscriber.query()["client"]["event_channels"]) == [publisher.name]
    # The reading that follows a subscription.
    assert subscriber.counted(index).numbers == [0]


def test_names_are_escaped(examined: ExaminedFactory) -> None:
    """cppTango 10.1 and later do not escape them: their reply is no JSON then."""
    publisher, subscriber = examined('test/quo"te\\d/1'), examined()
    if not subscriber.is_patched or not publisher.is_patched:
        return
    subscriber.subscribe(publisher)
    topic = subscriber.query()["client"]["event_callbacks"][publisher.topic()]
    assert topic["channel_name"] == publisher.name
    assert publisher.query()["server"]["event_counters"] == {publisher.stream(): 1}


def test_the_monitor_can_read_it(pair: tuple[Examined, Examined]) -> None:
    publisher, subscriber = pair
    for server in pair:
        server.enable()
    subscriber.subscribe_surely(publisher)
    for server in pair:
        text = server.admin.QueryEventSystem()
        reply = parse_reply(text)
        assert text.isascii()
        samples = (
            reply.server.perf if server is publisher and reply.server else reply.client and reply.client.perf
        )
        assert samples

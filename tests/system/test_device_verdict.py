"""The verdict of a running device: State, qualities and sentences when servers die, stop or lose events."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory, flood, push_until_received, settle

VALID, WARNING, ALARM = (
    tango.AttrQuality.ATTR_VALID,
    tango.AttrQuality.ATTR_WARNING,
    tango.AttrQuality.ATTR_ALARM,
)


def quality(monitor: EventMonitor, name: str) -> tango.AttrQuality:
    return monitor.proxy.read_attribute(name).quality


def test_the_set_point_of_the_poll_period(database: EmbeddedDatabase, tmp_path: Path) -> None:
    with event_monitor(database, tmp_path) as monitor:
        assert monitor.proxy.read_attribute("pollPeriod").w_value == 0.2
        monitor.proxy.pollPeriod = 0.5
        assert monitor.proxy.read_attribute("pollPeriod").w_value == 0.5
        monitor.proxy.Init()
        assert monitor.proxy.read_attribute("pollPeriod").w_value == 0.2


def test_a_loss_is_an_alarm_with_qualities_and_both_are_over_after_the_hold_time(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    properties = {"AlarmHoldTime": ["5"]}
    targets = [publisher.name, subscriber.name]
    with event_monitor(database, tmp_path, targets, properties=properties) as monitor:
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        monitor.wait_state(tango.DevState.ON)
        events: queue.Queue[tango.EventData] = queue.Queue()
        heard = monitor.proxy.subscribe_event("totalMissedEvents", tango.EventType.CHANGE_EVENT, events.put)
        try:
            flood(publisher, subscriber, index)
            monitor.wait_state(tango.DevState.ALARM)
            publisher.publisher.push()
            monitor.wait(lambda: monitor.value("recentMissedEvents"), "the loss")
            assert monitor.level == "lost"
            assert quality(monitor, "totalMissedEvents") == ALARM
            assert quality(monitor, "verdictText") == ALARM
            assert quality(monitor, "serverCount") == VALID
            assert monitor.proxy.state() == tango.DevState.ALARM
            text = str(monitor.value("verdictText"))
            assert f"{subscriber.name} missed" in text
            assert "known subscriptions: 1 in 1 server." in text
            assert str(monitor.value("worstSubscription")).endswith(f" at {subscriber.name}")

            # Nobody reads the qualities meanwhile: State has to follow all the same.
            monitor.wait_state(tango.DevState.ON)
            assert monitor.value("recentMissedEvents") == 0
            assert quality(monitor, "totalMissedEvents") == VALID
            assert monitor.value("totalMissedEvents")
            told = [event.attr_value.quality for event in list(events.queue) if not event.err]
            assert ALARM in told
            monitor.wait(
                lambda: [e.attr_value.quality for e in list(events.queue) if not e.err][-1] == VALID,
                "an event with the quality of after the alarm",
            )
        finally:
            monitor.proxy.unsubscribe_event(heard)


@pytest.mark.parametrize("target", [True, False], ids=["target", "followed"])
def test_a_killed_publisher_is_told_with_its_listener(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path, target: bool
) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    targets = [subscriber.name, *([publisher.name] if target else [])]
    with event_monitor(database, tmp_path, targets) as monitor:
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        if not target:
            monitor.wait(lambda: monitor.value("followedServers") == 1, "the followed publisher")
        assert monitor.value("serverCount") == len(targets)
        monitor.wait_state(tango.DevState.ON)
        publisher.process.kill()
        monitor.wait_state(tango.DevState.ALARM)
        assert monitor.level == "waiting"
        sentence = f"{publisher.name} ended without having been stopped, {subscriber.name} listens to it"
        assert sentence in str(monitor.value("verdictText"))
        assert sentence in monitor.status
        assert quality(monitor, "unreachableServers" if target else "followedServers") == WARNING


def test_a_server_that_was_stopped_is_told_and_is_no_alarm(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    stays, goes = servers(), servers()
    with event_monitor(database, tmp_path, [stays.name, goes.name]) as monitor:
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "both servers")
        goes.stop()
        monitor.wait(lambda: monitor.value("notExportedServers") == 1, "the stopped server")
        monitor.wait_polls(3)
        assert monitor.proxy.state() == tango.DevState.ON
        assert f"1 server not exported:\n- {goes.name}" in monitor.status


def test_a_client_that_is_no_server_takes_the_all_clear_away(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    targets = [publisher.name, subscriber.name]
    with event_monitor(database, tmp_path, targets) as monitor:
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        monitor.wait(lambda: monitor.value("monitoredServers") == 2, "both servers")
        monitor.proxy.ResetCounters()  # nobody knows what was pushed until a late first answer
        monitor.wait(lambda: monitor.level == "clear", "an all-clear")
        assert monitor.value("streamsWithUnseenSubscribers") == 0

        # This process subscribes, and has nothing that could be asked.
        client = tango.DeviceProxy(publisher.publisher.device)
        heard: queue.Queue[tango.EventData] = queue.Queue()
        subscription = client.subscribe_event("second", tango.EventType.CHANGE_EVENT, heard.put)
        try:
            publisher.publisher.push("second")
            monitor.wait(lambda: monitor.value("streamsWithUnseenSubscribers") == 1, "the unseen subscriber")
            monitor.wait(lambda: monitor.level == "unknown", "a verdict without an all-clear")
            text = str(monitor.value("verdictText"))
            assert "subscribers that are not monitored" in text
            assert "Nothing was missed" not in text + monitor.status
            assert monitor.proxy.state() == tango.DevState.ON
        finally:
            client.unsubscribe_event(subscription)


def test_what_stays_overdue_is_waited_for_until_it_arrives(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    with event_monitor(database, tmp_path, [publisher.name, subscriber.name]) as monitor:
        monitor.wait(lambda: monitor.value("subscriptionCount") == 1, "the subscription")
        push_until_received(publisher, subscriber, index)
        monitor.wait_state(tango.DevState.ON)
        # Fewer than a queue holds: they wait, and none is lost.
        subscriber.subscriber.set_delay(index, 0.05)
        publisher.publisher.push_in_background(steps=200)
        monitor.wait(lambda: monitor.level == "waiting", "overdue events that are waited for")
        text = str(monitor.value("verdictText"))
        assert f"{subscriber.name} waits for " in text
        assert "Nothing was missed" not in text + monitor.status
        assert monitor.proxy.state() == tango.DevState.ALARM
        publisher.publisher.wait_pushed()
        subscriber.subscriber.set_delay(index, 0)
        settle(subscriber)
        monitor.wait(lambda: monitor.level in {"clear", "unknown"}, "the end of the wait")
        assert monitor.value("totalMissedEvents") == 0
        monitor.wait_state(tango.DevState.ON)


def test_what_was_pushed_in_the_last_moments_of_a_subscription_is_not_called_clear(
    database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Path
) -> None:
    publisher, subscriber = servers(), servers()
    index = subscriber.subscriber.subscribe(publisher.publisher)
    # Polls are asked for here, so that what happens between two of them is certain.
    properties = {"PollPeriod": ["600"]}
    targets = [publisher.name, subscriber.name]
    with event_monitor(database, tmp_path, targets, properties=properties) as monitor:
        push_until_received(publisher, subscriber, index)
        monitor.proxy.Poll()
        monitor.proxy.ResetCounters()  # nobody knows what was pushed until a late first answer
        monitor.wait(lambda: monitor.level == "clear", "an all-clear")
        publisher.publisher.push(steps=5)
        settle(subscriber)
        subscriber.subscriber.unsubscribe(index)
        monitor.proxy.Poll()
        monitor.wait(lambda: monitor.level == "unknown", "a verdict without an all-clear")
        text = str(monitor.value("verdictText"))
        assert "5 events were pushed around a restart, an end or a beginning" in text
        assert "known subscriptions: 1 in 1 server" in text
        assert monitor.value("totalMissedEvents") == monitor.value("totalUnaccountedEvents") == 0
        assert monitor.proxy.state() == tango.DevState.ON

"""Events of every attribute, State and Status included, reach a client soon after the poll."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from tests.system.event_monitors import EventMonitor, event_monitor
from tests.system.harness import ServerFactory

KINDS = {
    tango.EventType.CHANGE_EVENT: "change",
    tango.EventType.ARCHIVE_EVENT: "archive",
    tango.EventType.ALARM_EVENT: "alarm",
}


@dataclass
class Event:
    received: float
    stamped: float
    value: Any
    quality: tango.AttrQuality


@dataclass
class Client:
    """Subscribes to everything and keeps what it was called with, by attribute and kind."""

    proxy: tango.DeviceProxy
    events: dict[tuple[str, str], list[Event]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def subscribe(self, names: list[str]) -> None:
        for name in names:
            for kind, word in KINDS.items():
                self.ids.append(self.proxy.subscribe_event(name, kind, self._callback(name, word)))

    def _callback(self, name: str, word: str) -> Any:
        def called(event: Any) -> None:
            now = time.time()
            with self.lock:
                if event.err:
                    self.errors.append(f"{name} {word}: {event.errors[0].desc}")
                    return
                value = event.attr_value
                self.events[name, word].append(Event(now, value.time.totime(), value.value, value.quality))

        return called

    def forget(self) -> None:
        with self.lock:
            self.events.clear()

    def copy(self) -> dict[tuple[str, str], list[Event]]:
        with self.lock:
            return {key: list(events) for key, events in self.events.items()}

    def last(self, name: str, word: str) -> Event | None:
        events = self.copy().get((name, word))
        return events[-1] if events else None

    def close(self) -> None:
        for number in self.ids:
            self.proxy.unsubscribe_event(number)


@pytest.fixture
def monitor(database: EmbeddedDatabase, servers: ServerFactory, tmp_path: Any) -> Iterator[EventMonitor]:
    target = servers()
    with event_monitor(database, tmp_path, [target.name]) as running:
        running.wait_state(tango.DevState.ON)
        yield running


@pytest.fixture
def client(monitor: EventMonitor) -> Iterator[Client]:
    listening = Client(monitor.proxy)
    try:
        yield listening
    finally:
        listening.close()


def test_every_attribute_has_events_of_every_kind(monitor: EventMonitor, client: Client) -> None:
    names = list(monitor.proxy.get_attribute_list())
    assert {"State", "Status", "totalMissedEvents", "latestSnapshot"} <= set(names)
    client.subscribe(names)
    monitor.wait_polls(2)
    client.forget()
    began = time.time()
    monitor.proxy.Init()
    wanted = {(name, word) for name in names for word in KINDS.values()}

    def pushed() -> set[tuple[str, str]]:
        return {
            key for key, events in client.copy().items() if any(event.stamped > began for event in events)
        }

    monitor.wait(lambda: wanted == pushed(), "events of everything")
    assert client.errors == []
    assert monitor.value("eventPushErrors") == 0


def test_within_a_tenth_of_a_second_of_the_poll(monitor: EventMonitor, client: Client) -> None:
    names = list(monitor.proxy.get_attribute_list())
    client.subscribe(names)
    monitor.wait_polls(2)
    client.forget()
    monitor.wait_polls(12)
    delays = []
    events = client.copy()
    # The first and the last may not have all of their events here.
    for poll in events["lastPollTime", "archive"][1:-1]:
        (duration,) = [one.value for one in events["pollDuration", "archive"] if one.stamped == poll.stamped]
        # Tango stamps State and Status itself, when they are pushed.
        same = {
            name: one.received
            for name in names
            for one in events[name, "archive"]
            if poll.stamped <= one.stamped < poll.stamped + (0.15 if name in {"State", "Status"} else 1e-6)
        }
        if len(same) == len(names):
            delays.append(max(same.values()) - (poll.value + duration))
    assert len(delays) >= 8
    # The machine may be busy with something else for one of them.
    assert statistics.median(delays) < 0.1


def test_change_events_tell_changes_and_archive_events_every_poll(
    monitor: EventMonitor, client: Client
) -> None:
    client.subscribe(["serverCount", "pollNumber", "State"])
    monitor.wait_polls(2)
    client.forget()
    monitor.wait_polls(5)
    events = client.copy()
    assert ("serverCount", "change") not in events
    assert ("serverCount", "alarm") not in events
    assert ("State", "change") not in events
    assert len(events["serverCount", "archive"]) >= 4
    assert len(events["State", "archive"]) >= 4
    numbers = [event.value for event in events["pollNumber", "change"]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_commands_are_seen_at_once(monitor: EventMonitor, client: Client) -> None:
    monitor.proxy.pollPeriod = 3600.0
    client.subscribe(["recording", "pollPeriod", "performanceMonitoring", "Status"])
    monitor.proxy.StartPerformanceMonitoring()
    monitor.proxy.pollPeriod = 1800.0

    def seen() -> bool:
        return [client.last(name, "change") and client.last(name, "change").value for name in watched] == [  # type: ignore[union-attr]
            True,
            1800.0,
        ]

    watched = ["performanceMonitoring", "pollPeriod"]
    monitor.wait(seen, "change events", 2.0)


def test_state_pushed_is_state_read(monitor: EventMonitor, client: Client, servers: ServerFactory) -> None:
    second = servers()
    client.subscribe(["State", "Status", "unreachableServers"])
    monitor.proxy.AddTarget(second.name)
    monitor.wait(lambda: monitor.value("monitoredServers") == 2, "the second server")
    for end, expected in ((second.process.kill, "ALARM"), (second.process.start, "ON")):
        end()
        state = getattr(tango.DevState, expected)
        monitor.wait_state(state)

        def agreed(state: tango.DevState = state) -> bool:
            pushed_state, pushed_status = client.last("State", "change"), client.last("Status", "change")
            return bool(
                pushed_state
                and pushed_status
                and pushed_state.value == state
                and pushed_status.value == monitor.status
                and monitor.proxy.read_attribute("State").value == state
                and monitor.proxy.read_attribute("Status").value == pushed_status.value
            )

        monitor.wait(agreed, f"{expected} as read and as pushed")


def test_an_alarm_limit_of_the_operator_turns_state_and_quality(
    monitor: EventMonitor, client: Client
) -> None:
    client.subscribe(["State", "serverCount"])
    config = monitor.proxy.get_attribute_config("serverCount")
    config.alarms.max_alarm = "1"
    monitor.proxy.set_attribute_config(config)
    monitor.proxy.Init()

    def alarmed() -> bool:
        state, count = client.last("State", "change"), client.last("serverCount", "alarm")
        return bool(
            state
            and count
            and state.value == tango.DevState.ALARM == monitor.proxy.state()
            and count.quality == tango.AttrQuality.ATTR_ALARM
        )

    monitor.wait(alarmed, "the alarm")
    assert "Servers" in monitor.status

    def pushed_state() -> object:
        event = client.last("State", "change")
        return event and event.value

    config.alarms.max_alarm = "NaN"
    monitor.proxy.set_attribute_config(config)
    monitor.wait(
        lambda: monitor.proxy.state() == tango.DevState.ON == pushed_state(),
        "the end of the alarm",
    )

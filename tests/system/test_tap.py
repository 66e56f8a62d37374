"""The tap at real publishers that nobody patched: PyTango 9.5, 10.0 and this one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import tango

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.polling.client import endpoints_of
from stem_device.wire.counting import TopicCounts
from stem_device.wire.tap import Tap
from tests.system.tapping import NEWEST, VERSIONS, TappedPublisher, publisher

BURST = 20_000


@contextmanager
def subscribed(source: TappedPublisher, *attributes: str) -> Iterator[None]:
    proxy = source.proxy
    numbers = [
        proxy.subscribe_event(name, tango.EventType.CHANGE_EVENT, lambda _event: None) for name in attributes
    ]
    yield
    for number in numbers:
        proxy.unsubscribe_event(number)


@contextmanager
def tapped(source: TappedPublisher) -> Iterator[Tap]:
    tap = source.tap()
    try:
        wait_until(lambda: (tap.take(), tap.counts().connected)[1], "the connection")
        yield tap
    finally:
        tap.close()


def found(tap: Tap, name: str, number: int) -> TopicCounts | None:
    """What is counted of an attribute, if the event with this number, or a later one, has come."""
    tap.take()
    counted = [one for one in tap.counts().topics if f"/{name}." in one.topic]
    return counted[0] if counted and counted[0].counter >= number else None


def heard(tap: Tap, name: str, number: int) -> TopicCounts:
    """What is counted of an attribute once the event with this number has come."""
    return wait_until(partial(found, tap, name, number), f"event {number} of {name}", interval_seconds=0.0)


@pytest.mark.parametrize("version", VERSIONS)
def test_how_many_were_pushed_whatever_the_tap_lost(
    version: str, database: EmbeddedDatabase, tmp_path: Path
) -> None:
    with (
        publisher(version, database, tmp_path) as source,
        subscribed(source, "number", "big"),
        tapped(source) as tap,
    ):
        source.push(1)
        first = heard(tap, "number", 1)
        assert (first.heard, first.topic.endswith("/number.idl5_change")) == (1, True)
        source.push(BURST)  # nobody listens meanwhile: what does not fit is lost
        source.push(3)
        source.push(2, "big")
        big = source.push_until_heard(partial(found, tap, "big"), "big")
        assert big.size > 4000 * big.heard
        number = source.push_until_heard(partial(found, tap, "number"))
        assert number.pushed == source.pushed["number"] > BURST + 4
        assert number.heard + number.lost_here + number.lost_on_the_way == number.pushed
        assert number.series == 1
        wait_until(lambda: (tap.take(), tap.counts().heartbeats)[1], "a heartbeat")
        assert tap.counts().connections == 1


def test_the_tap_keeps_no_subscription_alive(database: EmbeddedDatabase, tmp_path: Path) -> None:
    """It asks for the ports alone: no stream begins, and none goes on, because of it."""
    with publisher(NEWEST, database, tmp_path) as source:
        admin = tango.DeviceProxy(source.server)
        told = endpoints_of(admin.ZmqEventSubscriptionChange(["info"]))
        assert told.events == (), "no event port before the first subscription"
        source.push(5)
        with subscribed(source, "number"):
            pass
        before = admin.QueryEventSystem()
        with tapped(source) as tap:
            source.push(2)
            heard(tap, "number", 2)
            source.push(1, "big")
            source.push(1)
            assert [one.topic.rpartition("/")[2] for one in tap.counts().topics] == ["number.idl5_change"]
            after = admin.QueryEventSystem()
        assert "/big" not in after, "nobody is subscribed to it, so that it is not sent"
        assert before.replace('.change":1', "") == after.replace('.change":4', "")

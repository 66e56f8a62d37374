"""A subscription that still listens to its publisher's life of before, where that cannot be seen at once."""

from __future__ import annotations

import pytest

from stem_device.accounting import Ledger
from stem_device.model.snapshot import Link, SubscriptionRecord
from tests.unit.accounting.world import World


def restarted(*, received: int, pushed: int) -> World:
    """A publisher that restarted before monitoring began; its subscriber has not noticed that yet."""
    world = World(endpoints_told="late")
    world.subscribe()
    world.pass_time(2.0)
    world.push(received)
    world.deliver(received)
    world.stop_publisher(0)
    world.start_publisher()
    world.push(pushed)
    return world


def seen(world: World, ledger: Ledger) -> SubscriptionRecord:
    world.pass_time(1.0)
    return ledger.account(world.poll()).servers[1].subscriptions[0]


@pytest.mark.parametrize("received", [0, 50, 100, 110, 119, 300])
def test_its_counter_is_not_taken_for_one_of_the_present_life(received: int) -> None:
    world, ledger = restarted(received=received, pushed=100), Ledger()
    seen(world, ledger)
    world.push(20)  # nobody is connected
    record = seen(world, ledger)
    assert (record.link, record.overdue) == (Link.FORMER, None)
    assert record.blind_seconds == pytest.approx(1.0)
    world.push(30)
    record = seen(world, ledger)
    assert (record.overdue, record.missed_total, record.missed_before) == (None, 0, 0)
    assert record.blind_seconds == pytest.approx(2.0)


def test_one_that_is_connected_goes_on_where_it_was() -> None:
    world, ledger = restarted(received=50, pushed=100), Ledger()
    world.reconnect()
    world.push(1)
    world.deliver(1)
    seen(world, ledger)
    world.push(20)
    record = seen(world, ledger)
    assert (record.link, record.overdue, record.blind_seconds) == (Link.LIVE, 0, 0)
    world.deliver(20)
    record = seen(world, ledger)
    assert (record.received_total, record.missed_total, record.overdue) == (20, 0, 0)

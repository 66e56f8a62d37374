"""Losses from before monitoring that are noticed after it began, while the publisher had told nothing yet."""

from __future__ import annotations

import pytest
from msgspec import structs

from stem_device.accounting import Ledger
from stem_device.model.snapshot import SubscriptionRecord
from tests.unit.accounting.world import World


def lossy(*, received: int, lost: int) -> World:
    """A subscriber that has lost events, and been given none since."""
    world = World()
    world.subscribe()
    world.pass_time(2.0)
    world.push(received)
    world.deliver(received)
    world.push(lost, lose=True)
    return world


def seen(world: World, ledger: Ledger, *, silent: bool = False, between: int = 0) -> SubscriptionRecord:
    world.pass_time(1.0)
    return ledger.account(world.poll(publisher_silent=silent, between=between)).servers[1].subscriptions[0]


@pytest.mark.parametrize("quiet_polls", [1, 3])
@pytest.mark.parametrize("answers", [True, False])
def test_a_gap_may_be_older_than_monitoring(answers: bool, quiet_polls: int) -> None:
    world, ledger = lossy(received=4, lost=7), Ledger()
    for _ in range(quiet_polls):
        seen(world, ledger, silent=True)
    record = seen(world, ledger, silent=not answers, between=1)
    assert (record.received_total, record.missed_total, record.unaccounted_total) == (1, 0, 7)
    world.push(5, lose=True)
    record = seen(world, ledger, silent=not answers, between=1)
    assert (record.received_total, record.missed_total, record.unaccounted_total) == (2, 5, 7)


def test_what_is_beyond_the_publishers_first_answer_is_missed() -> None:
    world, ledger = lossy(received=4, lost=7), Ledger()
    seen(world, ledger, silent=True)
    world.pass_time(1.0)
    asked_first = world.poll().answers[0]
    world.push(3, lose=True)
    world.push(1)
    world.deliver(1)
    poll = world.poll()
    record = ledger.account(structs.replace(poll, answers=(asked_first, poll.answers[1]))).servers[1]
    assert record.subscriptions[0].missed_total == 3
    assert record.subscriptions[0].unaccounted_total == 7


def test_gaps_before_the_first_events_of_a_queue() -> None:
    world, ledger = World(), Ledger()
    world.subscribe()
    world.pass_time(2.0)
    world.push(1)
    world.push(3, lose=True)
    world.push(1)
    seen(world, ledger, silent=True)
    world.deliver(2)
    record = seen(world, ledger, silent=True)
    assert (record.received_total, record.missed_total) == (2, 0)
    assert record.unaccounted_total == record.gaps_total == 1

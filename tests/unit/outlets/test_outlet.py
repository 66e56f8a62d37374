"""A consumer behind an outlet may hang, be slow, or raise: whoever offers never waits, and all is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.errors import StemError
from stem_device.outlets import Kept, Outlet, OutletQueue
from tests.waiting import wait_until

LIMIT = 20.0


class Gate:
    """A consumer that takes nothing while it is shut."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.closed = 0
        self.open, self.asked = threading.Event(), threading.Event()

    def take(self, item: int) -> None:
        self.asked.set()
        assert self.open.wait(LIMIT)
        self.taken.append(item)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


def test_all_that_is_offered_is_passed_on_in_order(gate: Gate) -> None:
    outlet = Outlet("x", gate)
    gate.open.set()
    assert all(outlet.offer(number) for number in range(20))
    assert outlet.close(LIMIT)
    assert (gate.taken, gate.closed) == (list(range(20)), 1)
    assert (outlet.health.sent, outlet.health.waiting, outlet.health.dropped) == (20, 0, 0)
    assert outlet.ended


def test_a_consumer_that_hangs_fills_its_queue_and_the_rest_is_dropped_and_counted(gate: Gate) -> None:
    outlet = Outlet("x", gate, max_waiting=3)
    outlet.offer(0)
    assert gate.asked.wait(LIMIT)
    assert [outlet.offer(number) for number in range(1, 7)] == [True] * 3 + [False] * 3
    health = outlet.health
    assert (health.sent, health.dropped, health.failed, health.waiting) == (0, 3, 0, 4)
    gate.open.set()
    assert outlet.wait_until_empty(LIMIT)
    assert gate.taken == [0, 1, 2, 3]
    assert outlet.offer(7), "there is room again"
    assert outlet.close(LIMIT)


@pytest.mark.parametrize("failure", [ValueError("boom"), SystemExit(1), StemError("boom")])
def test_a_consumer_that_raises_gets_the_next_item_too(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[int] = []

    def take(item: int) -> None:
        taken.append(item)
        if item < 2:
            raise failure

    outlet = Outlet("x", take)
    for number in range(3):
        outlet.offer(number)
    assert outlet.close(LIMIT)
    assert taken == [0, 1, 2]
    assert (outlet.health.sent, outlet.health.failed) == (1, 2)
    assert outlet.health.last_error == f"{type(failure).__name__}: {failure}"
    assert caplog.text.count("the outlet x failed") == 1, "the same error is logged once"


def test_an_error_of_foreign_code_is_one_harmless_line() -> None:
    def take(_: int) -> None:
        raise ValueError("a\n\x1b[31m" + "b" * 10_000)

    outlet = Outlet("x", take)
    outlet.offer(1)
    assert outlet.close(LIMIT)
    assert outlet.health.last_error.isprintable()
    assert len(outlet.health.last_error) == 500


def test_a_consumer_that_keeps_up_is_waited_for_and_one_that_is_behind_is_not(gate: Gate) -> None:
    outlet = Outlet("x", gate)
    gate.open.set()
    assert outlet.hand_over(0, LIMIT)
    assert (gate.taken, outlet.health.sent) == ([0], 1)
    gate.open.clear()
    assert outlet.hand_over(1, 0.01)
    begun = time.monotonic()
    assert outlet.hand_over(2, LIMIT)
    assert time.monotonic() - begun < LIMIT
    assert outlet.health.waiting == 2
    gate.open.set()
    assert outlet.close(LIMIT)
    assert gate.taken == [0, 1, 2]


def test_closing_waits_no_longer_than_it_was_told_and_says_what_was_lost(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    outlet = Outlet("x", gate)
    outlet.offer(0)
    assert gate.asked.wait(LIMIT)
    outlet.offer(1)
    outlet.offer(2)
    assert not outlet.close(0.01)
    assert "2 of its items are lost" in caplog.text
    assert (outlet.health.dropped, outlet.health.waiting, gate.closed) == (2, 1, 0)
    assert not outlet.ended
    assert not outlet.offer(3), "closed"
    gate.open.set()
    assert outlet.close(LIMIT)
    assert (gate.taken, gate.closed) == ([0], 1)
    assert (outlet.health.sent, outlet.health.dropped) == (1, 2)


def test_closing_what_got_nothing_closes_the_consumer(gate: Gate) -> None:
    outlet = Outlet("x", gate)
    assert outlet.close(LIMIT)
    assert outlet.close(LIMIT)
    assert gate.closed == 1


def test_a_consumer_that_cannot_be_closed_is_told() -> None:
    class Consumer:
        def take(self, item: int) -> None:
            assert item == 1

        def close(self) -> None:
            raise OSError("no space left")

    outlet = Outlet("x", Consumer())
    outlet.offer(1)
    assert outlet.close(LIMIT)
    assert (outlet.health.sent, outlet.health.failed) == (1, 0)
    assert "no space left" in outlet.health.last_error


def test_a_consumer_that_closes_its_own_outlet_does_not_wait_for_itself() -> None:
    answers: list[bool] = []
    outlet: Outlet[int] = Outlet("x", lambda _: answers.append(outlet.close(LIMIT)))
    outlet.offer(1)
    wait_until(lambda: outlet.ended)
    assert answers == [False]


def test_the_thread_works_inside_its_context() -> None:
    inside = threading.local()
    seen: list[bool] = []

    @contextmanager
    def context() -> Iterator[None]:
        inside.here = True
        yield

    outlet: Outlet[int] = Outlet("x", lambda _: seen.append(inside.here), thread_context=context)
    outlet.offer(1)
    assert outlet.close(LIMIT)
    assert seen == [True]


def test_the_newest_item_replaces_those_that_wait() -> None:
    queue: OutletQueue[int] = OutletQueue("x", 1, newest=True)
    assert all(queue.offer(number) for number in range(4))
    assert queue.take() == 3
    queue.done()
    assert queue.take(0.0) is None
    assert (queue.health.sent, queue.health.dropped) == (1, 3)


def test_a_closed_queue_ends_after_its_last_item() -> None:
    queue: OutletQueue[int] = OutletQueue("x")
    queue.offer(1)
    queue.close()
    assert not queue.offer(2)
    assert (queue.take(), queue.take()) == (1, None)


@given(
    steps=st.lists(st.sampled_from(["offer", "take", "sent", "failed", "drop"]), max_size=60),
    newest=st.booleans(),
)
def test_every_item_is_in_one_count(steps: list[str], newest: bool) -> None:
    queue: OutletQueue[int] = OutletQueue("x", 3, newest=newest)
    offered, under_way = 0, False
    for step in steps:
        if step == "offer":
            queue.offer(offered)
            offered += 1
        elif step == "take" and not under_way:
            under_way = queue.take(0.0) is not None
        elif step in {"sent", "failed"} and under_way:
            queue.done("boom" if step == "failed" else "")
            under_way = False
        elif step == "drop":
            queue.drop_waiting()
        health = queue.health
        assert offered == health.sent + health.dropped + health.failed + health.waiting
        assert health.waiting <= 3 + under_way


class Store:
    """Keeps every item for later, but the first."""

    def __init__(self) -> None:
        self.counts = Kept()
        self.ended: list[int] = []
        self.taken: list[int] = []

    def take(self, item: int) -> None:
        self.taken.append(item)
        if self.counts.sent:
            self.counts = self.counts._replace(waiting=self.counts.waiting + 1, error="away\n")
        else:
            self.counts = self.counts._replace(sent=1)

    def kept(self) -> Kept:
        return self.counts

    def ending(self) -> None:
        self.ended.append(self.counts.waiting)

    def close(self) -> None:
        self.ended.append(-1)


def test_what_a_consumer_keeps_is_waiting_and_not_sent() -> None:
    store = Store()
    outlet = Outlet("x", store)
    for number in range(5):
        assert outlet.offer(number)
    assert outlet.wait_until_empty(LIMIT)
    health = outlet.health
    assert (health.sent, health.waiting, health.dropped, health.failed) == (1, 4, 0, 0)
    assert health.last_error == "away "
    store.counts = Kept(sent=2, waiting=1, dropped=1, failed=1)
    health = outlet.health
    assert (health.sent, health.waiting, health.dropped, health.failed) == (2, 1, 1, 1)
    assert outlet.close(LIMIT)


def test_a_consumer_is_told_of_the_end_before_the_last_items() -> None:
    store = Store()
    outlet = Outlet("x", store)
    outlet.offer(1)
    assert outlet.wait_until_empty(LIMIT)
    assert outlet.close(LIMIT)
    assert store.ended == [0, -1]


def test_a_consumer_that_keeps_up_is_waited_for_though_it_keeps_items() -> None:
    outlet = Outlet("x", Store())
    for number in range(3):
        outlet.hand_over(number, LIMIT)
    assert outlet.health.sent + outlet.health.waiting == 3
    assert outlet.close(LIMIT)

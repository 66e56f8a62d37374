from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from types import SimpleNamespace

import pytest

from stem_device.model.clock import SystemClock
from stem_device.polling.round import CountDown, ask_all
from stem_device.polling.sample_timer import Timer
from stem_device.polling.thread_pool import ThreadPool
from stem_device.polling.worker import Worker
from tests.unit.polling.polling_fakes import ON, FakeClient, FakeClock


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    pool = ThreadPool(contextlib.nullcontext)
    yield pool
    pool.close()


def workers(number: int, *clients: FakeClient) -> list[Worker]:
    asked = [*clients, *(FakeClient(ON) for _ in range(number))]
    return [Worker(f"tango://db:1/dserver/x/{n}", client, SystemClock()) for n, client in enumerate(asked)]


class Hung(FakeClient):
    """Answers when released."""

    def __init__(self) -> None:
        super().__init__(ON)
        self.release = threading.Event()

    def query(self) -> str:
        self.release.wait(20)
        return super().query()


def test_quick_jobs_need_few_threads(pool: ThreadPool) -> None:
    pool.resize(500)
    group = workers(200)
    for poll in range(1, 6):
        ask_all(group, poll, pool, SystemClock(), limit_seconds=10.0)
        assert [outcome.poll for worker in group for outcome in worker.collect()] == [poll] * 200
    assert pool.waiting == 0


def test_hung_targets_hold_one_thread_each_and_delay_nobody_twice(pool: ThreadPool) -> None:
    pool.resize(32)
    hung = [Hung() for _ in range(10)]
    group = workers(20, *hung)
    ask_all(group, 1, pool, SystemClock(), limit_seconds=0.5)
    assert all(worker.collect() for worker in group[10:])
    assert not any(worker.collect() for worker in group[:10])
    for worker in group[:10]:
        worker.late = True
    begun = SystemClock().monotonic_ns()
    ask_all(group, 2, pool, SystemClock(), limit_seconds=20.0)
    assert (SystemClock().monotonic_ns() - begun) / 1e9 < 5.0
    assert all(worker.collect() for worker in group[10:])
    assert all(client.queries == 0 for client in hung)
    for client in hung:
        client.release.set()
    for worker in group[:10]:
        worker.late = False
    while any(worker.is_asked for worker in group):
        threading.Event().wait(0.01)
    ask_all(group, 3, pool, SystemClock(), limit_seconds=20.0)
    assert [[outcome.poll for outcome in worker.collect()] for worker in group] == [[1, 3]] * 10 + [[3]] * 20
    assert pool.threads <= 32


class Hands:
    """A pool on a clock of its own: each step so many jobs are done, and each hand that joins takes one."""

    def __init__(self, done_a_step: int) -> None:
        self.clock = FakeClock()
        self.done_a_step = done_a_step
        self.jobs = self.joined = 0
        self.waits: list[float] = []
        """How long was waited, in order, once all jobs were taken."""

    @property
    def waiting(self) -> int:
        return max(0, self.jobs)

    def submit(self, jobs: Sequence[object]) -> None:
        self.jobs = len(jobs)

    def join_in(self, hands: int) -> None:
        self.joined += min(hands, self.waiting)
        self.jobs -= hands

    def counter(self, _number: int) -> SimpleNamespace:
        return SimpleNamespace(none_left=SimpleNamespace(wait=self.wait), one_less=lambda: None)

    def wait(self, seconds: float) -> bool:
        if not self.waiting:
            self.waits.append(seconds)
            return True
        self.clock.advance(seconds)
        self.jobs -= self.done_a_step
        return False

    def ask(self, group: list[Worker], monkeypatch: pytest.MonkeyPatch, limit_seconds: float = 10.0) -> None:
        monkeypatch.setattr("stem_device.polling.round.CountDown", self.counter)
        ask_all(group, 1, self, self.clock, limit_seconds=limit_seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize(("done_a_step", "joined"), [(9, False), (7, True)])
def test_more_threads_join_if_not_all_would_be_asked_within_50_ms(
    done_a_step: int, joined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 targets, of which 8 would have to be done in each 4 ms."""
    hands = Hands(done_a_step)
    hands.ask(workers(100), monkeypatch)
    assert (hands.joined > 0) is joined


def test_a_thousand_targets_that_all_hang_are_asked_within_50_ms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each keeps its thread: the number of threads has to double nine times."""
    hands = Hands(0)
    begun = hands.clock.monotonic_ns()
    hands.ask(workers(1000), monkeypatch)
    assert hands.joined == 1000
    assert (hands.clock.monotonic_ns() - begun) / 1e9 <= 0.05


@pytest.mark.parametrize(("limit_seconds", "grace"), [(10.0, 0.05), (0.1, 0.05), (0.06, 0.03)])
def test_those_that_were_late_get_a_moment_of_grace(
    limit_seconds: float, grace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 ms, and half of what is left: short periods are not spent on waiting for one slow server."""
    hands = Hands(0)
    (late,) = group = workers(1)
    late.late = True
    monkeypatch.setattr(hands, "submit", list)  # all are taken at once
    hands.ask(group, monkeypatch, limit_seconds)
    assert hands.waits[-1] == pytest.approx(grace)


def test_threads_above_the_limit_end(pool: ThreadPool) -> None:
    pool.resize(10)
    barrier = threading.Barrier(11, timeout=20)
    pool.submit([lambda: _meet(barrier) for _ in range(10)])
    pool.join_in(10)
    barrier.wait()
    pool.resize(3)
    _wait(lambda: pool.threads == 3)
    pool.close()
    _wait(lambda: pool.threads == 0)


def test_a_job_that_raises_is_counted_and_the_crew_goes_on(
    pool: ThreadPool, caplog: pytest.LogCaptureFixture
) -> None:
    count = CountDown(2)

    def fail() -> None:
        raise RuntimeError("oops")

    pool.submit([lambda: count.after(fail), count.one_less])
    assert count.none_left.wait(20)
    _wait(lambda: pool.failures_total == 1)
    assert "A job of the poller failed" in caplog.text


def test_timer_calls_in_order_and_forgets_what_was_replaced() -> None:
    clock = SystemClock()
    timer = Timer(clock)
    seen: list[int] = []
    done = threading.Event()
    now = clock.monotonic_ns()
    timer.replace([(now + 3_600 * 10**9, lambda: seen.append(0))])
    timer.replace([(now + 2, lambda: seen.append(2)), (now + 1, lambda: seen.append(1)), (now + 3, done.set)])
    assert done.wait(20)
    assert seen == [1, 2]
    timer.close()
    timer.replace([(now, lambda: seen.append(3))])
    assert seen == [1, 2]


def _meet(barrier: threading.Barrier) -> None:
    barrier.wait()


def _wait(condition: object) -> None:
    assert callable(condition)
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("waited in vain")


UNDER_WAY = """
import contextlib, threading
from stem_device.polling.thread_pool import ThreadPool
begun, goes_on = threading.Event(), threading.Event()
def call():
    begun.set()
    goes_on.wait(0.5)
    print("the call has ended", flush=True)
idle, pool = ThreadPool(contextlib.nullcontext), ThreadPool(contextlib.nullcontext)
idle.submit([int])
pool.submit([call])
begun.wait(20)
"""


def test_the_end_of_the_program_waits_for_calls_under_way() -> None:
    """Or Python ends their threads within Tango, which aborts the process. Nobody has closed the crews."""
    done = subprocess.run(
        [sys.executable, "-c", UNDER_WAY], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "the call has ended\n"


def test_a_crew_tells_whether_its_calls_have_ended(pool: ThreadPool) -> None:
    begun, release = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        release.wait(20)

    pool.submit([call])
    assert begun.wait(20)
    assert not pool.end(0.01)
    pool.resize(5)  # by a poll that is still under way
    release.set()
    assert pool.end(20)
    pool.submit([lambda: None])
    assert pool.threads == 0

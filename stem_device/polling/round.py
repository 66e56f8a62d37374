"""One round of questions: all targets at one moment, and how long to wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from stem_device.model.clock import Clock
from stem_device.polling.thread_pool import FIRST_HANDS, ThreadPool
from stem_device.polling.worker import Worker

STEP_SECONDS = 0.004
"""How often it is looked whether the pool gets along. At each look twice as many threads may join: with twice
as much time, they were too few after SPREAD_SECONDS where 1000 targets hang."""

SPREAD_SECONDS = 0.05
"""Within this time all targets should have been asked; if it does not look so, more threads join. With half
of it, twice as many threads would be started for targets that all answer; with twice as much, counters of
publisher and subscriber would be so much further apart, and what is pushed between the two questions cannot
be told from what is ahead."""

GRACE_SECONDS = 0.05
"""How long is waited, once all others are in, for targets that were late before. It is time in which a poll
is not told: not more than half of what is left of it, or one slow server would take all of each short period.
Half of it is less than an answer with 10,000 subscriptions takes (34 ms, measured), so that a server with as
many would stay late; twice as much would be seen in polls four times a second."""


class CountDown:
    """Counts down on the threads of the pool; ``none_left`` is set at zero."""

    def __init__(self, number: int) -> None:
        self._lock = threading.Lock()
        self._left = number
        self.none_left = threading.Event()
        if number == 0:
            self.none_left.set()

    def after(self, job: Callable[[], None]) -> None:
        """Do a job and count it, whatever became of it."""
        try:
            job()
        finally:
            self.one_less()

    def one_less(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.none_left.set()


def ask_all(
    workers: Sequence[Worker], poll: int, pool: ThreadPool, clock: Clock, *, limit_seconds: float
) -> None:
    """Ask every target that is free; return when all that can be expected to answer have, or at the limit.

    A target that was late before is asked last and waited for no longer than the others take (and a
    moment of grace); one that still has not answered an earlier poll is not asked at all.
    """
    free = [worker for worker in workers if not worker.is_asked]
    expected = [worker for worker in free if not worker.late]
    late = [worker for worker in free if worker.late]
    in_time, afterwards = CountDown(len(expected)), CountDown(len(late))
    jobs: list[Callable[[], None]] = [worker.run for worker in expected if worker.ask(poll, in_time.one_less)]
    jobs += [worker.run for worker in late if worker.ask(poll, afterwards.one_less)]
    begun = clock.monotonic_ns()
    pool.submit(jobs)
    _see_off(pool, len(jobs), in_time.none_left, begun, clock, limit_seconds=limit_seconds)
    in_time.none_left.wait(max(0.0, limit_seconds - _since(begun, clock)))
    rest = max(0.0, limit_seconds - _since(begun, clock))
    afterwards.none_left.wait(min(GRACE_SECONDS, rest / 2))


def _see_off(
    pool: ThreadPool, jobs: int, all_in: threading.Event, begun: int, clock: Clock, *, limit_seconds: float
) -> None:
    """Let more threads join while it looks as if the last target would be asked too late."""
    hands = FIRST_HANDS
    while pool.waiting and not all_in.wait(STEP_SECONDS):
        elapsed = _since(begun, clock)
        if elapsed > limit_seconds:
            return
        taken = jobs - pool.waiting
        if elapsed * jobs > SPREAD_SECONDS * max(taken, 1):
            pool.join_in(hands)
            hands *= 2
    pool.join_in(pool.waiting)  # those that were late before


def _since(begun_ns: int, clock: Clock) -> float:
    return (clock.monotonic_ns() - begun_ns) / 1e9

"""The source of most Answers: asks all targets at one moment and says what came back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

import tango

from stem_device.model.clock import Clock
from stem_device.model.options import PollingOptions
from stem_device.model.options.polling import TAP_NEVER
from stem_device.model.poll import Answer, ServerState
from stem_device.polling.client import Connect, Proxy, TargetClient, connect_device
from stem_device.polling.directory import Directory, TangoDirectory
from stem_device.polling.following import Publishers, Wanted
from stem_device.polling.identity import KnownLives
from stem_device.polling.names import path_of
from stem_device.polling.reading_replies import Turns
from stem_device.polling.relays import Jobs
from stem_device.polling.resolving import ResolvingThread
from stem_device.polling.round import CountDown, ask_all
from stem_device.polling.sample_timer import Timer
from stem_device.polling.sampling import times_between
from stem_device.polling.source import Answers, PollStart
from stem_device.polling.sparing import Sparing
from stem_device.polling.target import Target, spread_seconds
from stem_device.polling.targets import Resolver
from stem_device.polling.thread_pool import ThreadPool
from stem_device.polling.worker import Worker

SHARE_OF_PERIOD = 0.8
"""A poll waits for late targets no longer than this share of the poll period."""

SPARE_THREADS = 2
"""More threads than targets, so that queries in between find one even if every target hangs."""

SCOUTS = 16
"""Servers that are asked side by side what devices they have."""

SCOUTS_SHARE = 0.5
"""They are waited for no longer than this share of the time limit of a target, so that the first poll, which
waits for the whole of it, knows by what name to ask a server that hangs."""

LOOKING_UP = (
    "the targets are still being looked up, since a database or a server answers slowly or not at all"
)


class QuerySource:
    """Asks all targets whenever ``collect`` is called, on one thread; the other methods are safe from any.

    ``connect`` makes a proxy from a full name, ``directory`` looks names up: tests replace them. With the
    real ones the Tango client library is initialised here, so construct it on the main thread of a process.
    """

    def __init__(
        self,
        options: PollingOptions,
        *,
        clock: Clock,
        connect: Connect | None = None,
        directory: Directory | None = None,
        thread_context: Callable[[], AbstractContextManager[object]] = tango.EnsureOmniThread,
    ) -> None:
        if connect is None or directory is None:
            # Events crash a process whose first proxy was made off the main thread.
            tango.ApiUtil.instance()
        self._options = options
        self._clock = clock
        self.poll_period = options.poll_period
        self._pool = ThreadPool(thread_context)
        self._turns = Turns()
        self._timer = Timer(clock)
        self._scouts = ThreadPool(thread_context)
        self._scouts.resize(SCOUTS)
        self._directory = directory or TangoDirectory(options.target_timeout)
        self._connect = connect or self._connect_device
        self._finders = ThreadPool(thread_context)
        resolver = Resolver(self._directory, clock, self._run_scouts, self._run_finders)
        self._resolving = ResolvingThread(
            resolver.resolve,
            options.target_devices,
            resolve_publishers=resolver.publishers,
            period_seconds=options.resolve_period,
            thread_context=thread_context,
        )
        self._targets: dict[str, Target] = {}
        self._lives = KnownLives()
        self._wanted = Wanted()
        self._settings = threading.Lock()
        self._sampling_wanted = False
        self._states: dict[str, ServerState] = {}
        self._await_targets = True
        self._problems: tuple[str, ...] = ()
        self._others: tuple[Answer, ...] = ()
        self._closed = False

    @property
    def poll_limit_seconds(self) -> float:
        """How long a poll waits for targets."""
        return min(self._options.target_timeout, SHARE_OF_PERIOD * self.poll_period)

    @property
    def name(self) -> str:
        return "query"

    def take_up_targets(self) -> None:
        """Begin with targets that are new, let go of those that have left; before the poll begins."""
        wait, self._await_targets = self._await_targets, False
        resolution, current = self._resolving.resolution(self.poll_limit_seconds if wait else 0.0)
        publishers = self._resolving.publishers
        known, self._targets = self._targets, {}
        for name in (*resolution.targets, *publishers.names):
            if name not in self._targets:
                self._targets[name] = known.pop(name) if name in known else self._new_target(name)
        targets = frozenset(resolution.targets)
        for name, target in self._targets.items():
            target.followed = name not in targets
        self._pool.resize(len(self._targets) + SPARE_THREADS)
        followed = [target for target in self._targets.values() if target.followed]
        self._switch_off((*known.values(), *(one for one in followed if one.worker.sampling_ours)))
        looking_up = () if current else (LOOKING_UP,)
        self._problems = (
            *resolution.problems,
            *publishers.problems,
            *self._not_followed(publishers),
            *looking_up,
        )

    def collect(self, start: PollStart) -> Answers:
        """Ask all targets now; blocks until all have answered, or for ``poll_limit_seconds``."""
        targets = tuple(self._targets.values())
        ask_all(
            [target.worker for target in self._in_order(targets, spare=start.spare)],
            start.number,
            self._pool,
            self._clock,
            limit_seconds=self.poll_limit_seconds,
        )
        answered = self._clock.monotonic_ns()
        answers = tuple(self._answer(target, start.number) for target in targets)
        parsed = self._clock.monotonic_ns()
        self._plan_between(start.started_monotonic_ns)
        self._apply_sampling()
        tap = self._options.tap_publishers != TAP_NEVER
        self._pool.submit([target.worker.run for target in targets if target.ask_endpoints(tap=tap)])
        self._watch(answers)
        return Answers(
            answers=answers,
            problems=(*self._problems, *self._sampling_problems(), *self._own_problems()),
            spread_seconds=spread_seconds(targets),
            ask_seconds=(answered - start.started_monotonic_ns) / 1e9,
            parse_seconds=(parsed - answered) / 1e9,
        )

    def note_others(self, answers: Sequence[Answer]) -> None:
        """What other sources know at this poll: the publishers of their subscriptions are followed too."""
        self._others = tuple(answers)

    def set_targets(self, targets: tuple[str, ...]) -> None:
        """Monitor these from the next poll on."""
        self._await_targets = True
        self._resolving.set_targets(targets)

    def set_sampling(self, on: bool) -> None:
        """Sample event timing at every target that can, from now on, or no longer.

        Where sampling was on before, it is left on; servers that are down are switched when they come back.
        """
        with self._settings:
            self._sampling_wanted = on
        self._apply_sampling()

    def close(self) -> None:
        """Switch sampling off where it was switched on here, and end the threads. For good."""
        with self._settings:
            if self._closed:
                return
            self._closed = True
            self._sampling_wanted = False
        self._timer.close()
        self._resolving.close()
        targets = tuple(target for target in self._targets.values() if not target.worker.is_asked)
        self._switch_off(targets, wait_seconds=self._options.target_timeout)
        self._pool.close()
        self._scouts.close()
        self._finders.close()

    def _not_followed(self, publishers: Publishers) -> tuple[str, ...]:
        paths = {path_of(name) for name in self._targets} if publishers.without_port else ()
        return tuple(
            f"the publisher {path} cannot be followed, since cppTango does not tell the port of a server "
            "without a database; add it as a target"
            for path in publishers.without_port
            if path not in paths
        )

    def _connect_device(self, name: str) -> Proxy:
        return connect_device(self._directory.present_name(name))

    def _run_scouts(self, jobs: Jobs) -> None:
        """Run jobs side by side, so that servers that hang delay the others no longer than told."""
        self._run_beside(self._scouts, jobs, SCOUTS_SHARE * self._options.target_timeout)

    def _run_finders(self, jobs: Jobs) -> None:
        """Run a job for each database; one that hangs keeps its thread and none of the others."""
        self._finders.resize(self._finders.threads + len(jobs))
        self._run_beside(self._finders, jobs, self._options.target_timeout)

    def _run_beside(self, pool: ThreadPool, jobs: Jobs, limit_seconds: float) -> None:
        count = CountDown(len(jobs))
        pool.submit([partial(count.after, job) for job in jobs])
        pool.join_in(len(jobs))
        count.none_left.wait(limit_seconds)

    def _new_target(self, name: str) -> Target:
        client = TargetClient(
            name,
            self._options.target_timeout,
            self._connect,
            identify=self._directory.process,
            clock=self._clock,
        )
        worker = Worker(name, client, self._clock, self._turns)
        return Target(worker, self._lives.of(name), Sparing(self._options.max_query_share))

    def _in_order(self, targets: tuple[Target, ...], *, spare: bool) -> list[Target]:
        """Whom to ask, those that answer first: to find a dead one dead takes longer than an answer."""
        now = self._clock.monotonic_ns()
        return sorted(
            (target for target in targets if target.is_due(now, spare=spare)),
            key=lambda item: not item.monitored,
        )

    def _answer(self, target: Target, number: int) -> Answer:
        return target.answer(
            number,
            limit_seconds=self.poll_limit_seconds,
            period_seconds=self.poll_period,
            limit=self._options.queries_per_poll,
            now_utc_ns=self._clock.utc_ns(),
        )

    def _plan_between(self, started_ns: int) -> None:
        self._timer.replace(
            (due, partial(self._ask_between, target.worker))
            for target in self._targets.values()
            for due in times_between(started_ns, self.poll_period, target.queries)
        )

    def _ask_between(self, worker: Worker) -> None:
        if worker.ask_between():
            self._pool.submit([worker.run])

    def _apply_sampling(self) -> None:
        """Switch where the latest reply shows that it is needed, without waiting for it."""
        with self._settings:
            jobs = [
                target.worker.run
                for target in tuple(self._targets.values())
                if target.switch_sampling(wanted=self._sampling_wanted)
            ]
        self._pool.submit(jobs)

    def _sampling_problems(self) -> tuple[str, ...]:
        if not self._sampling_wanted:
            return ()
        return tuple(
            f"{name}: {target.worker.sampling_problem}"
            for name, target in self._targets.items()
            if target.worker.sampling_problem
        )

    def _own_problems(self) -> tuple[str, ...]:
        failures = sum(pool.failures_total for pool in (self._pool, self._scouts, self._finders))
        return (f"{failures} jobs of the monitor itself have failed; its log says why",) if failures else ()

    def _watch(self, answers: tuple[Answer, ...]) -> None:
        """Look the targets up again soon where one went or came back: its server may have changed."""
        states = {answer.server: answer.state for answer in answers}
        if any(self._states.get(server, state) is not state for server, state in states.items()):
            self._resolving.look_again_soon()
        self._states = states
        if self._options.follow_publishers:
            self._resolving.set_publishers(self._wanted.note((*answers, *self._others)))

    def _switch_off(self, targets: tuple[Target, ...], *, wait_seconds: float = 0.0) -> None:
        """Leave the sampling of these as it was before this monitor came."""
        count = CountDown(len(targets))
        self._pool.submit(
            [target.worker.run for target in targets if target.worker.release_sampling(count.one_less)]
        )
        self._pool.join_in(len(targets))
        count.none_left.wait(wait_seconds)

from __future__ import annotations

import threading

import pytest

from stem_device.errors import (
    TargetFailingError,
    TargetNotExportedError,
    TargetUnreachableError,
    TargetUnsupportedError,
)
from stem_device.model.poll import Answer, ServerState
from stem_device.polling.client import Endpoints
from stem_device.polling.identity import Process
from stem_device.polling.sampling import Sampling
from stem_device.polling.target import PATIENCE_SECONDS, REST_SECONDS, Target, spread_seconds
from stem_device.polling.worker import Worker
from stem_device.responses import MAX_REPLY_BYTES
from stem_device.responses.limits import KEPT_CHARACTERS
from tests.unit.polling.polling_fakes import OFF, ON, FakeClient, FakeClock, publisher

NAME = "tango://db:1/dserver/x/y"


class Bench:
    """A target that is polled by hand; ``hang`` lets its queries wait until later."""

    def __init__(self, *answers: str | Exception) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(*answers)
        self.worker = Worker(NAME, self.client, self.clock)
        self.target = Target(self.worker)
        self.number = 0
        self.done = 0
        self.hang = False
        self.pending = False

    def poll(self, seconds: float = 1.0) -> Answer:
        self.clock.advance(seconds)
        self.number += 1
        if self.target.is_due(self.clock.monotonic_ns()) and not self.worker.is_asked:
            self.pending |= self.worker.ask(self.number, self.count)
        self.work()
        return self.target.answer(
            self.number, limit_seconds=3.0, period_seconds=1.0, limit=10, now_utc_ns=self.clock.utc_ns()
        )

    def work(self) -> None:
        if self.pending and not self.hang:
            self.pending = False
            self.worker.run()

    def between(self) -> None:
        if self.worker.ask_between():
            self.worker.run()

    def count(self) -> None:
        self.done += 1

    def switch(self, *, wanted: bool) -> list[bool]:
        """What was switched by this."""
        before = len(self.client.switches)
        if self.target.switch_sampling(wanted=wanted):
            self.worker.run()
        return self.client.switches[before:]


def test_a_monitored_server() -> None:
    bench = Bench(ON)
    answer = bench.poll()
    assert answer.server == NAME
    assert answer.state is ServerState.MONITORED
    assert answer.reason == ""
    assert answer.tango_version == "10.3.3"
    assert answer.texts == (ON,)
    assert answer.queries == 1
    assert answer.sampling
    assert not answer.sampling_ours
    assert answer.asked_monotonic_ns == bench.clock.monotonic_ns()
    assert answer.asked_utc_ns == bench.clock.utc_ns()
    assert bench.done == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (TargetUnreachableError(NAME, "r"), ServerState.UNREACHABLE),
        (TargetNotExportedError(NAME, "r"), ServerState.NOT_EXPORTED),
        (TargetUnsupportedError(NAME, "9.3.4", "r"), ServerState.UNSUPPORTED),
        (TargetFailingError(NAME, "r"), ServerState.FAILING),
    ],
)
def test_every_error_is_a_state_that_changes_by_itself(
    error: TargetUnreachableError, state: ServerState
) -> None:
    bench = Bench(error, OFF)
    answer = bench.poll()
    assert (answer.state, answer.reason, answer.reply) == (state, "r", None)
    assert answer.tango_version == ("9.3.4" if state is ServerState.UNSUPPORTED else "")
    assert bench.poll().state is ServerState.MONITORED


def test_an_unexpected_error_is_a_failing_target_and_nothing_more() -> None:
    answer = Bench(RuntimeError("oops")).poll()
    assert answer.state is ServerState.FAILING
    assert "RuntimeError: oops" in answer.reason


def test_since_is_kept_while_state_and_kind_of_failure_stay() -> None:
    bench = Bench(
        TargetFailingError(NAME, "error 17"),
        TargetFailingError(NAME, "error 18"),
        TargetFailingError(NAME, "other"),
        ON,
        ON,
    )
    since = [bench.poll().since_utc_ns for _ in range(5)]
    first = since[0]
    assert [round((s - first) / 1e9) for s in since] == [0, 0, 0, 3, 3]


def test_a_reply_that_cannot_be_used_is_kept_and_cut() -> None:
    bench = Bench("x" * (KEPT_CHARACTERS + 10), '{"version":7,"server":null,"client":null}')
    answer = bench.poll()
    assert answer.state is ServerState.FAILING
    assert len(answer.texts[0]) == KEPT_CHARACTERS
    answer = bench.poll()
    assert "version" in answer.reason
    assert "7" in answer.reason


def test_a_huge_reply_is_cut_before_it_is_looked_at() -> None:
    bench = Bench("{" * (MAX_REPLY_BYTES * 3))
    bench.worker.ask(1, bench.count)
    bench.worker.run()
    (outcome,) = bench.worker.collect()
    assert outcome.text is not None
    assert len(outcome.text) == KEPT_CHARACTERS
    answer = bench.poll()
    assert answer.state is ServerState.FAILING
    assert str(MAX_REPLY_BYTES * 3) in answer.reason
    assert len(answer.texts[0]) == KEPT_CHARACTERS


def test_a_hung_server_is_late_and_its_answer_counts_when_it_comes() -> None:
    bench = Bench(ON)
    bench.poll()
    bench.hang = True
    answer = bench.poll()
    assert answer.state is ServerState.UNREACHABLE
    assert "3 s" in answer.reason
    assert bench.worker.late
    assert bench.worker.is_asked
    asked = bench.client.queries
    assert bench.poll().since_utc_ns == answer.since_utc_ns
    assert bench.client.queries == asked
    bench.hang = False
    bench.work()
    answer = bench.poll()
    assert answer.state is ServerState.MONITORED
    assert answer.queries == 2
    assert answer.asked_monotonic_ns == bench.clock.monotonic_ns()
    assert not bench.worker.late


def test_a_server_that_is_always_late_is_monitored_one_poll_behind() -> None:
    bench = Bench(ON)
    for number in range(4):
        bench.hang = True
        answer = bench.poll()
        bench.hang = False
        assert answer.state is (ServerState.MONITORED if number else ServerState.UNREACHABLE)
        assert bench.worker.late
        bench.work()


def test_queries_in_between_bring_samples_and_the_last_query_the_counters() -> None:
    bench = Bench(publisher(1, 0), publisher(11, 3), publisher(12, 4), publisher(15, 2))
    bench.poll()
    bench.between()
    bench.between()
    answer = bench.poll()
    assert answer.queries == 3
    assert len(answer.texts) == 3
    assert answer.reply is not None
    assert answer.reply.server is not None
    assert answer.reply.server.event_counters == {"a/b/c/d.change": 15}
    assert len(answer.reply.server.perf or ()) == 9


def test_a_hung_server_that_answered_in_between_is_unreachable() -> None:
    bench = Bench(ON)
    bench.poll()
    bench.between()
    bench.hang = True
    answer = bench.poll()
    assert answer.state is ServerState.UNREACHABLE
    assert answer.texts == (ON,)


def test_nobody_asks_in_between_while_something_is_under_way() -> None:
    bench = Bench(ON)
    bench.hang = True
    bench.poll()
    bench.between()
    assert bench.client.queries == 0


def test_only_servers_that_sample_are_asked_in_between() -> None:
    bench = Bench(publisher(1, 0), publisher(1001, 200), publisher(1001, 0), OFF)
    bench.poll()
    assert bench.target.queries == 1
    bench.poll()
    assert bench.target.queries == 6
    bench.poll()
    assert bench.target.queries == 1
    off = Bench(OFF, OFF.replace("{}", '{"s":5000}'))
    off.poll()
    off.poll()
    assert off.target.queries == 1


def test_sampling_is_switched_on_and_off_again() -> None:
    bench = Bench(OFF, ON)
    assert bench.switch(wanted=True) == []  # not yet asked: it is not known what is on already
    bench.poll()
    assert bench.switch(wanted=False) == []
    assert bench.switch(wanted=True) == [True]
    assert bench.poll().sampling_ours
    assert bench.switch(wanted=True) == []
    assert bench.switch(wanted=False) == [False]
    assert not bench.poll().sampling_ours


def test_sampling_of_somebody_else_is_left_alone() -> None:
    bench = Bench(ON)
    assert not bench.poll().sampling_ours
    assert bench.switch(wanted=True) == []
    assert bench.switch(wanted=False) == []
    bench.worker.release_sampling(bench.count)
    bench.worker.run()
    assert bench.client.switches == []


def test_sampling_is_switched_on_again_after_a_restart() -> None:
    bench = Bench(OFF, ON, TargetUnreachableError(NAME, "down"), OFF, ON)
    bench.poll()
    bench.switch(wanted=True)
    bench.poll()
    bench.poll()
    assert bench.switch(wanted=True) == []  # down: left alone
    bench.poll()
    assert bench.switch(wanted=True) == [True]
    assert bench.poll().sampling_ours


def test_sampling_wanted_no_more_while_down_is_switched_off_afterwards() -> None:
    bench = Bench(OFF, ON, TargetUnreachableError(NAME, "down"), ON, OFF)
    bench.poll()
    bench.switch(wanted=True)
    bench.poll()
    bench.poll()
    assert bench.switch(wanted=False) == []
    bench.poll()
    assert bench.switch(wanted=False) == [False]


def test_a_server_that_cannot_be_switched_is_asked_once_and_named() -> None:
    bench = Bench(OFF)
    bench.client.switch_error = TargetUnsupportedError(NAME, "", "no command")
    bench.poll()
    assert bench.target.switch_sampling(wanted=True)
    bench.worker.run()
    assert "no command" in bench.worker.sampling_problem
    bench.poll()
    assert not bench.target.switch_sampling(wanted=True)


@pytest.mark.parametrize("error", [TargetFailingError(NAME, "no way"), RuntimeError("no way")])
def test_switching_that_fails_is_told_and_tried_again(error: Exception) -> None:
    bench = Bench(OFF)
    bench.client.switch_error = error
    bench.poll()
    assert bench.switch(wanted=True) == []
    assert "no way" in bench.worker.sampling_problem
    bench.client.switch_error = None
    bench.poll()
    assert bench.switch(wanted=True) == [True]
    assert bench.worker.sampling_problem == ""


def test_release_switches_off_what_was_still_being_switched_on() -> None:
    bench = Bench(OFF)
    bench.poll()
    assert bench.target.switch_sampling(wanted=True)
    assert not bench.worker.release_sampling(bench.count)  # the one call of run() below does both
    bench.worker.run()
    assert bench.client.switches == [True, False]
    assert not bench.worker.sampling_ours


def test_a_server_that_is_down_for_long_is_asked_less_often_and_keeps_its_state() -> None:
    bench = Bench(TargetNotExportedError(NAME, "not running"))
    first = bench.poll()
    while bench.clock.monotonic_ns() < (PATIENCE_SECONDS + 2) * 1e9:
        bench.poll()
    before = bench.client.queries
    answers = [bench.poll() for _ in range(20)]
    assert bench.client.queries - before == 20 / REST_SECONDS
    assert {answer.state for answer in answers} == {ServerState.NOT_EXPORTED}
    assert {answer.reason for answer in answers} == {"not running"}
    assert {answer.since_utc_ns for answer in answers} == {first.since_utc_ns}
    bench.client.answers = [ON]
    answers = [bench.poll() for _ in range(5)]
    assert answers[-1].state is ServerState.MONITORED


def test_an_unsupported_server_is_asked_in_every_poll() -> None:
    bench = Bench(TargetUnsupportedError(NAME, "9.3.4", "old"))
    for _ in range(100):
        bench.poll()
    assert bench.client.queries == 100


def test_spread_is_that_of_the_servers_that_answered_in_time() -> None:
    benches = [Bench(ON), Bench(ON), Bench(TargetFailingError(NAME, "x")), Bench(ON)]
    for bench, seconds in zip(benches, (1.0, 1.5, 9.0, 1.25), strict=True):
        bench.poll(seconds)
    assert spread_seconds([bench.target for bench in benches]) == 0.5
    assert spread_seconds([benches[0].target]) == 0.0
    assert spread_seconds([]) == 0.0


def test_jobs_of_one_target_run_one_at_a_time_in_order() -> None:
    bench = Bench(ON)
    threads = threading.Barrier(2, timeout=10)
    seen: list[int] = []

    class Slow(FakeClient):
        def query(self) -> str:
            seen.append(self.queries)
            threads.wait()
            return super().query()

    worker = Worker(NAME, Slow(ON), bench.clock)
    assert worker.ask(1, bench.count)
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert not worker.switch_sampling(on=True, seen=Sampling.OFF)
    assert not worker.ask_between()
    threads.wait()
    thread.join(10)
    assert seen == [0]
    assert worker.sampling_ours


def test_a_server_that_cannot_tell_its_endpoints_is_asked_once() -> None:
    """As relays and old servers; another process may be able to."""

    class Unable(FakeClient):
        def endpoints(self) -> Endpoints:
            super().endpoints()
            raise TargetUnsupportedError(NAME, "9.5", "has no such command")

    client = Unable(publisher(5, 0))
    target = Target(Worker(NAME, client, FakeClock()))
    for poll, asked in ((1, 1), (2, 1), (3, 2)):
        if poll == 3:
            client.process = Process("the second")
        assert target.worker.ask(poll, lambda: None)
        target.worker.run()
        target.answer(poll, limit_seconds=3.0, period_seconds=1.0, limit=1, now_utc_ns=poll)
        if target.ask_endpoints():
            target.worker.run()
        assert client.endpoints_asked == asked

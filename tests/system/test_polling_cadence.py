"""All at one moment, a hung server delays nobody, and sampling on real servers."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from stem_device.demo.processes import wait_until
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import Answer, Poll, ServerState
from stem_device.polling import Poller, Schedule
from stem_device.responses import parse_reply
from tests.system.harness import Server, ServerFactory, freeze

pytestmark = pytest.mark.extras


def make(*servers: Server, period: float = 1.0, **options: Any) -> Poller:
    targets = tuple(server.name for server in servers)
    return Poller(Options(target_devices=targets, poll_period=period, **options), clock=SystemClock())


def answer_of(poll: Poll, server: Server) -> Answer:
    return next(answer for answer in poll.answers if answer.server == server.name)


def poll_until(poller: Poller, server: Server, condition: Callable[[Answer], bool], what: str) -> Answer:
    answers: list[Answer] = []

    def reached() -> bool:
        answers.append(answer_of(poller.poll(), server))
        return condition(answers[-1])

    wait_until(reached, what, limit_seconds=40.0, interval_seconds=0.1)
    return answers[-1]


def is_sampling(server: Server) -> bool:
    publisher = parse_reply(server.query()).server
    return publisher is not None and publisher.perf is not None


def test_a_hung_server_delays_nobody(servers: ServerFactory) -> None:
    healthy, other, hung = servers(), servers(), servers()
    poller = make(hung, healthy, other, period=0.5)
    schedule = Schedule(0.5, SystemClock())
    try:
        poll_until(
            poller, hung, lambda answer: answer.state is ServerState.MONITORED, "the hung one to answer"
        )
        freeze(hung.process.pid)
        try:
            first = poller.poll()
            polls = [poller.poll(schedule.overruns_total) for _ in range(8) if schedule.wait()]
        finally:
            os.kill(hung.process.pid, signal.SIGCONT)
        assert first.duration_seconds < 0.5
        assert answer_of(first, hung).state is ServerState.UNREACHABLE
        assert "did not answer within 0.4 s" in answer_of(first, hung).reason
        assert {answer_of(poll, hung).since_utc_ns for poll in polls} == {answer_of(first, hung).since_utc_ns}
        assert max(poll.duration_seconds for poll in polls) < 0.3
        assert polls[-1].overruns_total == 0
        for server in (healthy, other):
            asked = [answer_of(poll, server).asked_monotonic_ns / 1e9 for poll in polls]
            gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
            assert gaps == pytest.approx([0.5] * 7, abs=0.25)
        for poll in polls:
            asked = [answer_of(poll, server).asked_monotonic_ns for server in (healthy, other)]
            assert poll.spread_seconds == pytest.approx((max(asked) - min(asked)) / 1e9)
        poll_until(
            poller, hung, lambda answer: answer.state is ServerState.MONITORED, "the hung one to come back"
        )
    finally:
        schedule.stop()
        poller.close()


def test_a_server_that_hangs_from_the_start_delays_nobody(servers: ServerFactory) -> None:
    healthy, hung = servers(), servers()
    freeze(hung.process.pid)
    poller = make(hung, healthy, period=0.5)
    schedule = Schedule(0.5, SystemClock())
    try:
        poll_until(poller, healthy, lambda answer: answer.state is ServerState.MONITORED, "the healthy one")
        polls = [poller.poll(schedule.overruns_total) for _ in range(12) if schedule.wait()]
        assert polls[-1].overruns_total == 0
        assert {answer_of(poll, hung).state for poll in polls} == {ServerState.UNREACHABLE}
        asked = [answer_of(poll, healthy).asked_monotonic_ns / 1e9 for poll in polls]
        gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
        assert gaps == pytest.approx([0.5] * 11, abs=0.25)
    finally:
        os.kill(hung.process.pid, signal.SIGCONT)
        schedule.stop()
        poller.close()


def test_sampling_goes_on_after_a_restart_and_off_at_the_end(servers: ServerFactory) -> None:
    server = servers()
    poller = make(server)
    poll_until(poller, server, lambda answer: answer.state is ServerState.MONITORED, "an answer")
    poller.set_sampling(on=True)
    poll_until(poller, server, lambda answer: answer.sampling and answer.sampling_ours, "sampling")
    server.process.kill()
    poll_until(
        poller, server, lambda answer: answer.state is ServerState.UNREACHABLE, "the server to be gone"
    )
    server.process.start()
    answer = poll_until(
        poller, server, lambda answer: answer.state is ServerState.MONITORED, "an answer again"
    )
    assert not answer.sampling
    poll_until(poller, server, lambda answer: answer.sampling and answer.sampling_ours, "sampling again")
    poller.set_sampling(on=False)
    wait_until(lambda: not is_sampling(server), "sampling to be off")
    poller.set_sampling(on=True)
    poll_until(poller, server, lambda answer: answer.sampling, "sampling once more")
    poller.close()
    assert not is_sampling(server)


def test_sampling_of_somebody_else_stays_on(servers: ServerFactory) -> None:
    server, on = servers(), True
    server.admin.command_inout("EnableEventSystemPerfMon", on)
    poller = make(server)
    poll_until(poller, server, lambda answer: answer.sampling, "the first answer")
    poller.set_sampling(on=True)
    answer = poll_until(poller, server, lambda answer: answer.sampling, "an answer")
    assert not answer.sampling_ours
    poller.set_sampling(on=False)
    poller.poll()
    poller.close()
    assert is_sampling(server)


def test_a_target_that_leaves_is_left_as_it_was(servers: ServerFactory) -> None:
    stays, leaves = servers(), servers()
    poller = make(stays, leaves)
    try:
        poll_until(poller, leaves, lambda answer: answer.state is ServerState.MONITORED, "an answer")
        poller.set_sampling(on=True)
        poll_until(poller, leaves, lambda answer: answer.sampling, "sampling")
        poller.set_targets((stays.name,))
        poller.poll()
        wait_until(lambda: not is_sampling(leaves), "sampling to be off")
        assert [answer.server for answer in poller.poll().answers] == [stays.name]
    finally:
        poller.close()


def test_full_buffers_are_emptied_in_between_and_no_sample_is_lost(servers: ServerFactory) -> None:
    """600 events a second would overflow the buffers of a server that is asked once a second."""
    server, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(server.publisher)
    poller = make(server, period=1.0, queries_per_poll=10)
    schedule = Schedule(1.0, SystemClock())
    try:
        poller.poll()
        poller.set_sampling(on=True)
        server.publisher.push_in_background(period_seconds=1 / 600)
        answers = [answer_of(poller.poll(), server) for _ in range(7) if schedule.wait()]
        server.publisher.stop()
        counters = [_counter(answer) for answer in answers]
        samples = [_samples(answer) for answer in answers]
        assert all(answer.queries >= 3 for answer in answers[4:])
        assert all(answer.queries <= 10 for answer in answers)
        # An event that is just being pushed at a query may be counted before its sample is there.
        assert sum(samples[4:]) == pytest.approx(counters[-1] - counters[3], abs=5)
        assert counters[-1] - counters[3] > 3 * 256
        wait_until(lambda: answer_of(poller.poll(), server).queries == 1, "the queries in between to end")
        begun = time.monotonic()
        calm = [answer_of(poller.poll(), server) for _ in range(3) if schedule.wait()]
        assert time.monotonic() - begun > 1.0
        assert [answer.queries for answer in calm][1:] == [1, 1]
    finally:
        schedule.stop()
        poller.close()


def _counter(answer: Answer) -> int:
    assert answer.reply is not None
    assert answer.reply.server is not None
    return sum(answer.reply.server.event_counters.values())


def _samples(answer: Answer) -> int:
    assert answer.reply is not None
    assert answer.reply.server is not None
    return len(answer.reply.server.perf or ())

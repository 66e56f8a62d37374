"""Several sources, one Poll: which Answer prevails, and what one that fails costs."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec import structs

from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import Answer, Failure, ServerState
from stem_device.polling import Answers, Poller, PollStart
from stem_device.polling.source import joined
from tests.unit.polling.polling_fakes import FakeDirectory

HERE, THERE = "tango://h:1/dserver/x/1", "tango://h:1/dserver/x/2"


@dataclass
class MadeUp:
    """Says what it is told to say, or fails."""

    name: str
    answers: tuple[Answer, ...] = ()
    error: Exception | None = None
    seconds: float = 0.0
    closed: bool = False
    starts: list[PollStart] = field(default_factory=list)

    def collect(self, start: PollStart) -> Answers:
        self.starts.append(start)
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return Answers(
            answers=self.answers, problems=(f"{self.name} is well",), parse_seconds=self.seconds / 2
        )

    def close(self) -> None:
        self.closed = True
        if self.error is not None:
            raise self.error


def poller_of(*sources: MadeUp) -> Poller:
    poller = Poller(
        Options(),
        clock=SystemClock(),
        connect=dict[str, Any]().__getitem__,
        directory=FakeDirectory(),
        thread_context=contextlib.nullcontext,
    )
    for source in sources:
        poller.add_source(source)
    return poller


def test_the_first_source_prevails_where_it_can_ask() -> None:
    for state in ServerState:
        for other in ServerState:
            first, second = Answer(HERE, state, reason="first"), Answer(HERE, other, reason="second")
            (answer,) = joined([Answers((first,)), Answers((second,))])
            gives_way = state is ServerState.UNSUPPORTED is not other
            assert answer.reason == ("second" if gives_way else "first")
    assert joined([Answers((Answer(THERE, ServerState.FAILING),)), Answers(), Answers((first,))]) == (
        Answer(THERE, ServerState.FAILING),
        first,
    )


def test_all_sources_are_collected_from_in_one_poll() -> None:
    one, two = MadeUp("one", (Answer(HERE, ServerState.MONITORED),)), MadeUp("two", seconds=0.02)
    poller = poller_of(one, two)
    poll = poller.poll(spare=False)
    assert [answer.server for answer in poll.answers] == [HERE]
    assert poll.problems == ("one is well", "two is well")
    start = PollStart(1, poll.started_utc_ns, poll.started_monotonic_ns, spare=False)
    assert one.starts == [start]
    assert two.starts == [structs.replace(start, known=poll.answers)], "it is told what others know"
    assert poll.phases.parse_seconds >= 0.01
    assert 0.01 <= poll.phases.ask_seconds <= poll.duration_seconds - 0.01
    poller.close()
    assert (one.closed, two.closed) == (True, True)


def test_a_source_that_fails_makes_its_servers_failing_and_no_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = MadeUp("one", (Answer(HERE, ServerState.MONITORED, since_utc_ns=1),))
    two = MadeUp("two", (Answer(THERE, ServerState.MONITORED),))
    poller = poller_of(one, two)
    poller.poll()
    one.error = ValueError("no\x1b[2Jidea" + 1000 * "x")
    first, again = poller.poll(), poller.poll()
    here, there = again.answers
    assert (here.server, here.state, here.failure) == (HERE, ServerState.FAILING, Failure.ERROR)
    assert here.since_utc_ns == first.started_utc_ns
    assert "the source one failed: ValueError: no" in here.reason
    assert "\x1b" not in here.reason
    assert len(here.reason) < 400
    assert here.reason in again.problems
    assert there.state is ServerState.MONITORED
    assert "The source one failed" in caplog.text
    one.error = None
    assert [answer.state for answer in poller.poll().answers] == [ServerState.MONITORED] * 2
    one.error = OSError("cannot be closed")
    poller.close()
    assert two.closed

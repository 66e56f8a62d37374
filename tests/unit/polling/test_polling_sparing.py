"""Servers whose answers take long are asked less often."""

from __future__ import annotations

import pytest

from stem_device.errors import OptionError, TargetUnreachableError
from stem_device.model.options import Options
from stem_device.model.poll import Answer, Failure, ServerState
from stem_device.polling.identity import Process
from stem_device.polling.sparing import ANSWERS_KEPT, LONGEST_SECONDS, Sparing
from stem_device.polling.target import Target
from stem_device.polling.worker import Worker
from tests.unit.polling.polling_fakes import OFF, FakeClient, FakeClock, publisher

NAME = "tango://db:1/dserver/x/y"
SHARE = 0.01


class SlowClient(FakeClient):
    """Takes a time of its own for each answer."""

    def __init__(self, clock: FakeClock, seconds: float, *answers: str | Exception) -> None:
        super().__init__(*answers)
        self.clock, self.seconds = clock, seconds

    def query(self) -> str:
        self.clock.advance(self.seconds)
        return super().query()


class Asked:
    """A target that is polled once a second of a clock that only this moves."""

    def __init__(self, seconds: float, *answers: str | Exception, share: float = SHARE) -> None:
        self.clock = FakeClock()
        self.client = SlowClient(self.clock, seconds, *(answers or (OFF,)))
        self.target = Target(Worker(NAME, self.client, self.clock), sparing=Sparing(share))
        self.number = 0

    def poll(self, *, spare: bool = True, late: bool = False) -> Answer:
        """``late``: what it answers comes after the poll."""
        self.number += 1
        self.clock.now_ns = self.number * 1_000_000_000
        due = self.target.is_due(self.clock.monotonic_ns(), spare=spare)
        if due:
            self.target.worker.ask(self.number, lambda: None)
        if due and not late:
            self.target.worker.run()
        answer = self.target.answer(
            self.number, limit_seconds=3.0, period_seconds=1.0, limit=10, now_utc_ns=self.clock.utc_ns()
        )
        if due and late:
            self.target.worker.run()
        return answer

    def polls(self, number: int) -> list[Answer]:
        return [self.poll() for _ in range(number)]

    def queries_in(self, polls: int) -> int:
        before = self.client.queries
        self.polls(polls)
        return self.client.queries - before


@pytest.mark.parametrize(
    ("seconds", "every"), [(0.0, 1), (0.0019, 1), (0.01, 1), (0.011, 2), (0.02, 2), (0.025, 3), (0.1, 10)]
)
def test_the_answers_take_no_more_than_their_share(seconds: float, every: int) -> None:
    asked = Asked(seconds)
    asked.polls(ANSWERS_KEPT + every)
    queries = asked.queries_in(300)
    assert queries == 300 // every
    assert queries * seconds <= SHARE * 300
    assert asked.poll().asked_every == every


def test_however_long_they_take_it_is_asked_once_a_minute() -> None:
    asked = Asked(2.5)
    asked.polls(ANSWERS_KEPT + 100)
    assert asked.queries_in(600) == 600 / LONGEST_SECONDS


def test_in_between_it_is_what_it_was() -> None:
    asked = Asked(0.025)
    answers = asked.polls(ANSWERS_KEPT + 6)[ANSWERS_KEPT:]
    assert [answer.reply is not None for answer in answers] == [False, False, True, False, False, True]
    assert {answer.state for answer in answers} == {ServerState.MONITORED}
    assert {answer.failure for answer in answers} == {Failure.NONE}
    assert {answer.reason for answer in answers} == {""}
    assert {answer.since_utc_ns for answer in answers} == {answers[0].since_utc_ns}
    assert [answer.queries for answer in answers] == [0, 0, 1, 0, 0, 1]


def test_one_slow_answer_is_no_habit() -> None:
    asked = Asked(0.005)
    for number in range(100):
        asked.client.seconds = 0.5 if number % ANSWERS_KEPT == 3 else 0.005
        assert asked.poll().asked_every == 1
    assert asked.client.queries == 100


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ([0.5] * 9, 0.0),
        ([0.5] * 10, 0.5),
        ([0.005, *[0.5] * 9], 0.005),
        ([0.005, *[0.5] * 10], 0.5),
        ([0.0019] * 10, 0.0),
        ([0.002] * 10, 0.002),
    ],
)
def test_the_quickest_of_ten_answers_counts(answers: list[float], seconds: float) -> None:
    """One of less than 2 ms tells more of the monitor than of the server."""
    sparing = Sparing(SHARE)
    sparing.note(answers)
    assert sparing.answer_seconds == seconds


def test_once_a_minute_is_the_least() -> None:
    sparing = Sparing(SHARE)
    sparing.note([10.0] * 10)
    assert (sparing.polls(1.0), sparing.polls(0.5), sparing.polls(90.0)) == (60, 120, 1)


def test_whoever_polls_now_gets_an_answer() -> None:
    asked = Asked(0.025)
    asked.polls(ANSWERS_KEPT)
    assert [asked.poll(spare=False).reply is not None for _ in range(3)] == [True] * 3


def test_no_limit() -> None:
    asked = Asked(0.5, share=1.0)
    assert asked.queries_in(100) == 100


def test_another_process_is_not_judged_by_the_one_before() -> None:
    asked = Asked(0.025)
    asked.polls(ANSWERS_KEPT + 2)  # so that it is due at the next one
    asked.client.process, asked.client.seconds = Process("the second"), 0.001
    assert asked.queries_in(20) == 20
    assert asked.poll().asked_every == 1


def test_one_that_answers_late_is_spared_too() -> None:
    asked = Asked(0.025)
    asked.polls(ANSWERS_KEPT + 3)
    before = asked.client.queries
    answers = [asked.poll(late=True) for _ in range(30)]
    assert asked.client.queries - before == 10
    assert {answer.asked_every for answer in answers} == {3}


def test_time_limits_that_pass_are_no_answers() -> None:
    asked = Asked(3.0, TargetUnreachableError(NAME, "did not answer"))
    asked.polls(20)
    asked.client.answers, asked.client.seconds = [OFF], 0.001
    asked.polls(6)
    assert asked.queries_in(20) == 20


def test_queries_in_between_count_too() -> None:
    sampled = Asked(0.004, *(publisher(100 * number, 256) for number in range(1, 40)))
    sampled.polls(ANSWERS_KEPT)
    assert sampled.target.asked_every == 1
    assert sampled.target.queries == 2  # of 4 ms each: 1 % of a second would be passed by the third


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan"), True, "much"])
def test_a_share_that_is_none(share: object) -> None:
    with pytest.raises(OptionError, match="MaxQueryShare"):
        Options(max_query_share=share)  # type: ignore[arg-type]

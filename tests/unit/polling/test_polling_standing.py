"""Lives, ends and states of a server, and counters that cannot be true."""

from __future__ import annotations

import pytest

from stem_device.errors import (
    ImplausibleError,
    ReplyError,
    StemError,
    TargetDatabaseError,
    TargetFailingError,
    TargetNotExportedError,
    TargetRefusedError,
    TargetSilentError,
    TargetUndefinedError,
    TargetUnsupportedError,
)
from stem_device.model.poll import Failure, ServerState
from stem_device.polling.client import Endpoints
from stem_device.polling.failures import failure_of
from stem_device.polling.identity import KnownLives, Process
from stem_device.polling.plausibility import Plausibility
from stem_device.polling.standing import Standing
from stem_device.responses import parse_reply

NAME = "tango://db:1/dserver/x/y"
REFUSED = TargetRefusedError(NAME, "r")
SILENT = TargetSilentError(NAME, "r")
STOPPED = TargetNotExportedError(NAME, "r")
UNDEFINED = TargetUndefinedError(NAME, "r")
DATABASE = TargetDatabaseError("db:1", "does not answer")
FIRST, SECOND = Process("1", 1, "monday"), Process("2", 2, "tuesday")


@pytest.mark.parametrize(
    ("error", "state", "failure"),
    [
        (REFUSED, ServerState.UNREACHABLE, Failure.REFUSED),
        (SILENT, ServerState.UNREACHABLE, Failure.SILENT),
        (DATABASE, ServerState.UNREACHABLE, Failure.DATABASE),
        (STOPPED, ServerState.NOT_EXPORTED, Failure.NOT_EXPORTED),
        (UNDEFINED, ServerState.NOT_EXPORTED, Failure.UNDEFINED),
        (TargetUnsupportedError(NAME, "9", "r"), ServerState.UNSUPPORTED, Failure.UNSUPPORTED),
        (TargetFailingError(NAME, "r"), ServerState.FAILING, Failure.ERROR),
        (ReplyError("$", "r"), ServerState.FAILING, Failure.REPLY),
        (ImplausibleError("c", "r"), ServerState.FAILING, Failure.IMPLAUSIBLE),
    ],
)
def test_every_error_has_a_state_and_a_code(error: StemError, state: ServerState, failure: Failure) -> None:
    assert failure_of(error) == (state, failure)


@pytest.mark.parametrize(
    ("errors", "ended"),
    [
        ([STOPPED], True),
        ([REFUSED], False),
        ([REFUSED, REFUSED], True),
        ([REFUSED, SILENT, REFUSED], False),
        ([REFUSED, DATABASE, REFUSED], True),
        ([REFUSED, DATABASE, DATABASE], False),
        ([UNDEFINED], False),
        ([UNDEFINED, UNDEFINED], True),
        ([SILENT] * 10, False),
        ([DATABASE] * 10, False),
        ([STOPPED, SILENT], True),
        ([STOPPED, DATABASE], True),
    ],
)
def test_what_ends_a_process(errors: list[StemError], ended: bool) -> None:
    standing = Standing()
    standing.note_process(FIRST, 1)
    for number, error in enumerate(errors):
        standing.note(error, number, asked=True)
    assert standing.ended is ended
    standing.note_process(FIRST, 99)
    assert not standing.ended
    assert standing.identity.life == 1


def test_a_refusal_that_is_only_repeated_counts_once() -> None:
    standing = Standing()
    standing.note(REFUSED, 1, asked=True)
    for _ in range(5):
        standing.note(REFUSED, 2, asked=False)
    assert not standing.ended


@pytest.mark.parametrize("error", [STOPPED, REFUSED, UNDEFINED, SILENT])
def test_a_database_that_is_down_explains_nothing(error: StemError) -> None:
    standing = Standing()
    standing.note(error, 1, asked=True)
    before = standing.condition
    standing.note(DATABASE, 2, asked=True)
    after = standing.condition
    assert (after.state, after.failure, after.since_utc_ns) == (before.state, before.failure, 1)
    assert "db:1" in after.reason
    standing.note(None, 3, asked=True)
    standing.note(DATABASE, 4, asked=True)
    assert standing.condition.failure is Failure.DATABASE
    assert "nothing is known" in standing.condition.reason


def test_endpoints_belong_to_one_life() -> None:
    standing = Standing()
    standing.note_process(FIRST, 1)
    standing.note_endpoints(FIRST, Endpoints(("a",), ("b",)))
    standing.note_process(FIRST, 2)
    assert standing.endpoints.events == ("a",)
    standing.note_process(SECOND, 3)
    standing.note_endpoints(FIRST, Endpoints(("a",), ("b",)))  # asked before it was replaced
    assert standing.endpoints == Endpoints()
    assert (standing.identity.life, standing.identity.pid, standing.identity.since_utc_ns) == (2, 2, 3)


def test_a_server_that_leaves_and_joins_again_goes_on() -> None:
    known = KnownLives()
    Standing(known.of(NAME)).note_process(FIRST, 1)
    standing = Standing(known.of(NAME))
    assert not standing.note_process(FIRST, 5)
    assert standing.identity.since_utc_ns == 1
    assert standing.note_process(SECOND, 6)
    assert standing.identity.life == 2


def reply(pushed: int = 10, reached: int = 5, events: int = 5, topic: str = "t") -> str:
    return (
        f'{{"version":1,"server":{{"event_counters":{{"s.change":{pushed}}},"perf":null}},"client":{{'
        f'"event_callbacks":{{"{topic}":{{"channel_name":"c","callback_count":1,"server_counter":{reached},'
        f'"event_count":{events},"missed_event_count":0,"discarded_event_count":0,"last_resubscribed":null}}}},'
        '"not_connected":[],"event_channels":{},"perf":null}}'
    )


class TestPlausibility:
    def check(self, *replies: tuple[float, str]) -> None:
        plausibility = Plausibility()
        for seconds, text in replies:
            plausibility.check(parse_reply(text), round(seconds * 1e9))

    @pytest.mark.parametrize(
        ("text", "counter"),
        [
            (reply(pushed=2**32), "event_counters"),
            (reply(reached=2**32), "server_counter"),
            (reply(events=2**53), "event_count"),
        ],
    )
    def test_counters_have_bounds(self, text: str, counter: str) -> None:
        with pytest.raises(ImplausibleError) as error:
            self.check((1.0, text))
        assert error.value.counter == counter

    @pytest.mark.parametrize(
        ("text", "counter"),
        [
            (reply(pushed=20_000_011), "event_counters['s.change']"),
            (reply(reached=20_000_011), "server_counter['t']"),
            (reply(events=20_000_011), "event_count['t']"),
        ],
    )
    def test_a_rise_that_no_process_makes_is_refused_for_good(self, text: str, counter: str) -> None:
        plausibility = Plausibility()
        plausibility.check(parse_reply(reply()), 0)
        for seconds in (2, 1000, 100_000):
            with pytest.raises(ImplausibleError) as error:
                plausibility.check(parse_reply(text), seconds * 1_000_000_000)
            assert error.value.counter == counter
        plausibility.check(parse_reply(reply(11, 6, 6)), 100_001_000_000_000)
        plausibility.forget()
        plausibility.check(parse_reply(text), 100_002_000_000_000)

    def test_what_can_be_is_taken(self) -> None:
        self.check((0.0, reply()), (2.0, reply(pushed=20_000_009)))
        self.check(
            (0.0, reply()), (1.0, reply(2, 1, 1)), (2.0, reply())
        )  # counters fall when a client renews
        self.check((0.0, reply()), (1.0, reply(reached=4_000_000_000, topic="another")))

    def test_two_polls_at_once_count_as_a_tenth_of_a_second(self) -> None:
        """What was pushed while the first was answered is in the second."""
        self.check((0.0, reply()), (0.001, reply(pushed=1_000_010)))
        with pytest.raises(ImplausibleError):
            self.check((0.0, reply()), (0.001, reply(pushed=1_000_011)))

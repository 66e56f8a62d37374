"""Reports of clients: what is taken, under which name, and what is answered for it at a poll."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stem_device.errors import ClientReportError
from stem_device.model.client_report import MAX_REPORT_CHARACTERS, MAX_TEXTS
from stem_device.model.options import ClientOptions
from stem_device.model.poll import Answer, Failure, ServerState
from stem_device.model.reply import SubscriberReply
from stem_device.polling import PollStart
from stem_device.polling.clients import ClientReports
from stem_device.polling.clients.source import CHARACTERS_AT_ONCE, CHARACTERS_PER_SECOND
from tests.unit.polling.polling_fakes import FakeClock


def reply(received: int = 0, samples: int = 0, *, missed: int = 0) -> str:
    callback = {
        "channel_name": "tango://h:1/dserver/p/1",
        "callback_count": 1,
        "server_counter": received + missed,
        "event_count": received,
        "missed_event_count": 1 if missed else 0,
        "discarded_event_count": 0,
        "last_resubscribed": None,
    }
    sample = {
        "attr_name": "x",
        "micros_since_last_event": 1,
        "sleep_micros": 1,
        "process_micros": 1,
        "first_callback_latency_micros": 1,
        "callback_count": 1,
        "wake_count": 1,
        "discarded": False,
    }
    client = {
        "event_callbacks": {"tango://h:1/a/b/c/x.idl5_change": callback},
        "not_connected": [],
        "event_channels": {"tango://h:1/dserver/p/1": {"endpoint": "tcp://h:2"}},
        "perf": [sample] * samples or None,
    }
    return json.dumps({"version": 1, "server": None, "client": client})


def _client(answer: Answer) -> SubscriberReply:
    assert answer.reply is not None
    assert answer.reply.client is not None
    return answer.reply.client


class Reported:
    """A source with a clock of its own, and clients that report to it."""

    def __init__(self, **options: Any) -> None:
        self.clock = FakeClock(monotonic_ns=1_000_000_000_000)
        self.wanted = {"period": 1.0, "sampling": False}
        self.source = ClientReports(
            ClientOptions(**options),
            clock=self.clock,
            period_seconds=lambda: self.wanted["period"],
            sampling=lambda: bool(self.wanted["sampling"]),
            queries=7,
            hold_seconds=300.0,
        )
        self.polls = 0
        self.numbers: dict[object, int] = {}

    def report(self, pid: int = 7, **given: Any) -> Any:
        key = (given.get("name"), pid)
        self.numbers[key] = self.numbers.get(key, 0) + 1
        told = {
            "version": 1,
            "name": "synoptic",
            "host": "pc3",
            "pid": pid,
            "started": "2026-11-27",
            "number": self.numbers[key],
            "texts": [reply()],
            "period_seconds": 1.0,
        }
        return self.source.take(json.dumps(told | given))

    def poll(self, seconds: float = 1.0) -> tuple[Answer, ...]:
        self.clock.advance(seconds)
        self.polls += 1
        start = PollStart(self.polls, self.clock.utc_ns(), self.clock.monotonic_ns())
        return self.source.collect(start).answers

    def problems(self) -> tuple[str, ...]:
        return self.source.collect(PollStart(0, self.clock.utc_ns(), self.clock.monotonic_ns())).problems


def refusal(reported: Reported, *, pid: int = 7, **given: Any) -> ClientReportError:
    before = reported.source.health.refused
    with pytest.raises(ClientReportError) as raised:
        reported.report(pid, **given)
    assert reported.source.health.refused == before + 1
    assert reported.source.health.last_refusal == str(raised.value)
    return raised.value


def test_a_report_is_counted_at_the_next_poll() -> None:
    reported = Reported()
    reported.poll()
    reported.clock.advance(0.4)
    answer = reported.report(
        texts=[reply(3, 2), reply(5, 1)], tango_version="10.3.1", age_seconds=0.1, query_seconds=0.02
    )
    assert (answer.server, answer.period_seconds, answer.sampling, answer.queries) == (
        "client/synoptic/pc3",
        1.0,
        False,
        7,
    )
    (found,) = reported.poll(0.5)
    assert found.state is ServerState.MONITORED
    assert found.server == "client/synoptic/pc3"
    assert _client(found).event_callbacks["tango://h:1/a/b/c/x.idl5_change"].event_count == 5
    assert len(_client(found).perf or ()) == 3
    assert (found.queries, len(found.texts), found.sampling, found.tango_version) == (2, 2, True, "10.3.1")
    assert (found.identity.life, found.identity.pid) == (1, 7)
    assert reported.clock.monotonic_ns() - found.asked_monotonic_ns == 600_000_000
    assert found.answered_monotonic_ns - found.asked_monotonic_ns == 20_000_000
    (again,) = reported.poll()  # nothing new: it is what it was, with no counters of its own
    assert (again.state, again.reply, again.queries) == (ServerState.MONITORED, None, 0)


def test_when_it_was_asked_is_never_taken_for_later_than_it_was() -> None:
    reported = Reported()
    reported.report()
    reported.poll()
    # The second one was under way for 0.3 s, which its own clock cannot know of.
    reported.clock.advance(0.5)
    reported.report(answered=1, since_answer_seconds=1.2, age_seconds=0.0)
    (found,) = reported.poll(0.1)
    assert reported.clock.monotonic_ns() - found.asked_monotonic_ns == 400_000_000  # 1.6 s after the first


def test_a_report_from_before_the_last_poll_is_left_out() -> None:
    """A late answer is compared with what had been pushed a poll further back: nothing older can be."""
    reported = Reported()
    reported.report()
    reported.poll()
    reported.report(age_seconds=0.5)
    (found,) = reported.poll()
    assert (found.state, found.reply) == (ServerState.MONITORED, None)
    reported.poll(0.1)  # one that follows at once is no other poll to the accounts
    reported.report(age_seconds=0.5, texts=[reply(9)])
    (found,) = reported.poll(0.05)
    assert found.reply is not None


@pytest.mark.parametrize(
    ("told", "key", "reason"),
    [
        ({"version": 2}, "$.version", "upgrade the monitor"),
        ({"name": ""}, "$.name", "length >= 1"),
        ({"name": "\u2603/\x1b"}, "$.name", "letter or digit"),
        ({"host": "..."}, "$.host", "letter or digit"),
        ({"pid": 0}, "$.pid", ">= 1"),
        ({"pid": "seven"}, "$.pid", "Expected `int`"),
        ({"texts": []}, "$.texts", "there must be a reply"),
        ({"texts": [reply()] * (MAX_TEXTS + 1)}, "$.texts", "length <= 100"),
        ({"texts": ["{"]}, "$.texts", "truncated"),
        ({"texts": ['{"version":9}']}, "$.texts", "version"),
        ({"age_seconds": -1}, "$.age_seconds", ">= 0"),
        ({"period_seconds": 1e9}, "$.period_seconds", "<= 86400"),
        ({"texts": ["x" * MAX_REPORT_CHARACTERS]}, "$", "characters are more than"),
        ({"ended": True}, "$.ended", "nothing was reported before"),
        (
            {"texts": ['{"version":1,"server":{"event_counters":{},"perf":null},"client":null}']},
            "$.server",
            "add it to TargetDevices",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(told: dict[str, Any], key: str, reason: str) -> None:
    reported = Reported()
    error = refusal(reported, **told)
    assert key in error.key
    assert reason in error.reason
    assert reported.source.health.clients == 0
    assert reported.problems() == (f"a report of a client was refused: {error}",)
    reported.clock.advance(61.0)
    assert reported.problems() == ()


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 5000, '"\ud800"', "\udcff", '{"version": 1}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    source = Reported().source
    with pytest.raises(ClientReportError):
        source.take(text)
    assert source.health.refused == 1


def test_names_are_cleaned() -> None:
    reported = Reported()
    answer = reported.report(name=" Main Synoptic\n\x1b[31m/../;", host="PC-3.Lab" + "x" * 200)
    assert answer.server == "client/main_synoptic_31m/pc-3.lab" + "x" * 56


def test_no_more_than_so_often_and_so_much() -> None:
    reported = Reported()
    reported.report()
    reported.clock.advance(0.04)
    assert "0.05 s after" in refusal(reported).reason
    reported.clock.advance(0.02)
    reported.report()
    assert "no later than" in refusal(reported, number=2).reason
    big = "x" * 3_900_000
    taken = 0
    while taken < 10:
        try:
            reported.source.take(big)
        except ClientReportError as error:
            if "too much" in error.reason:
                break
        taken += 1
    assert taken == CHARACTERS_AT_ONCE // len(big)
    reported.clock.advance(len(big) / CHARACTERS_PER_SECOND)
    assert "too much" not in refusal(reported, texts=[big]).reason


def test_no_more_clients_than_allowed_and_those_that_are_gone_make_room() -> None:
    reported = Reported(max_clients=2)
    reported.report(1, name="one")
    reported.report(2, name="two")
    assert "MaxClients" in refusal(reported, pid=3, name="three").reason
    assert reported.source.health.clients == 2
    reported.clock.advance(1.0)
    reported.report(1, name="one", ended=True)
    reported.report(3, name="three")
    assert {one.server for one in reported.poll()} == {"client/two/pc3", "client/three/pc3"}
    assert "MaxClients is 0" in refusal(Reported(max_clients=0)).reason


def test_several_of_one_name_at_a_time() -> None:
    reported = Reported()
    assert reported.report(1).server == "client/synoptic/pc3"
    assert reported.report(2).server == "client/synoptic/pc3-2"
    assert reported.report(2, host="pc4").server == "client/synoptic/pc4"
    reported.clock.advance(1.0)
    assert reported.report(1).server == "client/synoptic/pc3"


def test_a_process_that_follows_another_is_its_next_life() -> None:
    reported = Reported()
    reported.report(1)
    reported.poll()
    reported.report(1, ended=True, texts=[reply(4)])
    (last,) = reported.poll()
    assert (last.state, last.ended) == (ServerState.MONITORED, False)  # its last counters count
    assert _client(last).event_callbacks["tango://h:1/a/b/c/x.idl5_change"].event_count == 4
    (ended,) = reported.poll()
    assert (ended.state, ended.failure, ended.ended) == (
        ServerState.NOT_EXPORTED,
        Failure.NOT_EXPORTED,
        True,
    )
    assert reported.report(2).server == "client/synoptic/pc3"
    (new,) = reported.poll()
    assert (new.identity.life, new.identity.pid, new.ended) == (2, 2, False)


def test_one_that_does_not_report_is_silent_and_then_gone() -> None:
    reported = Reported()
    reported.report(period_seconds=2.0)
    (found,) = reported.poll(5.9)
    assert found.state is ServerState.MONITORED
    (found,) = reported.poll(0.2)
    assert (found.state, found.failure, found.ended) == (ServerState.UNREACHABLE, Failure.SILENT, False)
    assert "its last report came at" in found.reason
    since = found.since_utc_ns
    (found,) = reported.poll(200.0)
    assert found.since_utc_ns == since
    assert len(reported.poll(90.0)) == 1
    assert reported.poll(10.0) == ()
    assert reported.source.health.clients == 0


def test_what_cannot_be_used_of_a_known_one_makes_it_failing_until_it_can() -> None:
    reported = Reported()
    reported.report(texts=[reply(5)])
    reported.poll()
    refusal(reported, texts=[reply(900_000_000)])
    (found,) = reported.poll()
    assert (found.state, found.failure) == (ServerState.FAILING, Failure.IMPLAUSIBLE)
    assert "cannot be true" in found.reason
    reported.report(texts=[reply(6)])
    (found,) = reported.poll()
    assert (found.state, found.reply is not None) == (ServerState.MONITORED, True)


def test_samples_of_reports_that_wait_for_a_poll_are_bounded() -> None:
    reported = Reported()
    for _ in range(30):
        reported.report(texts=[reply(1, 10)])
        reported.clock.advance(0.06)
    (found,) = reported.poll(0.0)
    assert len(_client(found).perf or ()) == 80


def test_what_clients_are_told_follows_the_monitor() -> None:
    reported = Reported()
    reported.wanted = {"period": 0.01, "sampling": True}
    answer = reported.report()
    assert (answer.period_seconds, answer.sampling) == (0.2, True)
    reported.wanted = {"period": 600.0, "sampling": False}
    reported.clock.advance(1)
    answer = reported.report()
    assert (answer.period_seconds, answer.sampling) == (10.0, False)
    reported.source.close()
    assert reported.poll() == ()

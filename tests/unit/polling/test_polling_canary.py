"""What a canary makes of what arrives, and when; nothing here talks to Tango."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from typing import ClassVar

import pytest
import tango

from stem_device.analysis.canaries import with_counters
from stem_device.demo.processes import wait_until
from stem_device.errors import OptionError
from stem_device.model.canary import CanaryFigures
from stem_device.model.options import CanaryOptions
from stem_device.model.poll import ServerState
from stem_device.polling import PollStart
from stem_device.polling.canary import Canaries
from stem_device.polling.canary.arrivals import Arrivals
from stem_device.polling.canary.subscription import event_period_ms
from tests.unit.made_snapshots import server, snapshot, subscription
from tests.unit.polling.polling_fakes import FakeClock

START = PollStart(1, 0, 0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def counts(arrivals: Arrivals) -> tuple[int, int | None, int | None]:
    seen = arrivals.now()
    return seen.received, seen.lost, seen.in_flight


def test_what_is_due_is_in_flight_and_after_the_limit_lost(clock: FakeClock) -> None:
    arrivals = Arrivals(clock.monotonic_ns, limit_seconds=2.0)
    arrivals.begin(1.0)
    assert counts(arrivals) == (0, 0, 0)
    clock.advance(1.4)
    assert counts(arrivals) == (0, 0, 0)  # a poller may be late by half a period
    clock.advance(0.2)
    assert counts(arrivals) == (0, 0, 1)
    clock.advance(1.0)
    assert counts(arrivals) == (0, 0, 2)
    clock.advance(1.0)
    assert counts(arrivals) == (0, 1, 2)
    arrivals.note(0.003)
    assert counts(arrivals) == (1, 1, 0)  # what was lost stays so
    for _ in range(10):
        clock.advance(1.02)
        arrivals.note(0.004)
    assert counts(arrivals) == (11, 1, 0)
    clock.advance(100.0)
    assert counts(arrivals) == (11, 98, 2)
    seen = arrivals.now()
    assert (seen.latency_seconds, seen.age_seconds) == (0.004, 100.0)


def test_complete_is_what_has_come_and_lacks_nothing_that_is_due(clock: FakeClock) -> None:
    arrivals = Arrivals(clock.monotonic_ns, limit_seconds=0.5)
    arrivals.begin(1.0)
    assert not arrivals.now().complete, "nothing has come yet"
    arrivals.note(0.0)
    clock.advance(1.4)
    assert arrivals.now().complete
    clock.advance(0.7)
    assert (arrivals.now().in_flight, arrivals.now().complete) == (0, False), "it is lost"
    arrivals.note(0.0)
    assert arrivals.now().complete
    arrivals.note_error("gone")
    assert not arrivals.now().complete
    arrivals.begin(0.0)
    arrivals.note(0.0)
    assert not arrivals.now().complete, "nothing says when events are due"


@pytest.mark.parametrize(
    ("wanted", "polled", "period"),
    [
        (1000, 300, 1200),
        (1000, 1500, 1500),
        (1000, 3000, 3000),  # both as Tango has them by default
        (200, 100, 200),
        (1000, 490, 980),
        (1000, 489, 1467),
        (6000, 3000, 6000),
        (6000, 2950, 5900),
        (6000, 2949, 8847),
        (1000, 0, 1000),
    ],
)
def test_periodic_events_come_at_pollings(wanted: float, polled: float, period: float) -> None:
    """The first two, and the fourth and seventh, were measured on PyTango 10.3.1."""
    assert event_period_ms(wanted, polled) == period


def test_where_nothing_says_when_events_are_due_losses_are_not_known(clock: FakeClock) -> None:
    arrivals = Arrivals(clock.monotonic_ns, limit_seconds=2.0)
    arrivals.begin(0.0)
    assert math.isnan(arrivals.now().age_seconds)
    arrivals.note(0.1)
    clock.advance(100.0)
    assert counts(arrivals) == (1, None, None)
    arrivals.note_error("gone")
    assert arrivals.now().last_error == "gone"
    arrivals.note(0.1)
    assert (arrivals.now().last_error, arrivals.now().errors) == ("", 1)


def test_what_the_accounts_know_is_added_where_time_does_not_tell() -> None:
    host = "tango://h:1/"
    row = subscription(
        f"{host}a/b/c/x.idl5_change",
        missed_total=3,
        unaccounted_total=1,
        overdue=2,
        stream=f"{host}a/b/c/x.change",
    )
    known = snapshot(server("canary/pc", row))
    figures = CanaryFigures(attribute="a/b/c/x", event="change", received=10)
    (counted,) = with_counters([figures], known)
    assert (counted.produced, counted.lost, counted.in_flight) == (16, 4, 2)
    timed = CanaryFigures(attribute="a/b/c/x", event="change", received=10, lost=0, in_flight=1)
    other = CanaryFigures(attribute="a/b/c/y", event="change", received=10)
    assert with_counters([timed, other], known) == (timed, other)
    assert with_counters([figures], None) == (figures,)


class Fake:
    """Subscribes to nothing; ``events`` says to what, or how it fails."""

    events: str | tango.DevFailed = "periodic"
    ended = 0
    made: ClassVar[list[Arrivals]] = []

    def __init__(self, attribute: str, arrivals: Arrivals) -> None:
        self.attribute, self.arrivals = attribute, arrivals
        type(self).made = [arrivals]
        self.wanted: list[str] = []

    def begin(self, wanted: str) -> str:
        self.wanted.append(wanted)
        if isinstance(self.events, tango.DevFailed):
            raise self.events
        self.arrivals.begin(1.0)
        return self.events

    def round_trip_seconds(self) -> float:
        return 0.25

    def end(self) -> None:
        type(self).ended += 1


def failed(description: str) -> tango.DevFailed:
    error = tango.DevError()
    error.reason, error.desc, error.origin = "API_X", description, "test"
    return tango.DevFailed(error)


CALLBACK = {
    "channel_name": "tango://h:1/dserver/p/1", "callback_count": 1, "server_counter": 5, "event_count": 5,
    "missed_event_count": 0, "discarded_event_count": 0, "last_resubscribed": None,
}  # fmt: skip
REPLY = json.dumps(
    {
        "version": 1,
        "server": {"event_counters": {"tango://h:1/m/m/m/x.change": 4}, "perf": None},
        "client": {
            "event_callbacks": {
                "tango://h:1/a/b/c/x.idl5_periodic": CALLBACK,
                "tango://h:1/a/b/c/other.idl5_change": CALLBACK,
                "tango://h:1/aa/b/c/x.idl5_periodic": CALLBACK,
                "tango://h:1/a/b/c/x.idl5_change": CALLBACK,
            },
            "not_connected": [],
            "event_channels": {},
            "perf": None,
        },
    }
)


def test_the_source_has_the_counters_of_its_own_subscriptions_alone(clock: FakeClock) -> None:
    canaries = Canaries(
        CanaryOptions(canary_attributes=("A/B/C/x",)),
        clock=clock,
        query=lambda: REPLY,
        subscribe=Fake,
        thread_context=contextlib.nullcontext,
    )
    assert canaries.collect(START).answers == ()  # before it is subscribed nothing is to be told
    canaries.start()
    wait_until(lambda: canaries.figures[0].event, "the subscription")
    wait_until(lambda: canaries.figures[0].round_trip_seconds == 0.25, "a round trip")
    clock.advance(2.6)
    (figures,) = canaries.figures
    assert (figures.attribute, figures.event, figures.state) == ("a/b/c/x", "periodic", "arriving")
    assert (figures.produced, figures.received, figures.lost, figures.in_flight) == (2, 0, 0, 2)
    (answer,) = canaries.collect(START).answers
    assert answer.server.startswith("canary/")
    assert answer.state is ServerState.MONITORED
    assert answer.reply is not None
    assert answer.reply.server is None
    assert answer.reply.client is not None
    assert list(answer.reply.client.event_callbacks) == ["tango://h:1/a/b/c/x.idl5_periodic"]
    assert answer.complete == frozenset()
    for arrivals in Fake.made:
        arrivals.note(0.001)
    (answer,) = canaries.collect(START).answers
    assert answer.complete == {"tango://h:1/a/b/c/x.idl5_periodic"}
    clock.advance(60.0)
    assert canaries.collect(START).problems == ("the canary a/b/c/x: events that are due do not arrive",)
    ended = Fake.ended
    canaries.close()
    assert Fake.ended == ended + 1


def test_one_that_cannot_be_subscribed_is_told_and_nothing_of_it_is_0(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "events", failed("no such\ndevice"))
    tried = threading.Event()
    monkeypatch.setattr(Fake, "round_trip_seconds", lambda _: tried.set())
    canaries = Canaries(
        CanaryOptions(canary_attributes=("a/b/c/x.change",)),
        clock=clock,
        query=None,
        subscribe=Fake,
        thread_context=contextlib.nullcontext,
    )
    canaries.start()
    wait_until(lambda: canaries.figures[0].problem, "the problem")
    (figures,) = canaries.figures
    assert (figures.problem, figures.state) == ("no such device", "not subscribed")
    assert (figures.produced, figures.lost, figures.in_flight) == (None, None, None)
    assert math.isnan(figures.round_trip_seconds)
    assert not tried.is_set()
    assert canaries.collect(START).problems == ("the canary a/b/c/x: no such device",)
    canaries.close()


@pytest.mark.parametrize("line", ["a/b/c", "a//c/d", "a/b/c/d/e", "tango://h:1/a/b/c", "x"])
def test_what_is_no_attribute_is_no_canary(line: str) -> None:
    with pytest.raises(OptionError, match="domain/family/member/attribute"):
        CanaryOptions(canary_attributes=(line,))


@pytest.mark.parametrize("line", ["a/b/c/d", "a/b/c/d.change", "tango://h:1/a/b/c/d.periodic"])
def test_what_is_an_attribute(line: str) -> None:
    assert CanaryOptions(canary_attributes=(line,)).canary_attributes == (line,)

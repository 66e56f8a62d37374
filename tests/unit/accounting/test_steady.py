"""Subscriptions that simply went on are looked at all at once: with the same outcome as one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from msgspec import structs

from stem_device.accounting import Ledger
from stem_device.accounting.steady import SteadySubscriptions
from stem_device.accounting.steady_streams import SteadyStreams
from stem_device.model.poll import Answer, Identity, Poll, ServerState
from stem_device.model.reply import (
    Dialect,
    EventCallback,
    EventChannel,
    NotConnected,
    PublisherReply,
    Reply,
    SubscriberReply,
)
from stem_device.model.rows import SteadyRows
from stem_device.model.snapshot import Snapshot
from tests.unit.accounting.replies import DATABASE, PUBLISHER, SECOND, SUBSCRIBER

NAMES = ("a", "b", "c")
RETRIED = NotConnected("test/pub/1", "d", "change", "never", None)

Rise = tuple[int, int, int, int, int]
"""Of pushes, c, e, m and d."""
ARRIVES: Rise = (3, 3, 3, 0, 0)
QUIET: Rise = (0, 0, 0, 0, 0)
TROUBLE: tuple[Rise, ...] = (
    (5, 3, 3, 0, 0),  # late
    (0, 2, 2, 0, 0),  # catches up
    (5, 5, 4, 1, 0),  # lost one
    (2, 2, 1, 0, 0),  # torn, or made anew
    (2, 1, 2, 0, 0),  # torn
    (1, 1, 1, 0, 1),  # a duplicate
    (0, 3, 3, 0, 0),  # ahead of what the publisher has told
    (1, -2, -2, 0, 0),  # made anew
    (2**32 - 8, 2**32 - 8, 2**32 - 8, 0, 0),  # nearly full circle
)
CALM = ("nothing",) * 40
EVENTS = (
    "publisher silent",
    "subscriber silent",
    "publisher restarts",
    "publisher restarts unseen",
    "subscriber restarts",
    "subscriber ended",
    "late",
    "at once",
    "other ports",
    "other endpoint",
    "resubscribed",
    "subscribes or not",
    "subscribes or not",
    "retried",
    "stream gone",
    "publisher is no target",
    "reset",
    "much later",
)
polls = st.lists(
    st.tuples(
        st.sampled_from(CALM + EVENTS),
        st.tuples(*(st.sampled_from((*(ARRIVES, QUIET) * 50, *TROUBLE)) for _ in NAMES)),
    ),
    min_size=8,
    max_size=40,
)


@dataclass
class Counters:
    """What both sides would reply, true or not."""

    with_identity: bool
    pushed: list[int] = field(default_factory=lambda: [7] * len(NAMES))
    callbacks: list[list[int]] = field(default_factory=lambda: [[7, 7, 0, 0] for _ in NAMES])
    lives: Counter[str] = field(default_factory=lambda: Counter({PUBLISHER: 1, SUBSCRIBER: 1}))
    port: int = 5000
    endpoint: int = 5000
    since: str | None = None
    subscribed: bool = True
    """To the second stream."""
    number: int = 0
    at: int = 100 * SECOND

    def poll(self, event: str, rises: tuple[Rise, ...]) -> Poll:
        self.number += 1
        self.at += {"at once": SECOND // 100, "much later": 700 * SECOND}.get(event, SECOND)
        self._move(event, rises)
        answers = [self._answer(PUBLISHER, self._publisher(event), event == "publisher silent", event)]
        answers.append(self._answer(SUBSCRIBER, self._subscriber(event), event == "subscriber silent", event))
        if event == "publisher is no target":
            del answers[0]
        return Poll(self.number, self.at, self.at, 0.001, 0.0, 0, tuple(answers))

    def _move(self, event: str, rises: tuple[Rise, ...]) -> None:
        if event == "publisher restarts":
            self.lives[PUBLISHER] += 1
            self.pushed = [0] * len(NAMES)
            self.port += 1
        self.lives[PUBLISHER] += (
            event == "publisher restarts unseen"
        )  # same ports, and more pushed than before
        if event == "subscriber restarts":
            self.lives[SUBSCRIBER] += 1
            self.callbacks = [[0, 0, 0, 0] for _ in NAMES]
        self.port += event == "other ports"
        self.subscribed ^= event == "subscribes or not"
        self.endpoint += event == "other endpoint"
        self.since = "2026-11-27T00:00:00" if event == "resubscribed" else self.since
        for index, (pushed, *own) in enumerate(rises):
            self.pushed[index] = (self.pushed[index] + pushed) % 2**32
            self.callbacks[index] = [
                max(0, old + new) for old, new in zip(self.callbacks[index], own, strict=True)
            ]

    def _publisher(self, event: str) -> Reply:
        counters = {
            f"{DATABASE}test/pub/1/{name}.change": pushed + 1
            for name, pushed in zip(NAMES, self.pushed, strict=True)
            if not (event == "stream gone" and name == "b")
        }
        return Reply(Dialect.CPPTANGO_1, PublisherReply(counters, None), None)

    def _subscriber(self, event: str) -> Reply:
        callbacks = {
            f"{DATABASE}test/pub/1/{name}.idl5_change": EventCallback(PUBLISHER, e, c, e, m, d, self.since)
            for name, (c, e, m, d) in zip(NAMES, self.callbacks, strict=True)
            if self.subscribed or name != "b"
        }
        channels = {PUBLISHER: EventChannel(f"tcp://127.0.0.1:{self.endpoint}")}
        retried = [RETRIED] if event == "retried" else []
        return Reply(Dialect.CPPTANGO_1, None, SubscriberReply(callbacks, retried, channels, None))

    def _answer(self, server: str, reply: Reply, silent: bool, event: str) -> Answer:
        ended = server == SUBSCRIBER and event == "subscriber ended"
        late = server == SUBSCRIBER and event == "late"
        gone = silent or ended
        ports = (f"tcp://127.0.0.1:{self.port}",) if self.with_identity and server == PUBLISHER else ()
        return Answer(
            server=server,
            state=ServerState.UNREACHABLE if gone else ServerState.MONITORED,
            reply=None if gone else reply,
            ended=ended,
            asked_monotonic_ns=self.at - SECOND * late,
            answered_monotonic_ns=self.at,
            identity=Identity(life=self.lives[server] if self.with_identity and not gone else 0),
            heartbeat_endpoints=ports,
        )


class Pair:
    """A ledger as it is, and one that looks at every subscription by itself."""

    def __init__(self) -> None:
        self.quick, self.careful = Ledger(), Ledger()
        self.steady_polls = 0

    def account(self, poll: Poll) -> Snapshot:
        quick = self.quick.account(poll)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SteadySubscriptions, "of", lambda *_: None)
            patch.setattr(SteadyStreams, "of", lambda *_: None)
            careful = self.careful.account(poll)
        self.steady_polls += any(isinstance(one.subscriptions, SteadyRows) for one in quick.servers)
        for one, other in zip(quick.servers, careful.servers, strict=True):
            assert list(one.subscriptions) == list(other.subscriptions)
            assert list(one.streams) == list(other.streams)
            assert structs.replace(one, subscriptions=(), streams=()) == structs.replace(
                other, subscriptions=(), streams=()
            )
        assert quick.counts == careful.counts
        assert quick.received_rate == careful.received_rate
        assert quick.departed == careful.departed
        return quick

    def reset(self) -> None:
        since_utc_ns = self.quick._since_utc_ns
        self.quick.reset()
        self.careful.reset()
        self.quick._since_utc_ns = self.careful._since_utc_ns = since_utc_ns


@settings(max_examples=60, deadline=None)
@given(polls, st.booleans())
def test_all_at_once_gives_the_same_as_one_by_one(history, with_identity):
    pair, counters = Pair(), Counters(with_identity)
    for event, rises in history:
        if event == "reset":
            pair.reset()
        pair.account(counters.poll(event, rises))


@pytest.mark.parametrize("with_identity", [True, False])
@pytest.mark.parametrize("what", [*EVENTS, *TROUBLE], ids=str)
def test_whatever_happens_to_those_that_went_on(what, with_identity):
    pair, counters = Pair(), Counters(with_identity)
    for _ in range(4):
        pair.account(counters.poll("nothing", (ARRIVES,) * 3))
    assert pair.steady_polls
    if what == "reset":
        pair.reset()
    event, rise = (what, ARRIVES) if isinstance(what, str) else ("nothing", what)
    pair.account(counters.poll(event, (ARRIVES, rise, QUIET)))
    for _ in range(4):
        pair.account(counters.poll("nothing", (ARRIVES, QUIET, ARRIVES)))
    pair.account(counters.poll(event, (QUIET, rise, QUIET)))
    pair.account(counters.poll("late", (ARRIVES,) * 3))


@pytest.mark.parametrize("with_identity", [True, False])
@pytest.mark.parametrize(
    "events",
    [
        ("other ports", "subscribes or not", "subscribes or not", "nothing"),
        ("subscribes or not", "nothing", "much later", "nothing", "nothing", "much later", "nothing"),
        ("publisher restarts unseen", "nothing", "publisher silent", "nothing"),
        (TROUBLE[0], "at once", "at once", "nothing", "nothing"),
    ],
    ids=lambda events: str(events[0]),
)
def test_what_comes_of_it_later(events, with_identity):
    """A subscription made anew at other ports; a stream that only others read, for more than ten minutes; an
    event that is under way at a poll right after another.
    """
    pair, counters = Pair(), Counters(with_identity)
    for what in (*("nothing",) * 5, *events):
        event, rise = (what, ARRIVES) if isinstance(what, str) else ("nothing", what)
        pair.account(counters.poll(event, (ARRIVES, rise, QUIET)))


@pytest.mark.parametrize("with_identity", [True, False])
def test_steady_subscriptions_are_looked_at_all_at_once(with_identity):
    """Else the test above would compare nothing. Who waits for one event is looked at by itself again."""
    pair, counters = Pair(), Counters(with_identity)
    for _ in range(3):  # where the publisher listens is known after its first answer
        pair.account(counters.poll("nothing", (ARRIVES,) * 3))
    begun = pair.steady_polls
    snapshot = pair.account(counters.poll("nothing", (ARRIVES, QUIET, ARRIVES)))
    assert pair.steady_polls == begun + 1
    assert [row.received_delta for row in snapshot.servers[1].subscriptions] == [3, 0, 3]
    assert isinstance(snapshot.servers[0].streams, SteadyRows)
    assert [row.published_delta for row in snapshot.servers[0].streams] == [3, 0, 3]
    pair.account(counters.poll("nothing", ((1, 0, 0, 0, 0), QUIET, QUIET)))
    late = pair.account(counters.poll("nothing", (QUIET,) * 3))
    assert late.counts.overdue == 1
    assert not isinstance(late.servers[1].subscriptions, SteadyRows)


def test_rows_that_went_on_are_a_sequence_of_records():
    pair, counters = Pair(), Counters(with_identity=True)
    for _ in range(4):
        rows = pair.account(counters.poll("nothing", (ARRIVES,) * 3)).servers[1].subscriptions
    assert isinstance(rows, SteadyRows)
    assert len(rows) == 3
    assert rows[-1] is list(rows)[2]
    assert rows == tuple(rows)
    assert rows[0].server_counter == 7 + 4 * 3
    assert rows[0].received_total == 3 * 3

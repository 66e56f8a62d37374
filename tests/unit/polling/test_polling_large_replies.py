"""Replies that take long to read, whether they can be used or not, delay only the servers that sent them."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator

import pytest

from stem_device.accounting import Ledger
from stem_device.model.clock import SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import Poll, ServerState
from stem_device.polling import Poller, reading_replies
from stem_device.polling.reading_replies import LARGE_CHARACTERS, Read, Turns
from stem_device.polling.target import SHARE_FOR_UNUSABLE, Target
from stem_device.polling.worker import Worker
from stem_device.responses import MAX_REPLY_BYTES
from tests.unit.polling.polling_fakes import (
    OFF,
    ON,
    FakeClient,
    FakeClock,
    FakeDirectory,
    FakeProxy,
    publisher,
)

LIMIT_SECONDS = 20.0
STREAMS = 5000
MANY_STREAMS = 90_000


def publisher_of(streams: list[str], counter: int) -> str:
    server = {"event_counters": dict.fromkeys(streams, counter), "perf": None}
    return json.dumps({"version": 1, "server": server, "client": None}, separators=(",", ":"))


LARGE = publisher_of([f"tango://db:1/lab/big/1/value_{n:06}.change" for n in range(STREAMS)], 3)
HOSTILE = '"' * LARGE_CHARACTERS + "x"


class Readers:
    """Stands before what reads large texts: all wait until ``go`` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def read(self, text: str) -> Read:
        if len(text) > LARGE_CHARACTERS:
            with self._lock:
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
            assert self.go.wait(LIMIT_SECONDS)
            with self._lock:
                self.at_once -= 1
        return real_read(text)


real_read = reading_replies.read_reply


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Readers]:
    readers = Readers()
    monkeypatch.setattr(reading_replies, "read_reply", readers.read)
    yield readers
    readers.go.set()


def poller_of(replies: dict[str, str | FakeProxy]) -> Poller:
    directory = FakeDirectory()
    for name in replies:
        directory.add(f"dserver/srv/{name}", f"srv/{name}", "DServer")
    proxies = {
        f"tango://db:10000/dserver/srv/{name}": (
            reply if isinstance(reply, FakeProxy) else FakeProxy({"QueryEventSystem": reply})
        )
        for name, reply in replies.items()
    }
    return Poller(
        Options(target_devices=("dserver/srv/*",), poll_period=2.0, target_timeout=1.5, max_query_share=1.0),
        clock=SystemClock(),
        connect=proxies.__getitem__,
        directory=directory,
        thread_context=contextlib.nullcontext,
    )


def states(poll: Poll) -> dict[str, ServerState]:
    return {answer.server.rpartition("/")[2]: answer.state for answer in poll.answers}


def test_a_poll_does_not_wait_for_a_large_reply_that_is_being_read(readers: Readers) -> None:
    assert len(LARGE) > LARGE_CHARACTERS
    poller = poller_of({"big": LARGE, "small": OFF})
    try:
        first = poller.poll()
        assert states(first) == {"big": ServerState.UNREACHABLE, "small": ServerState.MONITORED}
        (big,) = [answer for answer in first.answers if answer.server.endswith("big")]
        assert big.reason == (
            f"answered, and its reply of {len(LARGE)} characters is still being read; "
            "it counts from the next poll on"
        )
        readers.go.set()
        for _ in range(100):
            poll = poller.poll()
            if states(poll)["big"] is ServerState.MONITORED:
                break
        (big,) = [answer for answer in poll.answers if answer.server.endswith("big")]
        assert big.reply is not None
        assert big.reply.server is not None
        assert len(big.reply.server.event_counters) == STREAMS
    finally:
        poller.close()


def test_90_000_streams_delay_no_small_server_and_are_all_counted(readers: Readers) -> None:
    names = [f"tango://db:1/a/b/c/{n:05}.change" for n in range(MANY_STREAMS)]
    texts = {counter: publisher_of(names, counter) for counter in (3, 7)}
    assert LARGE_CHARACTERS < len(texts[3]) == len(texts[7]) < MAX_REPLY_BYTES
    small: dict[str, str | FakeProxy] = {f"small{number}": publisher(5, 0) for number in range(5)}
    proxy = FakeProxy({"QueryEventSystem": texts[3]})
    poller, ledger = poller_of({"huge": proxy, **small}), Ledger(SystemClock())
    published: list[tuple[int, int]] = []

    def account() -> None:
        poll = poller.poll()
        told = states(poll)
        assert {told.pop("huge"), *told.values()} <= {ServerState.MONITORED, ServerState.UNREACHABLE}
        assert told == dict.fromkeys(small, ServerState.MONITORED)
        (huge,) = [one for one in ledger.account(poll).servers if one.name.endswith("huge")]
        published.append((len(huge.streams), huge.counts.published))

    try:
        for _ in range(2):
            account()
        assert published == [(0, 0), (0, 0)], "it is still being read"
        readers.go.set()
        for _ in range(100):
            account()
            if published[-1][0]:
                break
        assert published[-1] == (MANY_STREAMS, 0), "what was there before counts for nothing"
        proxy.commands["QueryEventSystem"] = texts[7]
        for _ in range(100):
            account()
            if published[-1][1]:
                break
        assert published[-1] == (MANY_STREAMS, 4 * MANY_STREAMS)
    finally:
        poller.close()


def test_200_that_send_nothing_of_use_delay_no_other(readers: Readers) -> None:
    hostile: dict[str, str | FakeProxy] = {f"bad{number:03}": HOSTILE for number in range(200)}
    poller = poller_of({"large": LARGE, "small": OFF, **hostile})
    try:
        for _ in range(3):
            assert states(poller.poll())["small"] is ServerState.MONITORED
        assert readers.most_at_once == 1, "none of them is known yet: one after the other"
        readers.go.set()
        for _ in range(200):
            told = states(poller.poll())
            assert told["small"] is ServerState.MONITORED
            if told["large"] is ServerState.MONITORED:
                break
        assert told["large"] is ServerState.MONITORED
    finally:
        poller.close()


def test_a_suspect_does_not_wait_with_others_and_is_one_at_a_time(readers: Readers) -> None:
    turns = Turns()
    read: list[Read | None] = []

    def suspect() -> None:
        with turns.to_ask(suspect=True):
            read.append(turns.read(HOSTILE, suspect=True))

    threads = [threading.Thread(target=suspect) for _ in range(3)]
    threads.append(threading.Thread(target=lambda: read.append(turns.read(LARGE, suspect=False))))
    for thread in threads:
        thread.start()
    pause = threading.Event()
    for _ in range(2000):
        if readers.at_once == 2:
            break
        pause.wait(0.01)
    assert readers.at_once == 2, "one of each kind"
    readers.go.set()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
    assert readers.most_at_once == 2
    assert sum(one is not None and one.error is not None for one in read) == 3
    assert sum(one is not None and one.reply is not None for one in read) == 1


def test_what_is_small_is_left_to_the_poll() -> None:
    assert Turns().read(OFF, suspect=False) is None
    assert Turns().read("x" * LARGE_CHARACTERS, suspect=True) is None


class SlowClock(FakeClock):
    """Every look at it takes so long."""

    step = 0.0

    def monotonic_ns(self) -> int:
        self.advance(self.step)
        return super().monotonic_ns()


def test_one_that_sends_nothing_of_use_is_asked_for_a_share_of_the_time() -> None:
    clock = SlowClock()
    client = FakeClient(HOSTILE, ON)
    target = Target(Worker("tango://db:1/dserver/x/y", client, clock))
    asked: list[int] = []
    for number in range(1, 200):
        clock.advance(0.5)
        now = clock.monotonic_ns()
        if target.is_due(now):
            asked.append(now)
            clock.step = 0.2
            target.worker.ask(number, lambda: None)
            target.worker.run()
            clock.step = 0.0
        answer = target.answer(
            number, limit_seconds=3.0, period_seconds=0.5, limit=10, now_utc_ns=clock.utc_ns()
        )
        if len(asked) < 2:
            assert answer.state is ServerState.FAILING
            assert answer.reason.startswith("its reply cannot be used")
        else:
            break
    assert len(asked) == 2
    assert (asked[1] - asked[0]) / 1e9 >= 0.2 / SHARE_FOR_UNUSABLE
    assert answer.state is ServerState.MONITORED
    assert target.is_due(clock.monotonic_ns() + 500_000_000)

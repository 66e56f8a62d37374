from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from stem_device.model.clock import Clock, SystemClock
from stem_device.model.options import Options
from stem_device.model.poll import Poll, ServerState
from stem_device.polling import Poller
from tests.unit.polling.polling_fakes import NOT_EXPORTED, OFF, ON, FakeDirectory, FakeProxy

T = TypeVar("T")

QUERY, ENABLE = "QueryEventSystem", "EnableEventSystemPerfMon"


class FakeServer(FakeProxy):
    """Samples when told, as cppTango does."""

    sampling: bool

    def __init__(self) -> None:
        super().__init__({QUERY: lambda _: ON if self.sampling else OFF, ENABLE: self._enable})
        self.sampling = False

    def _enable(self, on: Any) -> None:
        self.sampling = on


@dataclass
class World:
    """Servers by full name, and a directory that knows them."""

    directory: FakeDirectory = field(default_factory=FakeDirectory)
    servers: dict[str, FakeProxy] = field(default_factory=dict)
    pollers: list[Poller] = field(default_factory=list)

    def add(self, *names: str) -> list[FakeServer]:
        made = []
        for name in names:
            self.directory.add(f"dserver/srv/{name}", f"srv/{name}", "DServer")
            self.servers[f"tango://db:10000/dserver/srv/{name}"] = server = FakeServer()
            made.append(server)
        return made

    def poller(self, *targets: str, clock: Clock | None = None, **options: Any) -> Poller:
        settings = {"poll_period": 1.0, "resolve_period": 0.1, "target_timeout": 5.0, **options}
        poller = Poller(
            Options(target_devices=targets, **settings),
            clock=clock or SystemClock(),
            connect=self.servers.__getitem__,
            directory=self.directory,
            thread_context=contextlib.nullcontext,
        )
        self.pollers.append(poller)
        return poller


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for poller in world.pollers:
        poller.close()


def names(poll: Poll) -> list[str]:
    return [answer.server.rpartition("/")[2] for answer in poll.answers]


def poll_until(poller: Poller, condition: Callable[[Poll], bool]) -> Poll:
    for _ in range(2000):
        poll = poller.poll()
        if condition(poll):
            return poll
        threading.Event().wait(0.01)
    raise AssertionError(f"waited in vain; the last poll was {poll}")


def test_the_first_poll_has_all_targets_in_the_order_named(world: World) -> None:
    world.add("a", "b", "c")
    poll = world.poller("dserver/srv/b", "dserver/*/*").poll(overruns_total=7)
    assert names(poll) == ["b", "a", "c"]
    assert {answer.state for answer in poll.answers} == {ServerState.MONITORED}
    assert poll.number == 1
    assert poll.overruns_total == 7
    assert poll.problems == ()
    assert 0 <= poll.spread_seconds <= poll.duration_seconds


def test_a_poll_without_targets(world: World) -> None:
    poll = world.poller().poll()
    assert poll.answers == ()
    assert poll.spread_seconds == 0.0


def test_targets_join_and_leave(world: World) -> None:
    world.add("a")
    poller = world.poller("dserver/*/*")
    assert names(poller.poll()) == ["a"]
    world.add("b")
    poll_until(poller, lambda poll: names(poll) == ["a", "b"])
    del world.directory.hosts["db:10000"]["dserver/srv/a"]
    poll_until(poller, lambda poll: names(poll) == ["b"])
    poller.set_targets(("dserver/srv/b", "no/such/one"))
    poll = poller.poll()
    assert names(poll) == ["b"]
    assert "no/such/one" in poll.problems[0]


def test_one_failing_target_is_the_failure_of_that_target(world: World) -> None:
    world.add("a", "b")
    world.servers["tango://db:10000/dserver/srv/b"].commands[QUERY] = NOT_EXPORTED
    poll = world.poller("dserver/*/*").poll()
    assert [answer.state for answer in poll.answers] == [ServerState.MONITORED, ServerState.NOT_EXPORTED]


def test_sampling_is_switched_everywhere_and_off_at_the_end(world: World) -> None:
    ours, others, leaving = world.add("a", "b", "c")
    others.sampling = True
    poller = world.poller("dserver/*/*")
    poller.set_sampling(on=True)
    poll = poll_until(poller, lambda poll: all(answer.sampling for answer in poll.answers))
    assert [answer.sampling_ours for answer in poll.answers] == [True, False, True]
    poller.set_targets(("dserver/srv/a", "dserver/srv/b"))
    poller.poll()
    poll_until(poller, lambda _: not leaving.sampling)
    poller.close()
    poller.close()
    assert not ours.sampling
    assert others.sampling


def test_a_directory_that_hangs_delays_the_first_poll_by_the_limit_and_no_other(world: World) -> None:
    world.add("a")
    release = threading.Event()
    matching = world.directory.matching
    world.directory.matching = lambda *arguments: (release.wait(20), matching(*arguments))[1]  # type: ignore[method-assign]
    poller = world.poller("dserver/*/*", poll_period=0.5)
    for _ in range(3):
        poll = poller.poll()
        assert poll.answers == ()
        assert "still being looked up" in poll.problems[0]
    release.set()
    assert names(poll_until(poller, lambda poll: not poll.problems)) == ["a"]


class JumpingClock(SystemClock):
    """Goes on by a thousand seconds whenever something slow is called."""

    ahead_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.ahead_ns

    def slow(self, call: Callable[..., T]) -> Callable[..., T]:
        """The same call, for which time goes by."""

        def late(*arguments: object) -> T:
            self.ahead_ns += 1000 * 10**9
            return call(*arguments)

        return late


@pytest.mark.parametrize("phase", ["resolve", "ask"])
def test_what_took_long_is_told_as_a_phase(world: World, phase: str) -> None:
    """The duration begins when the servers are asked: waiting for a database is not the servers' time."""
    clock = JumpingClock()
    (server,) = world.add("a")
    if phase == "resolve":
        world.directory.matching = clock.slow(world.directory.matching)  # type: ignore[method-assign]
    else:
        server.commands[QUERY] = clock.slow(lambda _: OFF)
    poll = world.poller("dserver/*/*", clock=clock, resolve_period=3600.0, poll_period=20.0).poll()
    assert names(poll) == ["a"]
    told = {name: getattr(poll.phases, f"{name}_seconds") for name in ("resolve", "ask", "parse")}
    assert {name for name, seconds in told.items() if not 0 <= seconds < 900} == {phase}
    assert (poll.duration_seconds >= 1000) == (phase == "ask")


@pytest.mark.parametrize("hung", [1, 4, 40])
def test_databases_that_hang_hide_only_their_own_targets(world: World, hung: int) -> None:
    world.add("a")
    release = threading.Event()
    entry = world.directory.entry

    def slow(host: str, device: str) -> object:
        if host.startswith("hung"):
            release.wait(20)
        return entry(host, device)

    world.directory.entry = slow  # type: ignore[assignment, method-assign]
    hosts = [f"hung{number}:1" for number in range(hung)]
    for host in hosts:
        world.directory.add("dserver/srv/b", "srv/b", "DServer", host=host)
    foreign = [f"tango://{host}/dserver/srv/b" for host in hosts]
    poller = world.poller(*foreign, "dserver/srv/*", target_timeout=0.5)
    poll = poller.poll()
    assert names(poll) == ["a"]
    assert all(any(host in problem for problem in poll.problems) for host in hosts)
    world.add("new")
    poll_until(poller, lambda poll: names(poll) == ["a", "new"])
    release.set()
    poll = poll_until(poller, lambda poll: not poll.problems)
    assert names(poll) == [*["b"] * hung, "a", "new"]


def test_a_lookup_that_fails_unexpectedly_is_told_and_tried_again(world: World) -> None:
    world.add("a")
    matching = world.directory.matching

    def fail(*_: str) -> tuple[str, ...]:
        raise RuntimeError("oops")

    world.directory.matching = fail  # type: ignore[method-assign, assignment]
    poller = world.poller("dserver/*/*")
    assert "RuntimeError: oops" in poller.poll().problems[0]
    world.directory.matching = matching  # type: ignore[method-assign]
    assert names(poll_until(poller, lambda poll: not poll.problems)) == ["a"]


def test_the_wait_is_bounded_by_the_period_and_the_time_limit(world: World) -> None:
    poller = world.poller(poll_period=10.0, target_timeout=3.0)
    assert poller.poll_limit_seconds == 3.0
    poller.poll_period = 1.0
    assert poller.poll_limit_seconds == 0.8

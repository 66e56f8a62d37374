"""Publishers that are no targets and are asked all the same, since a subscription depends on them."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest

from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import wait_until
from stem_device.model.poll import Answer, Failure, Poll, ServerState
from stem_device.polling import Poller
from tests.system.harness import MakePoller, Server, ServerFactory, freeze

pytestmark = pytest.mark.extras


@pytest.fixture
def poller(poller: MakePoller) -> MakePoller:
    """Targets are looked up once; publishers whenever there are others."""
    return partial(poller, resolve_period=60.0)


def answer_of(poll: Poll, server: Server) -> Answer | None:
    return next((answer for answer in poll.answers if answer.server == server.name), None)


def wait_followed(poller: Poller, server: Server) -> Answer:
    """Poll until a server is among the answers."""
    return wait_until(
        lambda: answer_of(poller.poll(), server), f"{server.name} to be followed", interval_seconds=0.1
    )


def test_a_publisher_is_followed_as_long_as_a_subscription_needs_it(
    poller: MakePoller, servers: ServerFactory
) -> None:
    publisher, subscriber = servers(), servers()
    asker = poller(subscriber.name)
    assert [answer.server for answer in asker.poll().answers] == [subscriber.name]
    index = subscriber.subscriber.subscribe(publisher.publisher)
    followed = wait_followed(asker, publisher)
    assert followed.followed
    assert followed.state is ServerState.MONITORED
    assert followed.identity.life == 1
    assert followed.reply is not None
    assert followed.reply.server is not None
    assert publisher.publisher.stream("change") in followed.reply.server.event_counters
    listed = asker.poll()
    assert [answer.server for answer in listed.answers] == [subscriber.name, publisher.name]
    assert [answer.followed for answer in listed.answers] == [False, True]
    subscriber.subscriber.unsubscribe(index)
    wait_until(lambda: answer_of(asker.poll(), publisher) is None, "the publisher to leave")
    subscriber.subscriber.subscribe(publisher.publisher)
    back = wait_followed(asker, publisher)
    assert back.identity == followed.identity  # the same process: its life goes on


def test_sampling_is_never_switched_at_a_followed_publisher(
    poller: MakePoller, servers: ServerFactory
) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    asker = poller(subscriber.name)
    asker.set_sampling(True)
    wait_followed(asker, publisher)

    def sampled() -> bool:
        answer = answer_of(asker.poll(), subscriber)
        return answer is not None and answer.sampling_ours

    wait_until(sampled, "the target to be sampled", interval_seconds=0.1)
    for _ in range(3):
        followed = answer_of(asker.poll(), publisher)
        assert followed is not None
        assert not followed.sampling
    # As a target it is sampled; followed again, it is left as it was.
    asker.set_targets((subscriber.name, publisher.name))
    wait_until(lambda: _is_sampled(asker, publisher), "the new target to be sampled", interval_seconds=0.1)
    asker.set_targets((subscriber.name,))
    wait_until(lambda: not _is_sampled(asker, publisher), "sampling to be released", interval_seconds=0.1)
    followed = answer_of(asker.poll(), publisher)
    assert followed is not None
    assert followed.followed
    assert followed.identity.life == 1


def test_a_dead_and_a_frozen_publisher_are_told(poller: MakePoller, servers: ServerFactory) -> None:
    dead, frozen, subscriber = servers(), servers(), servers()
    for publisher in (dead, frozen):
        subscriber.subscriber.subscribe(publisher.publisher)
    asker = poller(subscriber.name)
    for publisher in (dead, frozen):
        wait_followed(asker, publisher)
    dead.process.kill()
    freeze(frozen.process.pid)
    try:
        poll = asker.poll()
        gone, silent = answer_of(poll, dead), answer_of(poll, frozen)
        assert gone is not None
        assert gone.failure is Failure.REFUSED
        assert silent is not None
        assert silent.failure is Failure.SILENT
        gone = answer_of(asker.poll(), dead)
        assert gone is not None
        assert gone.ended
        assert gone.followed
    finally:
        frozen.process.signal(signal.SIGCONT)


def test_publishers_of_another_database_and_of_none(
    poller: MakePoller, servers: ServerFactory, private_database: EmbeddedDatabase, tmp_path: Path
) -> None:
    others = ServerFactory(private_database, tmp_path)
    try:
        elsewhere, nowhere, subscriber = others(), others.without_database(), servers()
        for publisher in (elsewhere, nowhere):
            subscriber.subscriber.subscribe(publisher.publisher)
        asker = poller(subscriber.name)
        assert wait_followed(asker, elsewhere).state is ServerState.MONITORED
        path = nowhere.name.partition("/dserver")[2].removesuffix("#dbase=no")
        (problem,) = asker.poll().problems  # cppTango calls it host:0
        assert path in problem
        assert "add it as a target" in problem
        asker.set_targets((subscriber.name, nowhere.name))
        assert asker.poll().problems == ()
    finally:
        others.stop()


def test_nothing_is_followed_where_it_is_not_wanted(poller: MakePoller, servers: ServerFactory) -> None:
    publisher, subscriber = servers(), servers()
    subscriber.subscriber.subscribe(publisher.publisher)
    asker = poller(subscriber.name, follow_publishers=False)
    for _ in range(5):
        assert [answer.server for answer in asker.poll().answers] == [subscriber.name]


def _is_sampled(asker: Poller, server: Server) -> bool:
    answer = answer_of(asker.poll(), server)
    return answer is not None and answer.sampling

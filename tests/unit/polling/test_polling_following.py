"""Which publishers are followed, under which names, and how many at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from stem_device.errors import TargetDatabaseError
from stem_device.model.poll import Answer, ServerState
from stem_device.polling.following import MAX_HOSTS, MAX_PUBLISHERS, Publishers, Wanted, look_up_publishers
from stem_device.polling.names import TargetName
from stem_device.polling.targets import run_one_by_one
from stem_device.responses import parse_reply

ONE, TWO = "tango://db:1/dserver/x/1", "tango://db:1/dserver/x/2"


def answer(server: str, *publishers: str, followed: bool = False) -> Answer:
    callbacks = ",".join(
        f'"t{number}":{{"channel_name":"{name}","callback_count":1,"server_counter":0,"event_count":0,'
        '"missed_event_count":0,"discarded_event_count":0,"last_resubscribed":null}'
        for number, name in enumerate(publishers)
    )
    text = (
        f'{{"version":1,"server":null,"client":{{"event_callbacks":{{{callbacks}}},"not_connected":[],'
        '"event_channels":{},"perf":null}}'
    )
    return Answer(server, ServerState.MONITORED, reply=parse_reply(text), followed=followed)


def test_a_publisher_is_wanted_as_long_as_a_subscription_needs_it() -> None:
    wanted = Wanted()
    assert wanted.note([answer("a", ONE), answer("b", ONE, TWO)]) == {ONE, TWO}
    silent = Answer("b", ServerState.UNREACHABLE)
    assert wanted.note([answer("a", ONE), silent]) == {ONE, TWO}  # it may go on any moment
    assert wanted.note([answer("a"), silent]) == {ONE, TWO}
    assert wanted.note([answer("a", ONE), Answer("b", ServerState.NOT_EXPORTED, ended=True)]) == {ONE}
    assert wanted.note([answer("a", ONE)]) == {ONE}
    assert wanted.note([]) == frozenset()


def test_followed_servers_want_nothing_themselves() -> None:
    assert Wanted().note([answer("a", ONE), answer(ONE, TWO, followed=True)]) == {ONE}


def test_names_of_one_database_are_one() -> None:
    names = {"tango://DB:1/dserver/X/1", "tango://other:1/dserver/x/1", "tango://db:2/dserver/x/1"}
    found = look_up(names, lambda target: "db:1" if target.host != "db:2" else "db:2")
    assert found.names == ("tango://db:1/dserver/x/1", "tango://db:2/dserver/x/1")
    assert found.complete


def test_a_database_that_is_down_is_told_and_tried_again() -> None:
    def canonical(target: TargetName) -> str:
        if target.host == "down:1":
            raise TargetDatabaseError("down:1", "does not answer")
        return target.host

    found = look_up({ONE, "tango://down:1/dserver/x/1"}, canonical)
    assert found.names == (ONE,)
    assert "the database down:1: does not answer" in found.problems[0]
    assert not found.complete


@pytest.mark.parametrize("name", ["", "a b", "dserver/x/1", "tango://db:1/a/b/c", "tango://db:1/dserver/*/1"])
def test_what_is_no_admin_device_of_a_database_is_not_asked(name: str) -> None:
    assert look_up({name}, lambda target: target.host).names == ()


def test_a_publisher_whose_port_is_not_told() -> None:
    found = look_up({"tango://Machine:0/dserver/X/1#dbase=no"}, lambda target: target.host)
    assert found.without_port == ("dserver/x/1",)
    assert found.names == ()


def test_a_server_that_lies_does_not_have_half_the_network_asked() -> None:
    asked: list[str] = []

    def canonical(target: TargetName) -> str:
        asked.append(target.host)
        return target.host

    found = look_up({f"tango://db:1/dserver/x/{number}" for number in range(2000)}, canonical)
    assert len(found.names) == MAX_PUBLISHERS
    assert "1500 publishers" in found.problems[0]
    asked.clear()
    found = look_up({f"tango://db:{number}/dserver/x/1" for number in range(1, 2000)}, canonical)
    assert len(asked) == MAX_HOSTS
    assert found.problems


def look_up(names: set[str], canonical: Callable[[TargetName], str]) -> Publishers:
    def run_all(jobs: Sequence[Callable[[], None]]) -> None:
        run_one_by_one(jobs)

    return look_up_publishers(names, canonical, run_all)

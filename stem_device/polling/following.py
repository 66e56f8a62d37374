"""Which publishers monitored subscriptions depend on, so that they can be asked too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from msgspec import Struct

from stem_device.errors import TargetError
from stem_device.model.poll import Answer
from stem_device.polling.names import TargetName, full_name, host_of, parse_target, path_of
from stem_device.polling.relays import RunAll

MAX_PUBLISHERS = 500
"""Publishers followed at most: a server that lies must not have the monitor ask half the network."""

MAX_HOSTS = 32
"""Databases (and machines, of servers without one) of followed publishers at most."""


class Publishers(Struct, frozen=True):
    """Full names of publishers, sorted; ``problems`` are sentences; ``complete``: all could be looked up.

    ``without_port`` are paths of publishers without a database, whose port cppTango does not tell.
    """

    names: tuple[str, ...] = ()
    without_port: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    complete: bool = True


class Wanted:
    """The publishers that the latest replies name; a server that does not answer still wants its own."""

    def __init__(self) -> None:
        self._by_server: dict[str, frozenset[str]] = {}

    def note(self, answers: Iterable[Answer]) -> frozenset[str]:
        """Take one poll's answers; all publishers wanted now, as the subscribers write them."""
        by_server: dict[str, frozenset[str]] = {}
        for answer in answers:
            if answer.followed or answer.ended:
                continue
            if answer.reply is None:
                by_server[answer.server] = self._by_server.get(answer.server, frozenset())
            elif answer.reply.client is not None:
                callbacks = answer.reply.client.event_callbacks.values()
                by_server[answer.server] = frozenset([one.channel_name for one in callbacks])
        self._by_server = by_server
        return frozenset().union(*by_server.values())


def look_up_publishers(
    names: Iterable[str], canonical: Callable[[TargetName], str], run_all: RunAll
) -> Publishers:
    """Bring the names into the one form that servers have; ``canonical`` asks a database, and may hang."""
    problems: dict[str, None] = {}
    parsed: list[TargetName] = []
    without_port: list[str] = []
    for name in sorted(names):
        if host_of(name).endswith(":0"):
            without_port.append(path_of(name.lower()))
            continue
        try:
            target = parse_target(name)
        except TargetError as error:
            problems[f"a publisher cannot be followed: {error}"] = None
            continue
        if target.is_admin and target.host and not target.is_pattern:
            parsed.append(target)
    hosts, complete = _hosts(parsed, canonical, run_all, problems)
    found = sorted({_full(target, hosts) for target in parsed if _place(target) in hosts})
    if len(found) > MAX_PUBLISHERS:
        problems[
            f"{len(found) - MAX_PUBLISHERS} publishers of monitored subscriptions are not followed: at most "
            f"{MAX_PUBLISHERS} are; add them as targets"
        ] = None
    return Publishers(
        names=tuple(found[:MAX_PUBLISHERS]),
        without_port=tuple(without_port[:MAX_PUBLISHERS]),
        problems=tuple(problems),
        complete=complete,
    )


def _hosts(
    targets: Iterable[TargetName],
    canonical: Callable[[TargetName], str],
    run_all: RunAll,
    problems: dict[str, None],
) -> tuple[Mapping[tuple[str, bool], str], bool]:
    """The one name of each database or machine; those that do not answer delay no others."""
    places = {_place(target): target for target in targets}
    found: dict[tuple[str, bool], str] = {}
    failed: dict[str, None] = {}

    def look_up(target: TargetName) -> None:
        try:
            found[_place(target)] = canonical(target)
        except TargetError as error:
            failed[f"publishers of monitored subscriptions cannot be followed: {error}"] = None

    allowed = list(places.values())[:MAX_HOSTS]
    run_all([partial(look_up, target) for target in allowed])
    problems.update(tuple(failed.items()))
    if len(places) > MAX_HOSTS:
        problems[f"publishers in more than {MAX_HOSTS} control systems are not followed"] = None
    result = dict(tuple(found.items()))
    return result, len(result) == len(allowed)


def _place(target: TargetName) -> tuple[str, bool]:
    return target.host, target.database


def _full(target: TargetName, hosts: Mapping[tuple[str, bool], str]) -> str:
    return full_name(hosts[_place(target)], target.path, database=target.database)

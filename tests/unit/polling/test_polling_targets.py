from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from stem_device.polling.places import ENTRY_SECONDS, UNTIL_THEN
from stem_device.polling.targets import Resolution, Resolver
from tests.unit.polling.polling_fakes import FakeClock, FakeDirectory


@pytest.fixture
def directory() -> FakeDirectory:
    directory = FakeDirectory()
    directory.add("sys/a/1", "srv/1")
    directory.add("sys/b/1", "srv/1", "Other")
    directory.add("sys/a/2", "srv/2")
    directory.add("sys/off/1", "srv/off", exported=False)
    for server in ("1", "2", "off"):
        directory.add(f"dserver/srv/{server}", f"srv/{server}", "DServer")
    return directory


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def resolver(directory: FakeDirectory, clock: FakeClock) -> Resolver:
    return Resolver(directory, clock)


def admin(*servers: str, host: str = "db:10000") -> tuple[str, ...]:
    return tuple(f"tango://{host}/dserver/srv/{server}" for server in servers)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (("sys/a/1",), admin("1")),
        (("sys/a/1", "SYS/B/1", "dserver/srv/1", "tango://db:10000/sys/a/1"), admin("1")),
        (("sys/a/2", "sys/a/1"), admin("2", "1")),
        (("sys/*/*",), admin("1", "2", "off")),
        (("dserver/*/*",), admin("1", "2", "off")),
        (("tango://db:10000/sys/a/*", "sys/*/*"), admin("1", "2", "off")),
        (("sys/off/1",), admin("off")),
        ((), ()),
    ],
)
def test_devices_of_one_server_are_one_target(
    resolver: Resolver, targets: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert resolver.resolve(targets) == Resolution(targets=expected)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("sys/none/1", "knows no such device"),
        ("zz/*/*", "matches"),
        ("a/b", "is no name"),
        ("nick", "no such alias"),
    ],
)
def test_what_is_not_found_is_a_sentence(resolver: Resolver, target: str, words: str) -> None:
    resolution = resolver.resolve((target, "sys/a/2"))
    assert resolution.targets == admin("2")
    (problem,) = resolution.problems
    assert target in problem
    assert words in problem
    assert resolution.complete


def test_aliases(resolver: Resolver, directory: FakeDirectory) -> None:
    directory.aliases["motor"] = "sys/a/2"
    assert resolver.resolve(("Motor",)).targets == admin("2")


def test_a_relay_is_a_target_of_its_own(resolver: Resolver, directory: FakeDirectory) -> None:
    directory.add("sys/relay/1", "srv/1", "Relay")
    directory.relays.add("tango://db:10000/sys/relay/1")
    assert resolver.resolve(("sys/relay/1",)).targets == ("tango://db:10000/sys/relay/1",)
    assert resolver.resolve(("sys/*/*",)).targets == (
        *admin("1", "2", "off"),
        "tango://db:10000/sys/relay/1",
    )


def test_one_device_of_a_class_tells_for_all_and_is_remembered(
    resolver: Resolver, directory: FakeDirectory, clock: FakeClock
) -> None:
    for number in range(50):
        directory.add(f"sys/many/{number:02}", "srv/many", "Many")
    resolver.resolve(("sys/many/*",))
    resolver.resolve(("sys/many/*",))
    assert directory.asked == ["tango://db:10000/sys/many/00"]
    assert len(directory.looked_up) == 50
    clock.advance(600)
    resolver.resolve(("sys/many/*",))
    assert len(directory.looked_up) == 50
    clock.advance(1)
    resolver.resolve(("sys/many/*",))
    assert len(directory.asked) == 2
    assert len(directory.looked_up) == 100


def test_a_hung_server_is_asked_once_a_round_and_a_relay_is_found_when_it_answers(
    resolver: Resolver, directory: FakeDirectory
) -> None:
    directory.hung |= {"tango://db:10000/sys/a/1", "tango://db:10000/sys/b/1"}
    assert resolver.resolve(("sys/a/1", "sys/b/1")).targets == admin("1")
    assert directory.asked == ["tango://db:10000/sys/a/1"]
    directory.hung.clear()
    directory.relays.add("tango://db:10000/sys/a/1")
    assert resolver.resolve(("sys/a/1",)).targets == ("tango://db:10000/sys/a/1",)


@pytest.mark.parametrize("ended", [False, True], ids=["still hangs", "did not answer"])
def test_a_hung_server_is_named_while_it_is_asked_and_stays_a_target_when_asked_again(
    directory: FakeDirectory, clock: FakeClock, ended: bool
) -> None:
    directory.hung |= {"tango://db:10000/sys/a/1", "tango://db:10000/sys/b/1"}

    def scouts(jobs: Sequence[Callable[[], None]]) -> None:
        """Those of the hung server begin last, and may not end."""
        waiting = [job for job in jobs if isinstance(job, partial) and job.args[0] in admin("1")]
        for job in jobs:
            if job not in waiting:
                job()
        for job in waiting if ended else []:
            job()

    resolver = Resolver(directory, clock, scouts)
    told: list[Resolution] = []
    resolution = resolver.resolve(("sys/*/*",), told.append)
    hung = f"{admin('1')[0]} has not answered yet"
    assert told[0].problems == (f"{hung} (nor have 1 more); the others are monitored",)
    assert (told[1].targets, told[1].complete) == (admin("2", "off"), False)
    assert told[1].problems == (f"{hung}; the others are monitored",)
    assert resolution == Resolution(targets=admin("1", "2", "off"))
    told.clear()
    directory.add("sys/new/1", "srv/new")
    resolution = resolver.resolve(("sys/*/*",), told.append)
    assert resolution == Resolution(targets=admin("1", "2", "new", "off"))
    assert len(told) > 1
    assert all(admin("1")[0] in one.targets for one in told)


def test_a_known_relay_stays_one_while_it_is_down(
    resolver: Resolver, directory: FakeDirectory, clock: FakeClock
) -> None:
    relay = "tango://db:10000/sys/a/1"
    directory.relays.add(relay)
    assert resolver.resolve(("sys/a/1",)).targets == (relay,)
    directory.hung.add(relay)
    clock.advance(ENTRY_SECONDS + 1)
    assert resolver.resolve(("sys/a/1",)).targets == (relay,)


def test_new_servers_join_and_those_that_leave_the_database_leave(
    resolver: Resolver, directory: FakeDirectory
) -> None:
    assert resolver.resolve(("sys/*/*",)).targets == admin("1", "2", "off")
    directory.add("sys/new/1", "srv/new")
    del directory.hosts["db:10000"]["sys/a/2"]
    assert resolver.resolve(("sys/*/*",)).targets == admin("1", "new", "off")


def test_known_targets_stay_while_the_database_is_down(resolver: Resolver, directory: FakeDirectory) -> None:
    resolver.resolve(("sys/a/1", "sys/*/*"))
    directory.down.add("db:10000")
    resolution = resolver.resolve(("sys/a/1", "sys/*/*"))
    assert resolution.targets == admin("1", "2", "off")
    assert not resolution.complete
    directory.down.clear()
    assert resolver.resolve(("sys/a/1",)) == Resolution(targets=admin("1"))


def test_a_database_that_is_down_at_start_is_told_once(resolver: Resolver, directory: FakeDirectory) -> None:
    directory.down.add("db:10000")
    resolution = resolver.resolve(("sys/a/1", "sys/a/2", "dserver/*/*"))
    assert resolution == Resolution(
        problems=(f"the database db:10000: does not answer; start it; {UNTIL_THEN}",), complete=False
    )
    directory.down.clear()
    assert resolver.resolve(("sys/a/1",)).targets == admin("1")


def test_known_publishers_are_followed_while_the_database_is_down(
    resolver: Resolver, directory: FakeDirectory
) -> None:
    names = frozenset({"tango://db:10000/dserver/srv/1"})
    known = resolver.publishers(names)
    assert known.names == admin("1")
    directory.down.add("db:10000")
    assert resolver.publishers(names) == known


def test_two_names_of_one_database_are_one(resolver: Resolver, directory: FakeDirectory) -> None:
    directory.hosts["127.0.0.1:10000"] = directory.hosts["db:10000"]
    directory.identities = {"127.0.0.1:10000": "IOR:1", "db:10000": "IOR:1"}
    assert resolver.resolve(("tango://127.0.0.1:10000/sys/a/1", "sys/*/*")).targets == admin(
        "1", "2", "off", host="127.0.0.1:10000"
    )


def test_equal_names_in_two_databases_are_two_servers(resolver: Resolver, directory: FakeDirectory) -> None:
    directory.add("sys/a/1", "srv/1", host="other:1")
    assert resolver.resolve(("sys/a/1", "tango://other:1/sys/a/1")).targets == (
        *admin("1"),
        *admin("1", host="other:1"),
    )


def test_without_a_database(resolver: Resolver, directory: FakeDirectory) -> None:
    directory.addresses = {"localhost:7": "127.0.0.1:7"}
    directory.addresses["127.0.0.1:7"] = "127.0.0.1:7"
    expected = ("tango://localhost:7/dserver/x/y#dbase=no",)
    assert resolver.resolve(("tango://localhost:7/a/b/c#dbase=no",)).targets == expected
    both = ("tango://127.0.0.1:7/dserver/X/y#dbase=no", "tango://localhost:7/a/b/c#dbase=no")
    assert resolver.resolve(both).targets == expected
    relay = "tango://localhost:7/a/b/relay#dbase=no"
    directory.relays.add(relay)
    assert resolver.resolve((relay,)).targets == (relay,)
    directory.hung.add("tango://h:1/a/b/c#dbase=no")
    assert not resolver.resolve(("tango://h:1/a/b/c#dbase=no",)).complete


def test_targets_that_are_no_longer_named_are_forgotten(resolver: Resolver, directory: FakeDirectory) -> None:
    resolver.resolve(("sys/a/1",))
    resolver.resolve(("sys/a/2",))
    directory.down.add("db:10000")
    assert resolver.resolve(("sys/a/1",)).targets == ()

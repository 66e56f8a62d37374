"""From target strings to the servers they mean: each once, under one name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from stem_device.errors import TargetDatabaseError, TargetError, TargetUnreachableError
from stem_device.model.clock import Clock
from stem_device.polling.directory import Directory, Entry
from stem_device.polling.following import Publishers, look_up_publishers
from stem_device.polling.names import TargetName, full_name, parse_target
from stem_device.polling.relays import Candidate, Relays, RunAll

ENTRY_SECONDS = 600.0
"""How long it is remembered which server a device belongs to, so that a wildcard costs one query."""


UNTIL_THEN = "until it does no new servers are found; known ones are still monitored"
STILL = "what was found before is still monitored, until the target is removed"


class Resolution(Struct, frozen=True):
    """What the target strings mean now.

    ``targets`` are full names in lower case, in the order in which they were named; ``problems`` sentences.
    ``complete`` says that everything could be looked up, so that there is no reason to try again soon.
    """

    targets: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    complete: bool = True


Resolve = Callable[[Iterable[str]], Resolution]


def run_one_by_one(jobs: Sequence[Callable[[], None]]) -> None:
    """The simplest way to run jobs."""
    for job in jobs:
        job()


class Resolver:
    """Looks target strings up, and remembers what it knew of them, for when a database is down.

    Not for several threads at once. ``run_all`` runs jobs that may hang, each as long as a remote call.
    """

    def __init__(self, directory: Directory, clock: Clock, run_all: RunAll = run_one_by_one) -> None:
        self._directory = directory
        self._clock = clock
        self._run_all = run_all
        self._relays = Relays(directory, clock, run_all, ENTRY_SECONDS)
        self._known: dict[str, tuple[Candidate | str, ...]] = {}
        self._hosts: dict[str, str] = {}
        self._same: dict[str, str] = {}
        self._entries: dict[tuple[str, str], tuple[int, Entry]] = {}

    def resolve(self, targets: Iterable[str]) -> Resolution:
        """Look all of them up, now. Takes as long as the databases take; raises nothing of theirs."""
        self._forget_old()
        wanted = tuple(dict.fromkeys(target.strip() for target in targets))
        self._known = {target: found for target, found in self._known.items() if target in wanted}
        problems: dict[str, None] = {}
        complete = True
        for target in wanted:
            try:
                self._known[target] = self._look_up(target)
            except TargetDatabaseError as error:
                problems[f"{error}; {UNTIL_THEN}"] = None
                complete = False
            except TargetUnreachableError as error:
                problems[str(error)] = None
                complete = False
            except TargetError as error:
                # A database that was restored, replaced or emptied says the same: no server is forgotten.
                kept = bool(self._known.get(target))
                problems[f"{error}; {STILL}" if kept else str(error)] = None
                complete = complete and not kept
        found = [item for target in wanted for item in self._known.get(target, ())]
        self._relays.look_at(item for item in found if isinstance(item, Candidate))
        names = tuple(dict.fromkeys(self._name(item) for item in found))
        return Resolution(targets=names, problems=tuple(problems), complete=complete)

    def publishers(self, names: frozenset[str]) -> Publishers:
        """The publishers that subscribers name, each under its one name."""
        return look_up_publishers(names, self._host_of, self._run_all)

    def _host_of(self, name: TargetName) -> str:
        return self._host(name.host) if name.database else self._machine(name.host)

    def _name(self, found: Candidate | str) -> str:
        if isinstance(found, str):
            return found
        if not self._relays.is_known(found):
            # Look it up again next time: the server may run by then, and have such a device.
            self._entries.pop((found.host, found.device), None)
        return full_name(found.host, found.device) if self._relays.is_relay(found) else found.server

    def _look_up(self, target: str) -> tuple[Candidate | str, ...]:
        """The devices that a target string means; the full name where that is known already."""
        name = parse_target(target)
        if not name.database:
            return (self._without_database(name),)
        host = self._host(name.host or self._directory.default_host())
        if name.is_pattern:
            return self._matching(host, name.path)
        device = self._device_of_alias(host, name.path) if name.is_alias else name.path
        entry = self._directory.entry(host, device)
        if entry is None:
            raise TargetError(
                target, f"the database {host} knows no such device; correct the name, or register the device"
            )
        return (Candidate(host, device, entry),)

    def _matching(self, host: str, pattern: str) -> tuple[Candidate | str, ...]:
        found: list[Candidate | str] = []
        for device in self._directory.matching(host, pattern):
            if device.startswith("dserver/"):
                found.append(full_name(host, device))
            elif (entry := self._entry(host, device)) is not None:
                found.append(Candidate(host, device, entry))
        if not found:
            raise TargetError(
                f"tango://{host}/{pattern}",
                "no device in the database matches; correct the pattern, or register devices",
            )
        return tuple(found)

    def _device_of_alias(self, host: str, alias: str) -> str:
        device = self._directory.device_of_alias(host, alias)
        if device is None:
            raise TargetError(alias, f"the database {host} knows no such alias; correct the name")
        return device

    def _entry(self, host: str, device: str) -> Entry | None:
        """As the directory says, or said a while ago."""
        if (host, device) in self._entries:
            return self._entries[host, device][1]
        entry = self._directory.entry(host, device)
        if entry is not None:
            self._entries[host, device] = (self._clock.monotonic_ns(), entry)
        return entry

    def _host(self, host: str) -> str:
        """The first name under which the same database was seen."""
        if host not in self._hosts:
            identity = self._directory.identity(host)
            self._hosts[host] = self._same.setdefault(identity, host)
        return self._hosts[host]

    def _without_database(self, name: TargetName) -> str:
        host = self._machine(name.host)
        given = full_name(host, name.path, database=False)
        if name.is_admin or self._directory.has_query(given):
            return given
        return full_name(host, self._directory.admin_without_database(given), database=False)

    def _machine(self, host: str) -> str:
        """The first name under which the address of a server without a database was seen."""
        return self._same.setdefault(f"address {self._directory.address(host)}", host)

    def _forget_old(self) -> None:
        """Look again now and then: devices move to other servers."""
        oldest = self._clock.monotonic_ns() - round(ENTRY_SECONDS * 1e9)
        self._entries = {key: value for key, value in self._entries.items() if value[0] >= oldest}

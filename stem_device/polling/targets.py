"""From target strings to the servers they mean: each once, under one name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from stem_device.errors import TargetError, TargetUnreachableError
from stem_device.model.clock import Clock
from stem_device.polling.directory import Directory, Entry
from stem_device.polling.names import TargetName, full_name, parse_target

ENTRY_SECONDS = 600.0
"""How long it is remembered which server a device belongs to, so that a wildcard costs one query."""


class Resolution(Struct, frozen=True):
    """``targets``: full names in lower case, in the order named. ``problems``: sentences. ``complete``: every
    string could be looked up, so that there is no reason to try again soon."""

    targets: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    complete: bool = True


class Resolver:
    """Looks target strings up, and remembers what it knew of them, for when a database is down."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: dict[str, tuple[str, ...]] = {}
        self._hosts: dict[str, str] = {}
        self._same: dict[str, str] = {}
        self._entries: dict[tuple[str, str], tuple[int, Entry]] = {}
        self._queryable: dict[tuple[str, str, str], tuple[int, bool]] = {}
        self._silent: set[str] = set()

    def resolve(self, targets: Iterable[str]) -> Resolution:
        """Look all of them up, now. Takes as long as the databases take; raises nothing of theirs."""
        self._forget_old()
        self._silent.clear()
        wanted = tuple(dict.fromkeys(target.strip() for target in targets))
        self._known = {target: names for target, names in self._known.items() if target in wanted}
        found: dict[str, None] = {}
        problems: dict[str, None] = {}
        complete = True
        for target in wanted:
            try:
                self._known[target] = self._names(target)
            except TargetError as error:
                problems[f"{error.target}: {error.reason}"] = None
                complete = complete and not isinstance(error, TargetUnreachableError)
                if not isinstance(error, TargetUnreachableError):
                    self._known.pop(target, None)
            found.update(dict.fromkeys(self._known.get(target, ())))
        return Resolution(targets=tuple(found), problems=tuple(problems), complete=complete)

    def _names(self, target: str) -> tuple[str, ...]:
        name = parse_target(target)
        if not name.database:
            return (self._without_database(name),)
        host = self._host(name.host or self._directory.default_host())
        if name.is_pattern:
            return self._matching(host, name.path)
        path = self._path_of_alias(host, name.path) if name.is_alias else name.path
        entry = self._entry(host, path)
        if entry is None:
            raise TargetError(
                target, f"the database {host} knows no such device; correct the name, or register the device"
            )
        return (self._target_of(host, path, entry),)

    def _matching(self, host: str, pattern: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for device in self._directory.matching(host, pattern):
            if device.startswith("dserver/"):
                found[full_name(host, device)] = None
                continue
            entry = self._entry(host, device)
            if entry is not None:
                found[self._target_of(host, device, entry)] = None
        if not found:
            raise TargetError(
                f"tango://{host}/{pattern}",
                "no device in the database matches; correct it, or register devices",
            )
        return tuple(found)

    def _path_of_alias(self, host: str, alias: str) -> str:
        device = self._directory.device_of_alias(host, alias)
        if device is None:
            raise TargetError(alias, f"the database {host} knows no such alias; correct the name")
        return device

    def _target_of(self, host: str, device: str, entry: Entry) -> str:
        """The device itself if it can be asked, else the admin device of its server."""
        if device != entry.admin and self._has_query(host, device, entry):
            return full_name(host, device)
        return full_name(host, entry.admin)

    def _has_query(self, host: str, device: str, entry: Entry) -> bool:
        """Whether a device's class has QueryEventSystem; one device of a class tells for all in its server.

        A server that does not answer is not asked for its other classes in the same round.
        """
        key = (host, entry.admin, entry.class_name)
        if key in self._queryable:
            return self._queryable[key][1]
        server = full_name(host, entry.admin)
        if not entry.exported or server in self._silent:
            self._entries.pop((host, device), None)
            return False
        try:
            has = self._directory.has_query(full_name(host, device))
        except TargetError:
            self._silent.add(server)
            self._entries.pop((host, device), None)
            return False
        self._queryable[key] = (self._clock.monotonic_ns(), has)
        return has

    def _entry(self, host: str, device: str) -> Entry | None:
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
        address = self._directory.address(name.host)
        host = self._same.setdefault(f"address {address}", name.host)
        given = full_name(host, name.path, database=False)
        if name.is_admin or self._directory.has_query(given):
            return given
        return full_name(host, self._directory.admin_without_database(given), database=False)

    def _forget_old(self) -> None:
        """Look again now and then: devices move to other servers, classes get new commands."""
        oldest = self._clock.monotonic_ns() - round(ENTRY_SECONDS * 1e9)
        self._entries = {key: value for key, value in self._entries.items() if value[0] >= oldest}
        self._queryable = {key: value for key, value in self._queryable.items() if value[0] >= oldest}


Resolve = Callable[[Iterable[str]], Resolution]

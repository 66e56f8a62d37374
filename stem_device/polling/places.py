"""One database, or one machine of servers without a database: what target strings mean there.

Each place is looked up by a job of its own, so that one that hangs delays and hides nothing of the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from msgspec import Struct

from stem_device.errors import TargetDatabaseError, TargetError, TargetUnreachableError
from stem_device.model.clock import Clock
from stem_device.polling.directory import Directory, Entry
from stem_device.polling.names import TargetName, full_name
from stem_device.polling.relays import Candidate, Relays, RunAll

logger = logging.getLogger(__name__)

ENTRY_SECONDS = 600.0
"""How long it is remembered which server a device belongs to, so that a wildcard costs one query. With half
of it, a database of 10,000 devices is asked for each of them twice as often; with twice as much, a device
that moved to another server is missed for twice as long."""

UNTIL_THEN = "until it does no new servers are found; known ones are still monitored"
STILL = "what was found before is still monitored, until the target is removed"

Found = Candidate | str
"""A device, or the path of what is known to be a target."""


class Problem(Struct, frozen=True):
    """Why a target string means nothing, or not all. ``retry``: that may be other soon."""

    text: str
    retry: bool


def name_key(directory: Directory, host: str, *, database: bool) -> str:
    """What is the same for all names of one database, or of one server without. Raises TargetError."""
    return directory.identity(host) if database else f"address {directory.address(host)}"


class Place:
    """``host:port`` of a database, or of a server without one. ``name_key`` is the same for all its names.

    ``look_up`` is for one thread at a time; the others read what it has found so far. ``changed`` is called
    when that is more than before, from any thread.
    """

    def __init__(
        self,
        host: str,
        *,
        database: bool,
        directory: Directory,
        clock: Clock,
        run_all: RunAll,
        changed: Callable[[], None],
    ) -> None:
        self.host = host
        self.database = database
        self.name_key = ""
        self.busy = False
        self._directory = directory
        self._clock = clock
        self._relays = Relays(directory, clock, run_all, ENTRY_SECONDS, changed)
        self._targets: dict[str, TargetName] = {}
        self._found: dict[str, tuple[Found, ...]] = {}
        self._problems: dict[str, Problem] = {}
        self._pending: set[str] = set()
        self._entries: dict[str, tuple[int, Entry]] = {}

    def take(self, targets: Mapping[str, TargetName]) -> None:
        """Look these up from now on; what was known of others is forgotten."""
        begun = self._pending | (targets.keys() - self._targets.keys())
        self._pending = begun & targets.keys() if self.busy else set(targets)
        self._targets = dict(targets)
        self._found = {text: found for text, found in self._found.items() if text in targets}
        self._problems = {text: problem for text, problem in self._problems.items() if text in targets}

    def paths(self, target: str) -> tuple[str, ...]:
        """The paths of the targets that a target string means, as far as it is known."""
        return tuple(
            self._path(one)
            for one in self._found.get(target, ())
            if isinstance(one, str) or not self._relays.is_awaited(one)
        )

    def problem(self, target: str) -> Problem | None:
        """What is wrong with a target string, if anything is."""
        if target in self._pending and target not in self._problems:
            return Problem(f"{self} has not answered yet; {UNTIL_THEN}", retry=True)
        return self._problems.get(target) or self._awaited(target)

    def look_up(self) -> None:
        """Look all targets up, now. Takes as long as the place takes; raises nothing."""
        self._forget_old()
        for text, name in tuple(self._targets.items()):
            problem = self._look(text, name)
            if problem is None:
                self._problems.pop(text, None)
            else:
                self._problems[text] = problem
            self._pending.discard(text)
        found = [one for text in self._targets for one in self._found.get(text, ())]
        self._relays.look_at(one for one in found if isinstance(one, Candidate))

    def __str__(self) -> str:
        return f"the database {self.host}" if self.database else f"the server at {self.host}"

    def _awaited(self, target: str) -> Problem | None:
        """Who is not monitored yet since it has to say first what its devices are."""
        found = [one for one in self._found.get(target, ()) if isinstance(one, Candidate)]
        servers = tuple(dict.fromkeys(one.server for one in found if self._relays.is_awaited(one)))
        if not servers:
            return None
        more = f" (nor have {len(servers) - 1} more)" if len(servers) > 1 else ""
        return Problem(f"{servers[0]} has not answered yet{more}; the others are monitored", retry=True)

    def _look(self, text: str, name: TargetName) -> Problem | None:
        try:
            self._found[text] = self._meaning(text, name)
        except TargetDatabaseError as error:
            return Problem(f"{error}; {UNTIL_THEN}", retry=True)
        except TargetUnreachableError as error:
            return Problem(str(error), retry=True)
        except TargetError as error:
            # A database that was restored, replaced or emptied says the same: no server is forgotten.
            kept = bool(self._found.get(text))
            return Problem(f"{error}; {STILL}" if kept else str(error), retry=kept)
        except Exception as error:  # a task boundary: looking up must go on, whatever went wrong once
            logger.exception("Looking up %r failed unexpectedly", text)
            return Problem(f"looking up {text} failed, {type(error).__name__}: {error}"[:300], retry=True)
        return None

    def _meaning(self, text: str, name: TargetName) -> tuple[Found, ...]:
        if not self.name_key:
            self.name_key = name_key(self._directory, self.host, database=self.database)
        if not self.database:
            return (self._without_database(name),)
        if name.is_pattern:
            return self._matching(name.path)
        device = self._device_of_alias(name.path) if name.is_alias else name.path
        entry = self._directory.entry(self.host, device)
        if entry is None:
            raise TargetError(text, f"{self} knows no such device; correct the name, or register the device")
        return (Candidate(self.host, device, entry),)

    def _matching(self, pattern: str) -> tuple[Found, ...]:
        found: list[Found] = []
        for device in self._directory.matching(self.host, pattern):
            if device.startswith("dserver/"):
                found.append(device)
            elif (entry := self._entry(device)) is not None:
                found.append(Candidate(self.host, device, entry))
        if not found:
            raise TargetError(
                f"tango://{self.host}/{pattern}",
                "no device in the database matches; correct the pattern, or register devices",
            )
        return tuple(found)

    def _device_of_alias(self, alias: str) -> str:
        device = self._directory.device_of_alias(self.host, alias)
        if device is None:
            raise TargetError(alias, f"{self} knows no such alias; correct the name")
        return device

    def _entry(self, device: str) -> Entry | None:
        """As the directory says, or said a while ago."""
        if device in self._entries:
            return self._entries[device][1]
        entry = self._directory.entry(self.host, device)
        if entry is not None:
            self._entries[device] = (self._clock.monotonic_ns(), entry)
        return entry

    def _without_database(self, name: TargetName) -> str:
        given = full_name(self.host, name.path, database=False)
        if name.is_admin or self._directory.has_query(given):
            return name.path
        return self._directory.admin_without_database(given)

    def _path(self, found: Found) -> str:
        if isinstance(found, str):
            return found
        if not self._relays.is_known(found):
            # Look it up again next time: the server may run by then, and have such a device.
            self._entries.pop(found.device, None)
        return found.device if self._relays.is_relay(found) else found.entry.admin

    def _forget_old(self) -> None:
        """Look again now and then: devices move to other servers."""
        oldest = self._clock.monotonic_ns() - round(ENTRY_SECONDS * 1e9)
        self._entries = {key: value for key, value in tuple(self._entries.items()) if value[0] >= oldest}

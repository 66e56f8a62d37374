"""Which devices are targets of their own: those that have the command QueryEventSystem themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from msgspec import Struct

from stem_device.errors import TargetError
from stem_device.model.clock import Clock
from stem_device.polling.directory import Directory, Entry
from stem_device.polling.names import full_name

Jobs = Sequence[Callable[[], None]]
RunAll = Callable[[Jobs], None]
"""Runs jobs, side by side or one after the other, and returns when they are done or after a limit."""


class Candidate(Struct, frozen=True):
    """A device that a target string means, as its database knows it."""

    host: str
    device: str
    entry: Entry

    @property
    def server(self) -> str:
        """Full name of its admin device."""
        return full_name(self.host, self.entry.admin)

    @property
    def is_admin(self) -> bool:
        return self.device == self.entry.admin

    @property
    def kind(self) -> tuple[str, str]:
        """One device of a class tells for all of that class in its server."""
        return (self.server, self.entry.class_name)


class Relays:
    """Remembers for ``period_seconds`` what the classes of a server can. A server that does not answer
    leaves what was known of it as it was; what was never known counts as no relay until it is.

    ``changed`` is called when servers begin to be awaited, and whenever one of them has told what its devices
    are, from any thread.
    """

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        run_all: RunAll,
        period_seconds: float,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._run_all = run_all
        self._period_ns = round(period_seconds * 1e9)
        self._known: dict[tuple[str, str], tuple[int, bool]] = {}
        self._asking: set[str] = set()
        self._late: set[str] = set()
        self._changed = changed
        self._looking = False

    def look_at(self, candidates: Iterable[Candidate]) -> None:
        """Ask the running servers whose classes are not known, each server in a job of its own."""
        oldest = self._clock.monotonic_ns() - self._period_ns
        kinds: dict[tuple[str, str], Candidate] = {}
        servers: dict[str, list[Candidate]] = {}
        for candidate in candidates:
            if candidate.is_admin or candidate.kind in kinds:
                continue
            kinds[candidate.kind] = candidate
            known = self._known.get(candidate.kind)
            if candidate.entry.exported and (known is None or known[0] < oldest):
                servers.setdefault(candidate.server, []).append(candidate)
        self._known = {kind: value for kind, value in list(self._known.items()) if kind in kinds}
        jobs = [
            partial(self._ask, server, group)
            for server, group in servers.items()
            if server not in self._asking
        ]
        self._asking.update(servers)
        self._looking = True
        if jobs:
            self._changed()
        self._run_all(jobs)
        self._looking = False
        self._late = {one.server for kind, one in kinds.items() if kind not in self._known}

    def is_known(self, candidate: Candidate) -> bool:
        return candidate.is_admin or candidate.kind in self._known

    def is_awaited(self, candidate: Candidate) -> bool:
        """Whether its server is being asked for the first time, so that it is soon known what it is.

        One that did not say so in time once is a target, and stays one while it is asked again.
        """
        server = candidate.server
        asked = self._looking and server in self._asking and server not in self._late
        return asked and not self.is_known(candidate)

    def is_relay(self, candidate: Candidate) -> bool:
        """Whether this device is to be asked itself, instead of its server's admin device."""
        return not candidate.is_admin and self._known.get(candidate.kind, (0, False))[1]

    def _ask(self, server: str, group: Sequence[Candidate]) -> None:
        """Ask one device of each class of one server; a server that does not answer is not asked on."""
        try:
            for candidate in group:
                has = self._directory.has_query(full_name(candidate.host, candidate.device))
                self._known[candidate.kind] = (self._clock.monotonic_ns(), has)
        except TargetError:
            return  # what is not known now is asked in the next round
        finally:
            self._asking.discard(server)
            self._changed()

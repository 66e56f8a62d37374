"""From target strings to the servers they mean: each once, under one name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from msgspec import Struct

from stem_device.errors import TargetError, TargetUnreachableError
from stem_device.model.clock import Clock
from stem_device.polling.directory import Directory
from stem_device.polling.following import Publishers, look_up_publishers
from stem_device.polling.names import TargetName, full_name, parse_target
from stem_device.polling.places import Place, Problem, name_key
from stem_device.polling.relays import RunAll


class Resolution(Struct, frozen=True):
    """What the target strings mean now.

    ``targets`` are full names in lower case, in the order in which they were named; ``problems`` sentences.
    ``complete`` says that everything could be looked up, so that there is no reason to try again soon.
    """

    targets: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    complete: bool = True


Tell = Callable[[Resolution], None]
Resolve = Callable[[Iterable[str], Tell], Resolution]
Wanted = dict[str, Place | Problem]
"""Each target string, and where it is looked up, or why it cannot be."""


def run_one_by_one(jobs: Sequence[Callable[[], None]]) -> None:
    """The simplest way to run jobs."""
    for job in jobs:
        job()


class Resolver:
    """Looks target strings up, and remembers what it knew of them, for when a database is down.

    Not for several threads at once. ``run_places`` and ``run_all`` run jobs that may hang, side by side, and
    return when all are done or after a limit: the first one job for each database or machine, which starts
    jobs by the second, one for each server.
    """

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        run_all: RunAll = run_one_by_one,
        run_places: RunAll = run_one_by_one,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._run_all = run_all
        self._run_places = run_places
        self._places: dict[tuple[str, bool], Place] = {}
        self._host_by_key: dict[str, str] = {}
        self._key_by_host: dict[tuple[str, bool], str] = {}
        self._default_host = ""
        self._latest: tuple[Wanted, Tell | None] = ({}, None)

    def resolve(self, targets: Iterable[str], tell: Tell | None = None) -> Resolution:
        """Look all of them up, now. Takes no longer than ``run_places`` waits; raises nothing.

        ``tell`` gets what is known so far, whenever that is more than before, from any thread.
        """
        wanted: Wanted = {}
        by_place: dict[Place, dict[str, TargetName]] = {}
        for text in dict.fromkeys(target.strip() for target in targets):
            try:
                name = parse_target(text)
                place = self._place(name)
            except TargetError as error:
                wanted[text] = Problem(str(error), retry=isinstance(error, TargetUnreachableError))
            else:
                wanted[text] = place
                by_place.setdefault(place, {})[text] = name
        self._places = {key: place for key, place in self._places.items() if place in by_place}
        for place, names in by_place.items():
            place.take(names)
        self._latest = (wanted, tell)
        idle = [place for place in by_place if not place.busy]
        for place in idle:
            place.busy = True
        self._run_places([partial(self._look_up, place) for place in idle])
        return self._resolution(wanted, keep=True)

    def publishers(self, names: frozenset[str]) -> Publishers:
        """The publishers that subscribers name, each under its one name."""
        return look_up_publishers(names, self._one_host, self._run_all)

    def _tell(self) -> None:
        wanted, tell = self._latest
        if tell is not None:
            tell(self._resolution(wanted, keep=False))

    def _look_up(self, place: Place) -> None:
        try:
            place.look_up()
        finally:
            place.busy = False
            self._tell()

    def _place(self, name: TargetName) -> Place:
        host = name.host or self._default()
        key = (host, name.database)
        if key not in self._places:
            self._places[key] = Place(
                host,
                database=name.database,
                directory=self._directory,
                clock=self._clock,
                run_all=self._run_all,
                changed=self._tell,
            )
        return self._places[key]

    def _default(self) -> str:
        """The default database; where TANGO_HOST names several and none answers, the one that did last."""
        try:
            self._default_host = self._directory.default_host()
        except TargetError:
            if not self._default_host:
                raise
        return self._default_host

    def _resolution(self, wanted: Wanted, *, keep: bool) -> Resolution:
        """What is known so far; ``keep``: the names that hosts have in it are theirs from now on."""
        hosts = self._host_by_key if keep else dict(self._host_by_key)
        names: dict[str, None] = {}
        problems: dict[str, None] = {}
        complete = True
        for text, place in wanted.items():
            problem = place if isinstance(place, Problem) else place.problem(text)
            if problem is not None:
                problems[problem.text] = None
                complete = complete and not problem.retry
            if isinstance(place, Problem):
                continue
            # The first name under which the same database was seen.
            host = hosts.setdefault(place.name_key, place.host) if place.name_key else place.host
            for path in place.paths(text):
                names[full_name(host, path, database=place.database)] = None
        return Resolution(targets=tuple(names), problems=tuple(problems), complete=complete)

    def _one_host(self, name: TargetName) -> str:
        """The one name of a publisher's database, or machine: once known it is, also in an outage."""
        place = (name.host, name.database)
        if place not in self._key_by_host:
            self._key_by_host[place] = name_key(self._directory, name.host, database=name.database)
        return self._host_by_key.setdefault(self._key_by_host[place], name.host)

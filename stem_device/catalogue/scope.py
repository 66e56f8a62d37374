"""What a quantity is told of: each scope gives its rows, with the values of their labels."""

from __future__ import annotations

import enum
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple, TypeVar

import numpy as np
from msgspec import Struct, structs

from stem_device.analysis.worst import badness_of, worst_first
from stem_device.catalogue.monitor_state import MonitorState
from stem_device.model.finding import Finding
from stem_device.model.poll import PHASES, ServerState
from stem_device.model.rows import SteadyRows
from stem_device.model.snapshot import Counts, ServerRecord, Snapshot, StreamRecord, SubscriptionRecord
from stem_device.model.topics import local_name
from stem_device.telemetry import DURATION_FILE_PREFIX
from stem_device.telemetry.names import HALTS

Labels = tuple[str, ...]
Row = tuple[Labels, Any]
_Record = TypeVar("_Record", StreamRecord, SubscriptionRecord)

MAX_SUBSCRIPTIONS = 1000
"""Subscriptions told one by one while only those are wanted that lose or wait: the worst of them.

Each is a dozen series; a database that every receiver of a large system has filled with its losses would be
no help to anybody. ``subscriptions_not_shown`` counts the others, and all sums contain them.
"""


@enum.unique
class Scope(enum.Enum):
    """What there is a row of; the value has the names of its labels."""

    MONITOR = ""
    STATE = "state"
    PHASE = "phase"
    CAUSE = "concern cause"
    OUTLET = "outlet"
    MARK = "run mark"
    LINK = "publisher endpoint"
    CANARY = "device name event"
    SERVER = "server"
    SERVER_ABOUT = "server tango_version failure"
    PUBLISHER = "publisher"
    SUBSCRIBER = "subscriber"
    STREAM = "publisher stream device name"
    SUBSCRIPTION = "subscriber publisher stream device name"
    FINDING = "subscriber publisher stream device name cause likely standing"
    BUILD = "version python"
    TIMED = "label"
    HALT = "halt"
    PROCESS = "directory pid"
    USER = "metric host process"
    """Of metrics of users, which have labels of their own."""

    def __init__(self, names: str) -> None:
        # Text, as Python 3.11.2 of Debian 12 takes an empty tuple for another value.
        self.labels: Labels = tuple(names.split())
        """Names of the labels."""


class Details(enum.StrEnum):
    """Which subscriptions and streams are told one by one; the sums by server are told in any case."""

    LOSING = "losing"
    ALL = "all"


class Told(NamedTuple):
    """One poll as the catalogue sees it; ``monitor`` is None where only the Snapshot is known."""

    snapshot: Snapshot
    monitor: MonitorState | None = None
    details: Details = Details.LOSING


class ServerRow(Struct, frozen=True):
    """One server: ``number`` is its index in the Snapshot, ``listeners`` subscriptions depend on it."""

    told: Told
    number: int
    record: ServerRecord
    listeners: int

    @property
    def counts(self) -> Counts | None:
        """None for one that never answered: nothing is known of what it counted."""
        return None if self.record.age_seconds is None else self.record.counts


def rows_of(told: Told) -> Callable[[Scope], list[Row]]:
    """The rows of each scope; each is made once, when it is asked for."""
    made: dict[Scope, list[Row]] = {}

    def rows(scope: Scope) -> list[Row]:
        if scope not in made:
            made[scope] = list(_MAKERS[scope](told, rows))
        return made[scope]

    return rows


Rows = Callable[[Scope], list[Row]]


def _monitor(told: Told, _: Rows) -> Iterator[Row]:
    yield (), told


def _states(told: Told, _: Rows) -> Iterator[Row]:
    found = Counter(server.state for server in told.snapshot.servers if not server.followed)
    return (((str(state),), found[state]) for state in ServerState)


def _phases(told: Told, _: Rows) -> Iterator[Row]:
    seconds = structs.astuple(told.snapshot.phases)
    return (((phase,), value) for phase, value in zip(PHASES, seconds, strict=True))


def _causes(told: Told, _: Rows) -> Iterator[Row]:
    found = Counter((str(one.concern), str(one.cause)) for one in told.snapshot.findings)
    return iter(found.items())


def _outlets(told: Told, _: Rows) -> Iterator[Row]:
    return (((one.name,), one) for one in told.snapshot.outlets)


def _marks(told: Told, _: Rows) -> Iterator[Row]:
    return (((one.run, one.name), one) for one in (told.monitor.marks if told.monitor else ()))


def _links(told: Told, _: Rows) -> Iterator[Row]:
    return (((one.publisher, one.endpoint), one) for one in (told.monitor.links if told.monitor else ()))


def _canaries(told: Told, _: Rows) -> Iterator[Row]:
    for one in told.monitor.canaries if told.monitor else ():
        yield (*device_and_name(f"{one.attribute}.{one.event}"), one.event), one


def _servers(told: Told, _: Rows) -> Iterator[Row]:
    listeners = Counter(
        row.publisher.lower()
        for server in told.snapshot.servers
        for row in what_stays(server.subscriptions)
        if not row.ended
    )
    for number, server in enumerate(told.snapshot.servers):
        yield (server.name,), ServerRow(told, number, server, listeners[server.name.lower()])


def _about(told: Told, _: Rows) -> Iterator[Row]:
    return (
        ((server.name, server.tango_version, str(server.failure)), server) for server in told.snapshot.servers
    )


def _publishers(_: Told, rows: Rows) -> Iterator[Row]:
    return (row for row in rows(Scope.SERVER) if row[1].counts is not None)


def _subscribers(_: Told, rows: Rows) -> Iterator[Row]:
    return (row for row in rows(Scope.PUBLISHER) if not row[1].record.followed)


def _subscriptions(told: Told, _: Rows) -> Iterator[Row]:
    every: Iterable[tuple[str, SubscriptionRecord]] = _subscriptions_of(told.snapshot)
    if told.details is Details.LOSING:
        every = worst_first(
            losing(told.snapshot), lambda one: badness_of(one[1]), lambda one: (one[0], one[1].topic)
        )[:MAX_SUBSCRIPTIONS]
    merged: dict[Labels, SubscriptionRecord] = {}
    for server, row in every:
        labels = (server, row.publisher.lower(), row.stream, *device_and_name(row.stream))
        known = merged.get(labels)
        merged[labels] = row if known is None else _together(known, row)
    return iter(merged.items())


def _subscriptions_of(snapshot: Snapshot) -> Iterator[tuple[str, SubscriptionRecord]]:
    return ((server.name, row) for server in snapshot.servers for row in server.subscriptions)


def what_stays(rows: Sequence[_Record]) -> Sequence[_Record]:
    """The rows, for what does not move while they simply go on; no record is made for it."""
    return rows.standing.records if isinstance(rows, SteadyRows) else rows


def losing(snapshot: Snapshot) -> list[tuple[str, SubscriptionRecord]]:
    """Every subscription that lost events or waits for them, with the name of its server."""
    return [
        (server.name, row)
        for server in snapshot.servers
        if any(map(_loses, what_stays(server.subscriptions)))
        for row in server.subscriptions
        if _loses(row)
    ]


def _loses(row: SubscriptionRecord) -> bool:
    """Whether a subscription lost events, or waits for them. Not known is neither."""
    return bool(row.missed_total or row.unaccounted_total or row.missed_before or row.overdue or row.cause)


def _together(one: SubscriptionRecord, other: SubscriptionRecord) -> SubscriptionRecord:
    """Two topics of one stream (two IDL levels) in one server, as one; what one does not tell is unknown."""
    lags = [row.lag_seconds for row in (one, other)]
    overdue = [row.overdue for row in (one, other)]
    return structs.replace(
        one,
        **{name: _sum(getattr(one, name), getattr(other, name)) for name in _SUMMED},
        missed_at_least=one.missed_at_least or other.missed_at_least,
        overdue=None if None in overdue else sum(known for known in overdue if known),
        lag_seconds=None if None in lags else max(known for known in lags if known is not None),
        ended=one.ended and other.ended,
        cause=one.cause or other.cause,
    )


_SUMMED = (
    "received_total",
    "missed_total",
    "unaccounted_total",
    "missed_before",
    "unobserved_total",
    "gaps_total",
    "discarded_total",
    "resets_total",
    "blind_seconds",
)


def _sum(one: float | None, other: float | None) -> float | None:
    """None where one is: recordings of older formats do not have all numbers."""
    return None if one is None or other is None else one + other


def _streams(told: Told, rows: Rows) -> Iterator[Row]:
    """All, or those of the subscriptions that are told."""
    wanted = {(labels[1], labels[2]) for labels, _ in rows(Scope.SUBSCRIPTION)}
    everything = told.details is Details.ALL
    merged: dict[Labels, StreamRecord] = {}
    for server in told.snapshot.servers:
        for number, stays in enumerate(what_stays(server.streams)):
            name = stays.name
            if everything or (server.name.lower(), name.lower()) in wanted:
                merged[server.name, name, *device_and_name(name)] = server.streams[number]
    return iter(merged.items())


def _findings(told: Told, rows: Rows) -> Iterator[Row]:
    shown = {labels for labels, _ in rows(Scope.SUBSCRIPTION)}
    found: dict[Labels, Finding] = {}
    for one in told.snapshot.findings:
        labels = (one.server, one.publisher.lower(), one.stream, *device_and_name(one.stream))
        if labels in shown:
            likely = "true" if one.likely else "false"
            found[(*labels, str(one.cause), likely, str(one.standing))] = one
    return iter(found.items())


def _build(_told: Told, _rows: Rows) -> Iterator[Row]:
    yield _BUILD, None


def _timed(told: Told, _: Rows) -> Iterator[Row]:
    """By label of what processes timed: seconds of the measurements that came with this poll."""
    return _seconds(told, lambda kind, _: kind == DURATION_FILE_PREFIX)


def _halts(told: Told, _: Rows) -> Iterator[Row]:
    return _seconds(told, lambda kind, label: kind != DURATION_FILE_PREFIX and label.startswith(HALTS))


def _seconds(told: Told, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    rows = told.snapshot.telemetry
    places: dict[str, list[int]] = {}
    for place, (kind, label) in enumerate(zip(rows.kind, rows.label, strict=True)):
        if wanted(kind, label):
            places.setdefault(label, []).append(place)
    for label, own in places.items():
        values = rows.value[own]
        yield (label,), values[np.isfinite(values)]


def _processes(told: Told, _: Rows) -> Iterator[Row]:
    return (((one.directory, str(one.pid)), one) for one in (told.monitor.processes if told.monitor else ()))


_BUILD = (version("stem-device"), platform.python_version())


_MAKERS: dict[Scope, Callable[[Told, Rows], Iterable[Row]]] = {
    Scope.MONITOR: _monitor,
    Scope.STATE: _states,
    Scope.PHASE: _phases,
    Scope.CAUSE: _causes,
    Scope.OUTLET: _outlets,
    Scope.MARK: _marks,
    Scope.CANARY: _canaries,
    Scope.LINK: _links,
    Scope.SERVER: _servers,
    Scope.SERVER_ABOUT: _about,
    Scope.PUBLISHER: _publishers,
    Scope.SUBSCRIBER: _subscribers,
    Scope.STREAM: _streams,
    Scope.SUBSCRIPTION: _subscriptions,
    Scope.FINDING: _findings,
    Scope.BUILD: _build,
    Scope.TIMED: _timed,
    Scope.HALT: _halts,
    Scope.PROCESS: _processes,
}


def device_and_name(stream: str) -> tuple[str, str]:
    """``sys/tg_test/1`` and ``double_scalar`` of ``tango://host:port/sys/tg_test/1/double_scalar.change``.

    The name is empty where the event is one of the device, both are where it is no stream.
    """
    parts = local_name(stream).rpartition(".")[0].split("/")
    if len(parts) not in {3, 4}:
        return "", ""
    return "/".join(parts[:3]), parts[3] if len(parts) == 4 else ""

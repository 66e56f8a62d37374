"""Back from columns to Snapshots, a block of polls at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Struct, structs

from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import Failure, Identity, PollPhases, ServerState, TapFigures
from stem_device.model.reply import NotConnected
from stem_device.model.snapshot import (
    NO_METRICS,
    NO_TELEMETRY,
    NONE_DEPARTED,
    Counts,
    Link,
    MetricRows,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriberSamples,
    SubscriptionRecord,
    TelemetryRows,
    Timings,
    Unseen,
)
from stem_device.reading.archive import Integers
from stem_device.reading.rows import PartRows, replies, rows_of
from stem_device.reading.selection import Flags, Selected
from stem_device.reading.user_metrics import metric_rows, metric_series
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind

_BLOCK_ROWS = 50_000
"""So many rows of all tables make a block, unless a single poll has more."""
_TABLES = {table.name: table for table in (spec.POLLS, *spec.ROW_TABLES)}
_Record = TypeVar("_Record", bound=Struct)
_Make = Callable[[Any], Any]
_SERVER_MAKES: dict[str, _Make] = {
    "state": ServerState,
    "failure": Failure,
    "event_endpoints": lambda text: tuple(text.split()),
    "heartbeat_endpoints": lambda text: tuple(text.split()),
}
_NESTED_MAKES: dict[str, _Make] = {"channels": dict, "tap": lambda own: own[0] if own else None}
"""What the rows of a server become, where not a tuple."""
_NOT_TOLD = Counts(*[None] * len(Counts.__struct_fields__))  # type: ignore[arg-type]
"""Sums of servers that left, in files that do not tell them."""


def snapshots_of(selected: Selected, part: int, polls: Flags) -> Iterator[Snapshot]:
    """The Snapshots of those polls of a part that are True, in order. Raises UnreadableRecordingError."""
    file = selected.archive.parts[part]
    for block in file.steadily(lambda: list(_blocks(selected, part, polls))):
        yield from file.steadily(lambda block=block: _Block(selected, part, block).snapshots())  # type: ignore[misc]


def _blocks(selected: Selected, part: int, polls: Flags) -> Iterator[Flags]:
    """``polls`` in pieces."""
    ends = np.sum([selected.archive.ends(part, table.name) for table in spec.ROW_TABLES], axis=0)
    rows = np.diff(ends, prepend=0) * polls
    numbers = np.cumsum(rows) // _BLOCK_ROWS
    for number in np.unique(numbers[polls]):
        yield polls & (numbers == number)


def _known_phases(found: PollPhases) -> PollPhases:
    return PollPhases(*(math.nan if seconds is None else seconds for seconds in structs.astuple(found)))


class _Rows:
    """Rows of one table in a block; ``positions`` are those of their polls in the block."""

    def __init__(self, rows: PartRows, polls: Integers, poll_numbers: Integers) -> None:
        self._rows = rows
        self._columns = {column.source or column.name: column for column in _TABLES[rows.table].columns}
        self.positions = np.searchsorted(polls, rows.polls())
        self.ends = np.searchsorted(self.positions, np.arange(len(polls) + 1))
        if not np.array_equal(rows.values("poll"), poll_numbers[self.positions]):
            # The format says which rows belong to a poll; while a file grows they may be overwritten.
            raise rows.archive.parts[rows.part].damaged(f"entry/{rows.table} has rows of other polls")

    def __contains__(self, source: str) -> bool:
        return source in self._columns

    def values(self, source: str) -> npt.NDArray[Any]:
        """Numbers or flags of the column that comes from attribute ``source``."""
        column = self._columns[source]
        values = self._rows.values(column.name)
        return values != 0 if column.kind is Kind.FLAG else values

    def codes(self, source: str) -> npt.NDArray[np.int32]:
        return self._rows.codes(self._columns[source].name)

    def items(self, source: str) -> list[Any]:
        """As Python objects; what is missing is None."""
        column = self._columns[source]
        if column.kind is Kind.NAME:
            names: list[Any] = self._rows.archive.texts(self.codes(source)).tolist()
            return names
        if not self._rows.knows(column.name):
            return [None] * len(self._rows)
        items: list[Any] = self.values(source).tolist()
        if column.nullable:
            return [None if _is_missing(column, item) else item for item in items]
        return items

    def records(
        self, kind: type[_Record], prefix: str = "", makes: Mapping[str, _Make] = {}
    ) -> list[_Record]:
        """One record a row; every field must have a column. ``makes`` has what some items become."""
        columns = (
            self.items(f"{prefix}{field}")
            if field not in makes
            else [None if item is None else makes[field](item) for item in self.items(f"{prefix}{field}")]
            for field in kind.__struct_fields__
        )
        return list(map(kind, *columns))

    def by_server(self, items: Sequence[Any]) -> dict[tuple[int, int], list[Any]]:
        """``items``, one a row, by position of the poll and code of the server."""
        codes = self.codes("server")
        changes = (np.diff(self.positions, prepend=-1) != 0) | (np.diff(codes, prepend=-2) != 0)
        edges = np.append(np.flatnonzero(changes), len(codes)).tolist()
        groups: dict[tuple[int, int], list[Any]] = {}
        for begin, end in pairwise(edges):
            key = (int(self.positions[begin]), int(codes[begin]))
            groups.setdefault(key, []).extend(items[begin:end])
        return groups

    def replies(self) -> list[str]:
        return replies(self._rows)


class _Block:
    """The polls of one block, with their rows of all tables."""

    def __init__(self, selected: Selected, part: int, polls: Flags) -> None:
        self._archive = selected.archive
        self._part = part
        numbers = np.flatnonzero(polls)
        polls_rows = rows_of(selected, part, "polls", polls)
        poll_numbers = polls_rows.values("poll")
        self._count = len(numbers)
        self._tables = {
            name: _Rows(rows_of(selected, part, name, polls), numbers, poll_numbers) for name in _TABLES
        }

    def snapshots(self) -> list[Snapshot]:
        polls = self._tables["polls"]
        plain = {field.name: polls.items(field.name) for field in fields(Snapshot) if field.name in polls}
        counts, timings = polls.records(Counts, "counts."), polls.records(Timings, "timings.")
        phases = list(map(_known_phases, polls.records(PollPhases, "phases.")))
        departed = self._departed()
        problems = self._tables["problems"]
        texts, ends = problems.items("problem"), problems.ends
        outlets = self._tables["outlets"]
        health, health_ends = outlets.records(OutletHealth), outlets.ends
        servers = self._servers()
        publisher, subscriber = self._publisher_samples(), self._subscriber_samples()
        telemetry, metrics = self._telemetry(), self._metrics()
        return [
            Snapshot(
                counts=counts[poll],
                timings=timings[poll],
                phases=phases[poll],
                departed=departed[poll],
                servers=tuple(servers[poll]),
                publisher_samples=publisher[poll],
                subscriber_samples=subscriber[poll],
                problems=tuple(texts[ends[poll] : ends[poll + 1]]),
                telemetry=telemetry[poll],
                metrics=metrics[poll],
                outlets=tuple(health[health_ends[poll] : health_ends[poll + 1]]),
                **{field: values[poll] for field, values in plain.items()},
            )
            for poll in range(self._count)
        ]

    def _departed(self) -> list[Counts]:
        """Of each poll."""
        rows = self._tables["departed"]
        if self._archive.parts[self._part].version < spec.DEPARTED.since:
            return [_NOT_TOLD] * self._count
        found = dict(zip(rows.positions.tolist(), rows.records(Counts, "departed."), strict=True))
        return [found.get(poll, NONE_DEPARTED) for poll in range(self._count)]

    def _servers(self) -> list[list[ServerRecord]]:
        """Of each poll."""
        rows = self._tables["servers"]
        nested = self._nested()
        columns = {
            field: rows.items(field)
            for field in ServerRecord.__struct_fields__
            if field not in nested and field not in ("counts", "identity")
        }
        for field, make in _SERVER_MAKES.items():
            columns[field] = [None if item is None else make(item) for item in columns[field]]
        columns["counts"] = rows.records(Counts, "counts.")
        columns["identity"] = rows.records(Identity, "identity.")
        keys = list(zip(rows.positions.tolist(), rows.codes("name").tolist(), strict=True))
        for field, groups in nested.items():
            make = _NESTED_MAKES.get(field, tuple)
            columns[field] = [make(groups.get(key, ())) for key in keys]
        records = list(map(ServerRecord, *(columns[field] for field in ServerRecord.__struct_fields__)))
        return [records[rows.ends[poll] : rows.ends[poll + 1]] for poll in range(self._count)]

    def _nested(self) -> dict[str, dict[tuple[int, int], list[Any]]]:
        """What a server has several of, by field."""
        streams, subscriptions = self._tables["streams"], self._tables["subscriptions"]
        channels, waiting = self._tables["channels"], self._tables["not_connected"]
        texts, taps = self._tables["texts"], self._tables["taps"]
        pairs = list(zip(channels.items("publisher"), channels.items("endpoint"), strict=True))
        return {
            "streams": streams.by_server(streams.records(StreamRecord, makes={"unseen": Unseen})),
            "subscriptions": subscriptions.by_server(
                subscriptions.records(SubscriptionRecord, makes={"link": Link})
            ),
            "channels": channels.by_server(pairs),
            "not_connected": waiting.by_server(waiting.records(NotConnected)),
            "texts": texts.by_server(texts.replies()),
            "tap": taps.by_server(taps.records(TapFigures)),
        }

    def _publisher_samples(self) -> list[PublisherSamples]:
        """Of each poll."""
        rows = self._tables["publisher_samples"]
        servers = self._server_indices(rows)
        since, push = rows.values("micros_since_last_event"), rows.values("push_event_micros")
        return [PublisherSamples(servers[own], since[own], push[own]) for own in self._slices(rows)]

    def _subscriber_samples(self) -> list[SubscriberSamples]:
        """Of each poll."""
        rows = self._tables["subscriber_samples"]
        servers, names = self._server_indices(rows), rows.items("attr_name")
        types = rows.items("event_type")
        columns = {
            column.name: rows.values(column.name)
            for column in spec.SUBSCRIBER_SAMPLES.columns[2:]
            if column.kind is not Kind.NAME
        }
        return [
            SubscriberSamples(
                server=servers[own],
                attr_name=tuple(names[own]),
                event_type=tuple(types[own]),
                **{name: values[own] for name, values in columns.items()},
            )
            for own in self._slices(rows)
        ]

    def _telemetry(self) -> list[TelemetryRows]:
        """Of each poll."""
        rows = self._tables["telemetry"]
        if not len(rows.positions):
            return [NO_TELEMETRY] * self._count
        labels, kinds = rows.items("label"), rows.items("kind")
        numbers = {name: rows.values(name) for name in ("at_utc_ns", "value", "pid")}
        return [
            TelemetryRows(
                label=tuple(labels[own]),
                kind=tuple(kinds[own]),
                **{name: values[own] for name, values in numbers.items()},
            )
            for own in self._slices(rows)
        ]

    def _metrics(self) -> list[MetricRows]:
        """Of each poll."""
        rows = self._tables["metrics"]
        if not len(rows.positions):
            return [NO_METRICS] * self._count
        names = ("name", "labels", "host", "process")
        codes = np.stack([rows.codes(name) for name in names], axis=1)
        _, first, index = np.unique(codes, axis=0, return_index=True, return_inverse=True)
        texts = {name: rows.items(name) for name in names}
        series = [metric_series(*(texts[name][row] for name in names)) for row in first.tolist()]
        at, values = rows.values("at_utc_ns"), rows.values("value")
        return [
            metric_rows(series, index.reshape(-1)[own], at[own], values[own]) for own in self._slices(rows)
        ]

    def _server_indices(self, rows: _Rows) -> Integers:
        """The index of each row's server among those of its poll."""
        servers = self._tables["servers"]
        names, own = servers.codes("name"), rows.codes("server")
        indices = np.full(len(own), -1, dtype=np.int64)
        index_of = np.full(len(self._archive.names) + 1, -1, dtype=np.int64)
        for poll, rows_of_poll in enumerate(self._slices(rows)):
            present = names[servers.ends[poll] : servers.ends[poll + 1]]
            index_of[present] = np.arange(len(present))
            indices[rows_of_poll] = index_of[own[rows_of_poll]]
            index_of[present] = -1
        if (indices < 0).any():
            raise self._archive.parts[self._part].damaged("samples of a server that was not asked")
        return indices

    def _slices(self, rows: _Rows) -> list[slice]:
        """The rows of each poll."""
        return [slice(int(rows.ends[poll]), int(rows.ends[poll + 1])) for poll in range(self._count)]


def _is_missing(column: Column, value: float) -> bool:
    return value == -1 if column.kind is Kind.INTEGER else value != value  # noqa: PLR0124 - NaN

"""From a Snapshot to the rows of each table: one array a column, for all servers together."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import starmap
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stem_device.model.arrays import by_field, flags, floats, integers, small_integers
from stem_device.model.mark import Mark
from stem_device.model.poll import TapFigures
from stem_device.model.reply import NotConnected
from stem_device.model.snapshot import (
    NONE_DEPARTED,
    MetricRows,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriptionRecord,
    TelemetryRows,
)
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind, Table
from stem_device.recording.names import NameIndex, clean
from stem_device.recording.steady_columns import SteadyColumns

Values = npt.NDArray[Any]
Rows = dict[str, Values]
"""Arrays of equal length by column."""

_INT64_RANGE = (-(2**63), 2**63 - 1)


class _Channel(Struct, frozen=True, gc=False):
    publisher: str
    endpoint: str


class RowMaker:
    """Makes the rows of one poll after the other. Keeps the names and the row counts of its file."""

    def __init__(self, started_monotonic_ns: int) -> None:
        self._started_monotonic_ns = started_monotonic_ns
        self._names = NameIndex()
        self._ends = {table.name: 0 for table in spec.TABLES}
        self._streams = SteadyColumns(lambda groups: self._columns(spec.STREAMS, StreamRecord, groups))
        self._subscriptions = SteadyColumns(
            lambda groups: self._columns(spec.SUBSCRIPTIONS, SubscriptionRecord, groups)
        )

    def rows_of(self, snapshot: Snapshot) -> dict[str, Rows]:
        """Rows by table name, in the order in which they are to be written."""
        servers, poll = snapshot.servers, snapshot.poll
        ids = self._numbers([server.name for server in servers])
        made = {
            "servers": self._records(spec.SERVERS, servers, poll),
            "streams": self._of_servers(ids, [s.streams for s in servers], poll, self._streams.of),
            "subscriptions": self._of_servers(
                ids, [s.subscriptions for s in servers], poll, self._subscriptions.of
            ),
            "channels": self._nested(
                spec.CHANNELS,
                _Channel,
                ids,
                [list(starmap(_Channel, s.channels.items())) for s in servers],
                poll,
            ),
            "not_connected": self._nested(
                spec.NOT_CONNECTED, NotConnected, ids, [s.not_connected for s in servers], poll
            ),
            "publisher_samples": self._samples(spec.PUBLISHER_SAMPLES, ids, snapshot.publisher_samples, poll),
            "subscriber_samples": self._samples(
                spec.SUBSCRIBER_SAMPLES, ids, snapshot.subscriber_samples, poll
            ),
            "problems": self._problems(snapshot),
            "departed": self._records(spec.DEPARTED, _departed(snapshot), poll),
            "outlets": self._records(spec.OUTLETS, snapshot.outlets, poll),
            "telemetry": self._telemetry(snapshot.telemetry, poll),
            "metrics": self._metrics(snapshot.metrics, poll),
            "taps": self._nested(
                spec.TAPS, TapFigures, ids, [[s.tap] if s.tap is not None else [] for s in servers], poll
            ),
            **self._texts(ids, servers, poll),
        }
        for table, rows in made.items():
            self._ends[table] += len(next(iter(rows.values())))
        made["polls"] = self._poll(snapshot)
        made["names"] = self._new_names()
        return made

    def rows_of_mark(self, mark: Mark) -> dict[str, Rows]:
        """As ``rows_of``; the names come before what refers to them."""
        row = {
            column.name: self._convert(column, [getattr(mark, column.source)])
            for column in spec.MARKS.columns
        }
        return {"names": self._new_names(), "marks": row}

    def _poll(self, snapshot: Snapshot) -> Rows:
        rows = self._records(spec.POLLS, (snapshot,), snapshot.poll)
        elapsed = (snapshot.monotonic_ns - self._started_monotonic_ns) / 1e9
        rows["time"] = np.array([elapsed])
        for table in spec.ROW_TABLES:
            rows[f"{table.name}_end"] = np.array([self._ends[table.name]])
        return rows

    def _nested(
        self, table: Table, kind: type[Struct], ids: Values, per_server: Sequence[Sequence[Any]], poll: int
    ) -> Rows:
        """Rows of what every server has several of: records whose fields are the columns."""
        return self._of_servers(ids, per_server, poll, lambda groups: self._columns(table, kind, groups))

    def _of_servers(
        self,
        ids: Values,
        per_server: Sequence[Sequence[Any]],
        poll: int,
        columns: Callable[[Sequence[Sequence[Any]]], Mapping[str, Values]],
    ) -> Rows:
        counts = [len(own) for own in per_server]
        head: Rows = {"poll": np.full(sum(counts), poll), "server": np.repeat(ids, counts)}
        return {**head, **columns(per_server)}

    def _columns(
        self, table: Table, kind: type[Struct], per_server: Sequence[Sequence[Any]]
    ) -> dict[str, Values]:
        """Of a table whose rows begin with poll and server, the other columns."""
        values = by_field(kind, per_server)
        return {column.name: self._convert(column, values[column.source]) for column in table.columns[2:]}

    def _samples(self, table: Table, ids: Values, samples: Any, poll: int) -> Rows:
        """Rows of what comes as columns already."""
        rows: Rows = {"poll": np.full(len(samples.server), poll), "server": ids[samples.server]}
        for column in table.columns[2:]:
            values = getattr(samples, column.source)
            rows[column.name] = self._numbers(values) if column.kind is Kind.NAME else values
        return rows

    def _telemetry(self, telemetry: TelemetryRows, poll: int) -> Rows:
        return {
            "poll": np.full(len(telemetry.pid), poll),
            **{
                column.name: self._convert(column, getattr(telemetry, column.source))
                if column.kind is Kind.NAME
                else getattr(telemetry, column.source)
                for column in spec.TELEMETRY.columns[1:]
            },
        }

    def _metrics(self, metrics: MetricRows, poll: int) -> Rows:
        """Names once a series, not once a point: there may be a million points."""
        names: dict[str, list[str | None]] = {
            "name": [one.name for one in metrics.series],
            "labels": [labels_text(one.labels) for one in metrics.series],
            "host": [one.host for one in metrics.series],
            "process": [one.process for one in metrics.series],
        }
        return {
            "poll": np.full(len(metrics.index), poll),
            "at_utc_ns": metrics.at_utc_ns,
            "value": metrics.value,
            **{column: self._numbers(texts)[metrics.index] for column, texts in names.items()},
        }

    def _problems(self, snapshot: Snapshot) -> Rows:
        return {
            "poll": np.full(len(snapshot.problems), snapshot.poll),
            "problem": self._numbers(snapshot.problems),
        }

    def _texts(self, ids: Values, servers: Sequence[ServerRecord], poll: int) -> dict[str, Rows]:
        """Replies of servers that are not monitored: those of the others are in the tables, parsed."""
        owners: list[int] = []
        texts: list[str] = []
        for number, server in zip(ids, servers, strict=True):
            if not server.state.is_counted:
                owners += [number] * len(server.texts)
                texts += server.texts
        data = [clean(text[: spec.MAX_TEXT_CHARACTERS]).encode() for text in texts]
        ends = self._ends["text_bytes"] + np.cumsum([len(piece) for piece in data], dtype=np.int64)
        rows: Rows = {
            "poll": np.full(len(texts), poll),
            "server": np.array(owners, dtype=np.int32),
            "characters": np.array([len(text) for text in texts], dtype=np.int64),
            "end": ends,
        }
        return {"text_bytes": {"data": np.frombuffer(b"".join(data), dtype=np.uint8)}, "texts": rows}

    def _new_names(self) -> Rows:
        new = self._names.take_new()
        return {
            "text": np.array([text for text, _ in new], dtype=Kind.TEXT.value),
            "continues": np.array([continues for _, continues in new], dtype=np.uint8),
        }

    def _records(self, table: Table, records: Sequence[Any], poll: int) -> Rows:
        rows: Rows = {"poll": np.full(len(records), poll)}
        for column in table.columns:
            if column.source:
                rows[column.name] = self._convert(column, list(map(attrgetter(column.source), records)))
        return rows

    def _convert(self, column: Column, values: Sequence[Any]) -> Values:
        if column.kind is Kind.NAME:
            return self._numbers([" ".join(texts) for texts in values] if column.listed else values)
        if column.kind is Kind.FLOAT:
            return floats(values)
        if column.kind is Kind.FLAG:
            return flags(values)
        if column.nullable and values.count(None) == len(values):
            return np.full(len(values), column.missing)
        try:
            return integers(values)
        except struct.error:  # None, or a number that no counter can hold
            return _clipped(values, column.missing)

    def _numbers(self, names: Sequence[str | None]) -> Values:
        if names and names.count(names[0]) == len(names):  # nothing to tell, or the same of all
            return np.full(len(names), self._names[names[0]], np.int32)
        return small_integers([*map(self._names.__getitem__, names)])


def labels_text(labels: tuple[tuple[str, str], ...]) -> str | None:
    """A JSON object; None without labels."""
    return json.dumps(dict(labels), separators=(",", ":")) if labels else None


def _departed(snapshot: Snapshot) -> tuple[Snapshot, ...]:
    """What has a row in the table of that name: hardly ever has a server left with totals."""
    return () if snapshot.departed == NONE_DEPARTED else (snapshot,)


def _clipped(values: Sequence[int | None], missing: int) -> Values:
    """``missing`` for None; of numbers of more than 64 bits the nearest that can be stored."""
    lowest, highest = _INT64_RANGE
    plain = [missing if value is None else min(max(value, lowest), highest) for value in values]
    return np.array(plain, dtype=np.int64)

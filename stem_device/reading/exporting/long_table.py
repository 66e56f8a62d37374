"""Counters and samples as one long table: moment, value, name of the series, process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stem_device.reading.exporting.blocks import Block, Values
from stem_device.reading.rows import PartRows
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind, Table

HEADER = ("Timepoint", "Measurement", "Label", "PID")
"""Nanoseconds since 1970 UTC, a number, the series, and the process where it is known: here nowhere."""

_SERIES: dict[Table, tuple[str, ...]] = {
    spec.POLLS: (),
    spec.SERVERS: ("server",),
    spec.STREAMS: ("server", "stream"),
    spec.SUBSCRIPTIONS: ("server", "topic"),
    spec.PUBLISHER_SAMPLES: ("server",),
    spec.SUBSCRIBER_SAMPLES: ("server", "attr_name"),
}
"""Tables in the long table, and the columns that tell their series apart."""


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of the long table: int64 times, int64 or float64 values without any that is missing, labels."""

    times_utc_ns: Values
    values: Values
    labels: Values


def series_of(block: Block) -> Iterator[Series]:
    """One piece a column and block."""
    for table, keys in _SERIES.items():
        rows = block.rows(table.name)
        if len(rows):
            times, names = block.times_utc_ns(rows), _names(block, rows, keys)
            for column in measured(table):
                yield _piece(rows, table, column, times, names)


def measured(table: Table) -> list[Column]:
    """Columns that are counts, shares, or durations; no numbers of rows or polls, and no moments."""
    return [
        column
        for column in table.columns
        if column.kind in {Kind.INTEGER, Kind.FLOAT}
        and column.units != "ns"
        and column.name not in {"poll", "time"}
        and not column.name.endswith("_end")
    ]


def _piece(rows: PartRows, table: Table, column: Column, times: Values, names: _Names) -> Series:
    values = rows.values(column.name)
    there = ~np.isnan(values) if column.kind is Kind.FLOAT else values != column.missing
    if not rows.knows(column.name):
        there = np.zeros(len(values), np.bool_)
    labels = np.array([f"{table.name}.{column.name}{name}" for name in names.different], dtype=object)
    return Series(times[there], values[there], labels[names.which[there]])


@dataclass(frozen=True, slots=True)
class _Names:
    """`` server stream`` of rows: those that differ, and which of them each row has."""

    different: list[str]
    which: Values


def _names(block: Block, rows: PartRows, keys: tuple[str, ...]) -> _Names:
    if not keys:
        return _Names([""], np.zeros(len(rows), np.int64))
    codes = [rows.codes(key) for key in keys]
    numbers = np.zeros(len(rows), np.int64)
    for one in codes:
        numbers = numbers * (len(block.selected.archive.names) + 1) + one + 1
    _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    texts = [block.selected.archive.texts(one[first]) for one in codes]
    return _Names([" ".join(["", *map(str, names)]) for names in zip(*texts, strict=True)], which)

"""CSV and Parquet: the long table, or every table as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stem_device.errors import MissingExtraError
from stem_device.reading.exporting.blocks import Block, blocks_of
from stem_device.reading.exporting.long_table import HEADER, series_of
from stem_device.reading.exporting.text_file import new_text_file
from stem_device.reading.recording import Recording
from stem_device.reading.rows import PartRows, replies, rows_of
from stem_device.reading.table import TABLES
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind, Table

_SKIPPED = {"end"}
"""Numbers of rows in the file mean nothing outside it."""


def write_csv(recording: Recording, path: Path, progress: Callable[[float], None]) -> int:
    """The long table. Returns how many rows."""
    rows = 0
    with new_text_file(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        for block in blocks_of(recording):
            for one in series_of(block):
                columns = (one.times_utc_ns.tolist(), one.values.tolist(), one.labels, [""] * len(one.values))
                writer.writerows(zip(*columns, strict=True))
                rows += len(one.values)
            progress(block.done)
        text.detach()
    return rows


def write_long_parquet(recording: Recording, path: Path, progress: Callable[[float], None]) -> int:
    """The long table; moments have the type timestamp. Returns how many rows."""
    arrow, parquet = _pyarrow()
    kinds = (arrow.timestamp("ns", "UTC"), arrow.float64(), arrow.string(), arrow.int64())
    schema = arrow.schema(list(zip(HEADER, kinds, strict=True)))
    rows = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for block in blocks_of(recording):
            for one in series_of(block):
                columns = (
                    one.times_utc_ns,
                    one.values.astype(np.float64),
                    one.labels,
                    [None] * len(one.values),
                )
                arrays = [arrow.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
                writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
                rows += len(one.values)
            progress(block.done)
    return rows


def write_parquet_tables(recording: Recording, path: Path, progress: Callable[[float], None]) -> int:
    """A directory with every table in a file of its own. Returns how many rows they have together."""
    arrow, parquet = _pyarrow()
    path.mkdir()
    rows = 0
    for number, table in enumerate(TABLES.values()):
        schema = _schema(arrow, table)
        with parquet.ParquetWriter(path / f"{table.name}.parquet", schema, compression="zstd") as writer:
            for columns in _pieces(recording, table):
                arrays = [_array(arrow, *one) for one in zip(columns, schema, strict=True)]
                writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
                rows += len(arrays[0])
        progress((number + 1) / len(TABLES))
    return rows


def _pieces(recording: Recording, table: Table) -> Iterator[list[Any]]:
    if table is not spec.MARKS:
        for block in blocks_of(recording):
            yield _columns(block, block.rows(table.name), table)
        return
    selected = recording.selected
    for part, flags in enumerate(selected.polls):
        yield _columns(Block(selected, part, flags, 1.0), rows_of(selected, part, table.name), table)


def _columns(block: Block, rows: PartRows, table: Table) -> list[Any]:
    """Values in the order of the schema, masked where there is none."""
    times = rows.values("emitted_utc_ns") if table is spec.MARKS else block.times_utc_ns(rows)
    columns: list[Any] = [np.full(len(rows), block.source, np.int32), times]
    for column in _kept(table):
        if column.kind is Kind.NAME:
            columns.append(block.names(rows, column.name))
            continue
        values = rows.values(column.name)
        if not rows.knows(column.name):
            values = np.ma.masked_array(values, np.ones(len(values), np.bool_))
        elif column.kind is Kind.INTEGER and column.nullable:
            values = np.ma.masked_equal(values, column.missing)
        columns.append(values != 0 if column.kind is Kind.FLAG else values)
    return [*columns, replies(rows)] if table is spec.TEXTS else columns


def _kept(table: Table) -> list[Column]:
    return [
        column for column in table.columns if column.name not in _SKIPPED and not column.name.endswith("_end")
    ]


def _schema(arrow: Any, table: Table) -> Any:
    types = {
        Kind.INTEGER: arrow.int64(),
        Kind.FLOAT: arrow.float64(),
        Kind.FLAG: arrow.bool_(),
        Kind.NAME: arrow.string(),
    }
    fields = [("source", arrow.int32()), ("time_utc", arrow.timestamp("ns", "UTC"))]
    fields += [(column.name, types[column.kind]) for column in _kept(table)]
    return arrow.schema([*fields, *([("text", arrow.string())] if table is spec.TEXTS else [])])


def _array(arrow: Any, values: Any, field: Any) -> Any:
    if isinstance(values, np.ma.MaskedArray):
        return arrow.array(values.data, field.type, mask=np.ma.getmaskarray(values))
    return arrow.array(values, field.type)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow  # noqa: PLC0415 - an optional part
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("parquet", "Parquet") from error
    return pyarrow, pyarrow.parquet

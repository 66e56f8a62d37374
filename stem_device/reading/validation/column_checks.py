"""Checks of the columns as such: there, of the right type, readable, equally long. One generator a check."""

from __future__ import annotations

from collections.abc import Iterator

from stem_device.reading.validation.columns import H5_ERRORS, StoredColumn
from stem_device.reading.validation.finding import Finding, note
from stem_device.reading.validation.stored import StoredFile, is_of_kind, path_of
from stem_device.recording import format as spec
from stem_device.recording.kinds import Kind, Table
from stem_device.recording.layout import ENTRY


def columns(file: StoredFile) -> Iterator[Finding]:
    """Every column is there."""
    for table, name in _expected(file):
        if file.dataset(path_of(table, name)) is None:
            yield Finding("columns", path_of(table, name), "the column is missing, or its header is damaged")


def column_types(file: StoredFile) -> Iterator[Finding]:
    """Columns are one-dimensional and of their type."""
    kinds = {
        path_of(table, column.name): column.kind for table in file.tables for column in file.columns_of(table)
    }
    for path, kind in kinds.items():
        dataset = file.dataset(path)
        if dataset is None:
            continue
        try:
            column = StoredColumn(dataset)
        except H5_ERRORS as error:
            yield Finding("column_types", path, f"its type or shape cannot be read: {error!s:.200}")
            continue
        if not is_of_kind(column, kind):
            found = f"{column.dtype} with {len(column.shape)} dimensions"
            yield Finding("column_types", path, f"is {found}, not {kind.value} with 1")


def column_attributes(file: StoredFile) -> Iterator[Finding]:
    """Columns say their units, that they hold rows of names, and what they are."""
    for table in file.tables:
        for column in file.columns_of(table):
            path = path_of(table, column.name)
            names = f"/{ENTRY}/names/text" if column.kind is Kind.NAME else None
            if file.dataset(path) is None:
                continue
            for attribute, wanted in (("units", column.units or None), ("names", names)):
                found = file.attribute(path, attribute)
                if found != wanted:
                    yield Finding(
                        "column_attributes",
                        path,
                        f"the attribute {attribute} is {found!a:.80}, not {wanted!r}",
                    )
            if not isinstance(file.attribute(path, "description"), str):
                yield Finding("column_attributes", path, "the attribute description is missing")


def chunks(file: StoredFile) -> Iterator[Finding]:
    """Every chunk of every column can be found and decompressed, and is what was written."""
    for table, name in _expected(file):
        column = file.column(table, name)
        lost = [chunk for chunk in column.chunks() if chunk.values is None] if column else []
        if lost:
            rows = sum(chunk.rows for chunk in lost)
            yield Finding(
                "chunks",
                path_of(table, name),
                f"{rows} of {column.rows if column else 0} rows cannot be read, "
                f"the first is row {lost[0].first}: {lost[0].error:.200}",
            )


def lengths(file: StoredFile) -> Iterator[Finding]:
    """Columns of a table are equally long in a file that was closed, and long enough in any."""
    for table in file.tables:
        found = {one.name: file.column(table, one.name) for one in file.columns_of(table)}
        rows = {name: column.rows for name, column in found.items() if column is not None}
        shortest, longest = min(rows.values(), default=0), max(rows.values(), default=0)
        needed = _needed(file, table)
        if not rows:
            continue
        if shortest < needed:
            name = min(rows, key=lambda one: rows[one])
            yield Finding("lengths", path_of(table, name), f"{shortest} rows, but the polls have {needed}")
        elif shortest != longest and file.closed:
            name = min(rows, key=lambda one: rows[one])
            yield Finding("lengths", path_of(table, name), f"{shortest} rows, another column has {longest}")
        elif longest > needed and table not in (spec.NAMES, spec.MARKS):
            say = Finding if file.closed else note
            yield say(
                "lengths", path_of(table), f"{longest - needed} rows beyond those of the last complete poll"
            )


def sizes(file: StoredFile) -> Iterator[Finding]:
    """No column is said to be longer than the file can have bytes for, or readers have memory for."""
    for table, name in _expected(file):
        file.column(table, name)
    for path, reason in file.oversize.items():
        yield Finding("sizes", path, reason)


CHECKS = (columns, column_types, column_attributes, sizes, chunks, lengths)


def _needed(file: StoredFile, table: Table) -> int:
    """Rows that the complete polls say that the table has."""
    if table in (spec.POLLS, spec.NAMES, spec.MARKS):
        return file.shortest(table)
    ends = file.all(spec.TEXTS, "end") if table is spec.TEXT_BYTES else file.ends(table)
    return int(ends[-1]) if ends is not None and len(ends) else 0


def _expected(file: StoredFile) -> Iterator[tuple[Table, str]]:
    for table in file.tables:
        if file.group(path_of(table)) is not None:
            yield from ((table, column.name) for column in file.columns_of(table))

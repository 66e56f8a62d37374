"""What the recording format is written in: tables, columns, and the versions that brought them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from stem_device.model.clock import MAX_UTC_NS
from stem_device.model.limits import MAX_COUNT

NAME_BYTES = 192
"""Bytes of one row of ``names/text``; longer names go on in the next rows."""


class Kind(enum.Enum):
    """How the values of a column are stored; the value is the numpy type."""

    INTEGER = "<i8"
    FLOAT = "<f8"
    FLAG = "|u1"
    NAME = "<i4"
    TEXT = f"|S{NAME_BYTES}"


Version = tuple[int, int]
FIRST: Version = (1, 0)


@dataclass(frozen=True, slots=True)
class Column:
    """One data set.

    ``source`` is the path of an attribute of the record that makes the row; empty where the recorder
    itself knows the value. None becomes ``missing`` in an INTEGER, NaN in a FLOAT; a NAME is a row of
    ``names/text``, -1 for None.
    ``nullable``: None is a value like any other, in files from version ``nullable_since`` on.
    ``signed``: numbers below 0 are as good as others.
    ``listed``: a tuple of texts, in one name with blanks between.
    ``since`` is the version of the format that brought it; in files before that ``before`` is what every row
    has, None if nobody knows.
    """

    name: str
    kind: Kind
    units: str
    about: str
    source: str = ""
    nullable: bool = False
    signed: bool = False
    listed: bool = False
    since: Version = FIRST
    before: int | None = None
    nullable_since: Version = FIRST

    @property
    def missing(self) -> int:
        """The number in an INTEGER that says that there is none, or that it was lost."""
        return LOST if self.signed else -1


LOST = -(2**63)
"""In a column whose numbers may be below 0."""


MAX_TIME_NS = MAX_UTC_NS
"""Later moments cannot be told in 64 bits."""


MAX_PARTS = 1_000_000
"""Files of one recording; each has a megabyte or more."""


def bounds_of(column: Column) -> tuple[int, int]:
    """The lowest and the highest number that can be true in an INTEGER, apart from ``missing``.

    Numbers of things, which have no unit, may be any.
    """
    if not column.units:
        return -(2**63), 2**63 - 1
    highest = MAX_TIME_NS if column.units == "ns" else MAX_COUNT
    return -highest if column.signed else 0, highest


@dataclass(frozen=True, slots=True)
class Table:
    """One group: columns of equal length. ``chunk_rows`` are stored and compressed together.

    ``since`` is the version of the format that brought it.
    """

    name: str
    about: str
    chunk_rows: int
    columns: tuple[Column, ...]
    since: Version = FIRST

    def columns_of(self, version: Version) -> tuple[Column, ...]:
        """The columns that files of this version have, as they are there."""
        return tuple(_in(version, column) for column in self.columns if column.since <= version)


def _in(version: Version, column: Column) -> Column:
    strict = column.nullable and version < column.nullable_since
    return replace(column, nullable=False) if strict else column


def version_of(text: str) -> Version | None:
    """``1.2`` -> (1, 2); None for what is no version of a format that this program reads."""
    major, _, minor = text.partition(".")
    if major != str(FIRST[0]) or not minor.isascii() or not minor.isdigit():
        return None
    return FIRST[0], int(minor[:9])

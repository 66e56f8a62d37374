"""Checks of values by themselves: flags, counts, shares, states, kinds, names. One generator a check."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stem_device.model.limits import MAX_COUNT
from stem_device.model.mark import MarkKind
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import Link
from stem_device.reading.validation.columns import Values
from stem_device.reading.validation.finding import Finding, note
from stem_device.reading.validation.scan import Spot, columns_of, scan, told
from stem_device.reading.validation.stored import StoredFile, path_of
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind, Table, bounds_of

CODES = (
    (spec.SERVERS, "failure", set(map(str, Failure))),
    (spec.SUBSCRIPTIONS, "link", set(map(str, Link))),
)
"""Those of causes and verdicts are not here: there may be more of them in any version."""


def flags(file: StoredFile) -> Iterator[Finding]:
    """Flags are 0 or 1."""
    for table, column in columns_of(file, Kind.FLAG):
        if table is not spec.TEXT_BYTES:
            yield from scan(
                file, Spot("flags", table, column.name), lambda _, flag: flag > 1, "is neither 0 nor 1"
            )


def counts(file: StoredFile) -> Iterator[Finding]:
    """Counts, times and lengths can be true: not negative, but for -1 where there may be no value, and below
    2^53, times before the year 2262.
    """
    for table, column in columns_of(file, Kind.INTEGER):
        least, most = bounds_of(column)
        lowest = -1 if column.nullable else 0

        def is_low(_: int, values: Values, lowest: int = lowest) -> Values:
            return values < lowest

        def is_high(_: int, values: Values, column: Column = column) -> Values:
            least, most = bounds_of(column)
            outside = (values > most) | (values < least) if column.signed else values > most
            return np.asarray(outside & (values != column.missing))

        if column.units:
            said = f"is not between {least} and {most}" if column.signed else f"is above {most}"
            yield from scan(file, Spot("counts", table, column.name), is_high, said)
        if not column.units and not column.nullable:
            continue
        if not column.nullable and _is_empty(file, table, column):
            yield note("counts", path_of(table, column.name), "has no value in any row: it was lost")
        elif not column.signed:
            yield from scan(file, Spot("counts", table, column.name), is_low, f"is below {lowest}")


def floats(file: StoredFile) -> Iterator[Finding]:
    """Numbers are at most 2^53, and finite, or NaN."""
    for table, column in columns_of(file, Kind.FLOAT):
        yield from scan(
            file,
            Spot("floats", table, column.name),
            lambda _, values: np.abs(values) > MAX_COUNT,
            "is infinite, or above 2^53",
        )


def coverage(file: StoredFile) -> Iterator[Finding]:
    """A share is between 0 and 1, or NaN."""
    yield from scan(
        file,
        Spot("coverage", spec.POLLS, "sample_coverage"),
        lambda _, values: np.isfinite(values) & ((values < 0) | (values > 1)),
        "is not between 0 and 1",
    )


def name_rows(file: StoredFile) -> Iterator[Finding]:
    """A name is a row of ``names``, and not one that continues another; -1 only where there may be none."""
    rows, continues = file.rows(spec.NAMES), file.all(spec.NAMES, "continues")
    for table, column in columns_of(file, Kind.NAME):
        lowest = -1 if column.nullable else 0

        def is_no_name(_: int, codes: Values, lowest: int = lowest) -> Values:
            outside = (codes < lowest) | (codes >= rows)
            if continues is None or not rows:
                return outside
            middle = continues[np.clip(codes, 0, rows - 1)] == 1
            return np.asarray(outside | ((codes >= 0) & middle))

        yield from scan(
            file,
            Spot("name_rows", table, column.name),
            is_no_name,
            "is no row of names that a name begins in",
        )


def name_texts(file: StoredFile) -> Iterator[Finding]:
    """Names are UTF-8, and the first of them continues none."""
    continues = file.all(spec.NAMES, "continues")
    if continues is not None and len(continues):
        yield from told(
            Spot("name_texts", spec.NAMES, "continues"), 0, continues[:1] == 1, "continues what is not there"
        )
    spot = Spot("name_texts", spec.NAMES, "text")
    yield from scan(
        file, spot, lambda _, rows: np.array([not _is_utf8(text) for text in rows]), "is not UTF-8"
    )


def states(file: StoredFile) -> Iterator[Finding]:
    """The state of a server is one of the five."""
    yield from _one_of("states", file, spec.SERVERS, "state", set(ServerState))


def kinds(file: StoredFile) -> Iterator[Finding]:
    """The kind of a mark is one of the three."""
    if spec.MARKS in file.tables:
        yield from _one_of("kinds", file, spec.MARKS, "kind", set(MarkKind))


def texts(file: StoredFile) -> Iterator[Finding]:
    """Replies end after one another inside ``text_bytes``, are UTF-8, and as long as ``characters`` says."""
    found, told_lengths = file.all(spec.TEXTS, "end"), file.all(spec.TEXTS, "characters")
    column = file.column(spec.TEXT_BYTES, "data")
    if found is None or told_lengths is None or column is None:
        return
    falls = np.diff(found, prepend=0) < 0
    yield from told(Spot("texts", spec.TEXTS, "end"), 0, falls, "is lower than the one before")
    wrong = np.zeros(len(found), bool)
    for row in range(0 if falls.any() else len(found)):
        data = column.read(int(found[row - 1]) if row else 0, int(found[row]))
        wrong[row] = data is not None and not _is_reply(data.tobytes(), int(told_lengths[row]))
    yield from told(Spot("texts", spec.TEXTS, "characters"), 0, wrong, "is not what text_bytes has")


def codes(file: StoredFile) -> Iterator[Finding]:
    """What tells things by a code uses one that the format has."""
    for table, name, allowed in CODES:
        if name in {column.name for column in file.columns_of(table)}:
            yield from _one_of("codes", file, table, name, allowed)


CHECKS = (flags, counts, floats, coverage, name_rows, name_texts, states, codes, kinds, texts)


def _is_empty(file: StoredFile, table: Table, column: Column) -> bool:
    """Whether every row says that there is no value: so does a recovered file of what was lost altogether."""
    empty = [bool((values == column.missing).all()) for _, values in file.blocks(table, column.name)]
    return bool(empty) and all(empty)


def _one_of(check: str, file: StoredFile, table: Table, name: str, allowed: set[str]) -> Iterator[Finding]:
    rows = file.rows(spec.NAMES)

    def is_unknown(_: int, codes: Values) -> Values:
        different = np.unique(codes[(codes >= 0) & (codes < rows)])
        read = file.texts_of(different)
        wrong = [code for code, text in zip(different, read, strict=True) if text not in {None, *allowed}]
        return np.asarray(np.isin(codes, wrong))

    yield from scan(file, Spot(check, table, name), is_unknown, f"is none of {', '.join(sorted(allowed))}")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeError:
        return False
    return True


def _is_reply(data: bytes, characters: int) -> bool:
    try:
        return len(data.decode()) == min(characters, spec.MAX_TEXT_CHARACTERS)
    except UnicodeError:
        return False

"""Rows of the files: comma separated, lines end in CR LF, quotes only where the text needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast

from stem_device.telemetry.names import COLUMNS

END = b"\r\n"
HEADER = ",".join(COLUMNS).encode() + END

_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_QUOTED = re.compile(rb'"[^"]*"')


def quoted(label: str) -> str:
    """``label`` as a field."""
    return '"{}"'.format(label.replace('"', '""')) if _NEEDS_QUOTES.search(label) else label


def duration_rows(values: Sequence[int | str], pid: int) -> bytes:
    """Rows of samples as the buffer has them, at least one; nanoseconds become seconds with nine decimals."""
    row: list[object] = list(values)
    durations = cast(list[int], values[1::3])
    seconds = "0.%09d"  # a third faster than what any duration needs
    if max(durations) >= 10**9:
        seconds = "%.9f"
        row[1::3] = [duration / 1e9 for duration in durations]
    row[2::3] = _fields(values[2::3])
    return encoded(f"%d,{seconds},%s,{pid}\r\n" * (len(row) // 3) % tuple(row))


def _fields(labels: Sequence[object]) -> Sequence[object]:
    """Labels as they are in the rows. The few that are not plain text cost more."""
    try:
        fields = {label: quoted(_text(label)) for label in set(labels)}
    except TypeError:  # a list, say: what a program gives as a label costs it no sample
        return [quoted(_text(label)) for label in labels]
    if any(label != field for label, field in fields.items()):
        return [fields[label] for label in labels]
    return labels


def _text(label: object) -> str:
    try:
        return str(label)
    except Exception:  # noqa: BLE001 - whatever a program gives as a label
        return f"({type(label).__name__} without a text)"


def value_rows(rows: Iterable[tuple[int, float, str]], pid: int) -> bytes:
    """Rows of (time in ns, value, label)."""
    return encoded("".join(f"{at},{value!r},{quoted(label)},{pid}\r\n" for at, value, label in rows))


def encoded(text: str) -> bytes:
    """UTF-8; what cannot be encoded (halves of pairs) is written as an escape."""
    return text.encode("utf-8", "backslashreplace")


def rows_in(chunk: bytes) -> int:
    """How many rows end in ``chunk``."""
    plain = _QUOTED.sub(b"", chunk) if b'"' in chunk else chunk
    return plain.count(END)


def fitting(chunk: bytes, size: int) -> int:
    """The length of the rows that fit into ``size`` bytes; that of the first one where none does."""
    if len(chunk) <= size:
        return len(chunk)
    if fit := complete(chunk, size):
        return fit
    end = chunk.find(END)
    while chunk.count(b'"', 0, end) % 2:
        end = chunk.find(END, end + 1)
    return end + len(END)


def complete(chunk: bytes, size: int) -> int:
    """The length of the rows that are complete in the first ``size`` bytes of ``chunk``."""
    end = max(size, 0)
    while (end := chunk.rfind(END, 0, end)) >= 0:
        if chunk.count(b'"', 0, end) % 2 == 0:
            return end + len(END)
    return 0

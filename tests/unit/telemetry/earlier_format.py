"""A reader of the format that an earlier package writes, from its description: strict, field by field."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"(duration|runtime)\.[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\.csv")
_FIELD = r'("(?:[^"]|"")*"|[^",\r\n]*)'
_ROW = re.compile(rf"([0-9]{{19}}),(-?[0-9.]+(?:e[-+][0-9]+)?),{_FIELD},([0-9]+)\r\n")
_HEADER = "Timepoint,Measurement,Label,PID\r\n"


class Row(NamedTuple):
    timepoint: int
    measurement: float
    label: str
    pid: int


def read(directory: Path, prefix: str = "duration") -> list[Row]:
    """All rows, file by file; AssertionError for whatever is not the format."""
    return [row for path in sorted(directory.glob(f"{prefix}.*.csv")) for row in read_file(path)]


def read_file(path: Path) -> list[Row]:
    assert _NAME.fullmatch(path.name), path.name
    text = path.read_bytes().decode()
    assert text.startswith(_HEADER), text[:80]
    body = text.removeprefix(_HEADER)
    rows = []
    at = 0
    while at < len(body):
        match = _ROW.match(body, at)
        assert match, f"{path.name}: no row at {body[at : at + 80]!r}"
        time, value, label, pid = match.groups()
        if label.startswith('"'):
            assert re.search(r'[",\r\n]', label[1:-1]), "quoted without need"
            label = label[1:-1].replace('""', '"')
        rows.append(Row(int(time), float(value), label, int(pid)))
        at = match.end()
    return rows

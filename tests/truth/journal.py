"""What really happened: one line for each push and each callback, written at once by the process itself.

A line is ``kind attribute value utc_ns``. The file belongs to one life: its name is ``ROLE-PID``. Lines are
written with ``os.write``, so that those of a process killed by SIGKILL are there too.

The value of a push is ``pid * LIFE + number``: it tells which life pushed it, whoever receives it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LIFE = 1_000_000_000
READING = -1
"""What an attribute reads as: the synchronous call of a callback at subscription is no event."""

DIRECTORY, ROLE = "TRUTH_DIRECTORY", "TRUTH_ROLE"
"""Environment variables that tell a server where to write."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened in a process."""

    kind: str
    attribute: str
    value: str
    utc_ns: int


class Journal:
    """Appends to the file of this process."""

    def __init__(self) -> None:
        path = Path(os.environ[DIRECTORY]) / f"{os.environ[ROLE]}-{os.getpid()}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, kind: str, attribute: str, value: object = 0) -> None:
        os.write(self._file, f"{kind} {attribute} {value} {time.time_ns()}\n".encode())


@dataclass(frozen=True, slots=True)
class Life:
    """One process: what it wrote, and when it had ended (None: it still runs)."""

    role: str
    pid: int
    lines: tuple[Line, ...]
    end_ns: int | None

    @property
    def begin_ns(self) -> int:
        return self.lines[0].utc_ns if self.lines else 0

    def of(self, kind: str, attribute: str) -> list[Line]:
        return [line for line in self.lines if line.kind == kind and line.attribute == attribute]

    def contains(self, utc_ns: int) -> bool:
        return self.begin_ns <= utc_ns and (self.end_ns is None or utc_ns < self.end_ns)


def write_end(directory: Path, role: str, pid: int) -> None:
    """Note for a process that was killed, or ended, that it is gone."""
    with (directory / f"{role}-{pid}").open("a") as file:
        file.write(f"end - 0 {time.time_ns()}\n")


def lives(directory: Path, role: str) -> list[Life]:
    """All processes of a role, oldest first."""
    found = [_life(path, role) for path in directory.glob(f"{role}-*")]
    return sorted((life for life in found if life.lines), key=lambda life: life.begin_ns)


def _life(path: Path, role: str) -> Life:
    lines = tuple(_lines(path))
    ends = [line.utc_ns for line in lines if line.kind == "end"]
    return Life(role, int(path.name.rsplit("-", 1)[1]), lines, ends[-1] if ends else None)


def _lines(path: Path) -> Iterator[Line]:
    for text in path.read_text().splitlines():
        parts = text.split(" ")
        if len(parts) == 4 and parts[3].isdigit():  # a line may be under way
            yield Line(parts[0], parts[1], parts[2], int(parts[3]))

"""Files of telemetry that grow: what came since the last look."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stem_device.errors import TelemetryError
from stem_device.telemetry import names
from stem_device.telemetry.lines import HEADER, complete
from stem_device.telemetry.reading import row_of

CHUNK = 1 << 20
MOST_BYTES = 8 * CHUNK
"""A look: a quarter of a second of reading. What there is more comes with the next one."""
_PREFIXES = (names.DURATION_FILE_PREFIX, names.RUNTIME_FILE_PREFIX)


class Measured(NamedTuple):
    """One row of a file; ``kind`` is duration or runtime."""

    kind: str
    at_utc_ns: int
    value: float
    label: str
    pid: int


class Follower:
    """Rows of ``<prefix>.*.csv`` in ``directory``, each once. One thread alone may use it.

    What was there before the first look is left out. ``skipped`` counts lines that were no rows.
    ``problem`` says of the last look which file could not be read, as one of another user; empty if none.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.skipped = 0
        self.problem = ""
        self._places: dict[tuple[str, int], int] = {}
        self._first = True

    def look(self) -> list[Measured]:
        """What is new, file by file. Raises TelemetryError where the directory cannot be read."""
        try:
            with os.scandir(self.directory) as entries:
                found = sorted(filter(_is_ours, entries), key=lambda entry: entry.name)
                sizes = [(entry.name, entry.stat(follow_symlinks=False)) for entry in found]
        except OSError as error:
            self._first = False  # what is there once it can be read is new
            raise TelemetryError(str(self.directory), f"cannot be read: {error.strerror}") from error
        places = {(name, told.st_ino): told.st_size if self._first else 0 for name, told in sizes}
        self._first = False
        for name, told in sizes:
            key = name, told.st_ino
            if self._places.get(key, 0) <= told.st_size:  # else it is another one, or was cut off
                places[key] = self._places.get(key, places[key])
        self._places = places
        self.problem = ""
        left = MOST_BYTES
        rows: list[Measured] = []
        for name, told in sizes:
            key = name, told.st_ino
            while self._places[key] < told.st_size and left > 0:
                read, more = self._read(name, self._places[key])
                if not read:
                    break  # within a row
                self._places[key] += read
                left -= read
                rows += more
        return rows

    def _read(self, name: str, place: int) -> tuple[int, list[Measured]]:
        """How many bytes of whole rows there are from ``place`` on, and the rows."""
        try:
            with (self.directory / name).open("rb") as file:
                file.seek(place)
                chunk = file.read(CHUNK)
        except FileNotFoundError:
            return 0, []  # taken away since the directory was listed
        except OSError as error:
            self.problem = f"{self.directory / name}: cannot be read: {error.strerror}"
            return 0, []
        end = complete(chunk, len(chunk)) or (len(chunk) if len(chunk) == CHUNK else 0)
        text = chunk[:end].removeprefix(HEADER if place == 0 else b"").decode("utf-8", "replace")
        return end, list(self._rows(name, text))

    def _rows(self, name: str, text: str) -> Iterator[Measured]:
        kind = name.partition(".")[0]
        lines = csv.reader(io.StringIO(text, newline=""))
        while True:
            try:
                row = row_of(next(lines))
            except csv.Error:
                row = None
            except StopIteration:
                return
            if row is None:
                self.skipped += 1
            else:
                yield Measured(kind, *row)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    prefix, _, rest = entry.name.partition(".")
    return prefix in _PREFIXES and rest.endswith(".csv") and entry.is_file(follow_symlinks=False)

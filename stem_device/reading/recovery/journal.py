"""What a recovery has to tell: to its user, and to the process that watches over it."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from stem_device.reading.validation.columns import Chunk

MAX_SENTENCES = 200


class Told(Struct, frozen=True, omit_defaults=True):
    """One line from the child: ``doing`` is what it is about to read, ``done`` a share from 0 to 1.

    ``refused`` is why the file is not read at all; ``error`` is what to do then.
    """

    doing: str = ""
    done: float = 0.0
    result: Recovery | None = None
    error: str = ""
    refused: str = ""


class Recovery(Struct, frozen=True):
    """What became of a file. ``polls`` and ``marks`` were recovered, of ``polls_found`` and ``marks_found``.

    ``lost`` says in sentences what was lost, and what was mended; empty if nothing was.
    """

    polls: int
    polls_found: int
    marks: int
    marks_found: int
    lost: tuple[str, ...]


class Journal:
    """Collects sentences; tells the parent before anything that HDF5 may die of.

    ``deadly`` paths killed an earlier attempt: they are lost.
    """

    def __init__(self, deadly: Iterable[str] = (), *, quiet: bool = False) -> None:
        self._deadly = set(deadly)
        self._quiet = quiet
        self._chunks: dict[str, list[Chunk]] = {}
        self._other: dict[tuple[str, str], int] = {}

    def doing(self, path: str, done: float = 0.0) -> None:
        """Tell that ``path`` comes next."""
        self.tell(Told(doing=path, done=done))

    def deadly(self, path: str) -> bool:
        return path in self._deadly

    def lose(self, path: str, what: str) -> None:
        """The same loss may be told several times."""
        self._other[path, what] = self._other.get((path, what), 0) + 1

    def lose_chunk(self, path: str, chunk: Chunk) -> None:
        """Rows of a column that cannot be read."""
        known = self._chunks.setdefault(path, [])
        if all(chunk.first != one.first for one in known[-1:]):
            known.append(chunk)

    def sentences(self) -> tuple[str, ...]:
        """At most MAX_SENTENCES, and how many more."""
        told = [
            f"{path}: {what}" + (f" ({times} times)" if times > 1 else "")
            for (path, what), times in self._other.items()
        ]
        told += [
            f"{path}: {len(chunks)} chunks ({sum(one.rows for one in chunks)} rows, the first is row "
            f"{chunks[0].first}) cannot be read: {chunks[0].error:.150}"
            for path, chunks in self._chunks.items()
        ]
        more = len(told) - MAX_SENTENCES
        return (*told[:MAX_SENTENCES], f"and {more} more columns") if more > 0 else tuple(told)

    def tell(self, told: Told) -> None:
        """One line to the parent."""
        if not self._quiet:
            sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
            sys.stdout.buffer.flush()

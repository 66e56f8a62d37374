"""Conditions on what is shown, and the polls, names and marks that fulfil them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from stem_device.errors import OptionError
from stem_device.reading.archive import Archive, Integers
from stem_device.reading.patterns import matching, sampled_attribute, without_host
from stem_device.recording import format as spec

Flags = npt.NDArray[np.bool_]

_MOST_NAMED = 5
_STREAM_COLUMNS = {"streams": ("stream",), "subscriptions": ("stream", "topic")}
_WITH_SERVER = frozenset(
    table.name for table in spec.ROW_TABLES if any(column.name == "server" for column in table.columns)
)


@dataclass(frozen=True, slots=True)
class Selection:
    """One call of ``select``; None is no condition. Nanoseconds since 1970 UTC, patterns as given."""

    start_ns: int | None = None
    end_ns: int | None = None
    servers: tuple[str, ...] | None = None
    streams: tuple[str, ...] | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows are shown whose code in one of ``columns`` is allowed; ``allowed`` has one more element for -1."""

    columns: tuple[str, ...]
    allowed: Flags


class Selected:
    """All selections together: a row must fulfil each of them."""

    def __init__(self, archive: Archive, selections: tuple[Selection, ...]) -> None:
        self.archive = archive
        self.selections = selections

    @cached_property
    def polls(self) -> tuple[Flags, ...]:
        """Which polls are shown, for each part of shape (polls of the part,)."""
        return tuple(self._polls_of(part) for part in range(len(self.archive.parts)))

    @cached_property
    def poll_offsets(self) -> Integers:
        """How many polls of the parts before are shown, shape (parts + 1,)."""
        counts = [int(np.count_nonzero(polls)) for polls in self.polls]
        return np.cumsum([0, *counts], dtype=np.int64)

    def filters(self, table: str) -> list[Filter]:
        """Conditions on names for the rows of ``table``."""
        filters = []
        if self._server_codes is not None and table in _WITH_SERVER:
            filters.append(Filter(("server",), self._server_codes))
        if self._stream_codes is not None and table in _STREAM_COLUMNS:
            filters.append(Filter(_STREAM_COLUMNS[table], self._stream_codes))
        if self._attribute_codes is not None and table == "subscriber_samples":
            filters.append(Filter(("attr_name",), self._attribute_codes))
        return filters

    def marks(self, part: int) -> Flags:
        """Which marks are shown, shape (marks of the part,): by the time of emission, and by run."""
        everything = [(0, self.archive.parts[part].marks)]
        shown = np.ones(self.archive.parts[part].marks, dtype=np.bool_)
        if not len(shown) or not self.selections:
            return shown
        emitted = self.archive.parts[part].column("marks", "emitted_utc_ns", everything)
        runs = self.archive.codes(part, "marks", "run", everything)
        for selection in self.selections:
            shown &= _within(emitted, selection.start_ns, selection.end_ns)
            if selection.run is not None:
                shown &= runs == self.code_of(selection.run)
        return shown

    def code_of(self, name: str) -> int:
        """-1 for a name that does not come up."""
        found = np.flatnonzero(self.archive.names == name)
        return int(found[0]) if len(found) else -1

    def _polls_of(self, part: int) -> Flags:
        shown = np.ones(self.archive.parts[part].polls, dtype=np.bool_)
        for selection in self.selections:
            if selection.start_ns is not None or selection.end_ns is not None:
                shown &= _within(self.archive.times(part), selection.start_ns, selection.end_ns)
            if selection.run is not None:
                shown &= self._polls_of_run(part, self._spans[selection.run])
        return shown

    def _polls_of_run(self, part: int, span: tuple[int, int]) -> Flags:
        """Polls that tell of events within the span: each tells of those since the poll before."""
        times = self.archive.times(part)
        before = self.archive.part_before(part)
        earliest = np.iinfo(np.int64).min if before is None else self.archive.times(before)[-1]
        since = np.concatenate([[earliest], times[:-1]])[: len(times)]
        return (times >= span[0]) & (since < span[1])

    @cached_property
    def _spans(self) -> dict[str, tuple[int, int]]:
        """First and last mark of each selected run, by time of emission."""
        return {run.run: run_span(self.archive, run.run) for run in self.selections if run.run is not None}

    @cached_property
    def _server_codes(self) -> Flags | None:
        return self._codes_of([selection.servers for selection in self.selections])

    @cached_property
    def _stream_codes(self) -> Flags | None:
        return self._codes_of([selection.streams for selection in self.selections])

    @cached_property
    def _attribute_codes(self) -> Flags | None:
        """Samples know only the attribute of their stream, and of that the first 31 characters."""
        if self._stream_codes is None:
            return None
        streams = self.archive.names[self._stream_codes[:-1]]
        attributes = {sampled_attribute(name) for name in streams} - {None}
        shown = np.fromiter((name.lower() in attributes for name in self.archive.names), np.bool_)
        return np.append(shown, False)

    def _codes_of(self, patterns: list[tuple[str, ...] | None]) -> Flags | None:
        given = [own for own in patterns if own is not None]
        if not given:
            return None
        masks = [matching(self.archive.names, own) for own in given]
        return np.append(np.logical_and.reduce(masks), False)


def check_patterns(archive: Archive, option: str, patterns: tuple[str, ...] | None) -> None:
    """OptionError if a pattern matches no name at all: a mistyped one would show that nothing was lost.

    Before the first poll there are no names, and any pattern is right.
    """
    if not any(part.polls for part in archive.parts):
        return
    for pattern in patterns or ():
        if not matching(archive.names, (pattern,)).any():
            known = _known_servers(archive) if option == "servers" else "see the names in the recording"
            raise OptionError(option, pattern, f"no name in the recording matches; {known}")


def run_span(archive: Archive, run: str) -> tuple[int, int]:
    """When the first and the last mark of ``run`` were emitted; OptionError if there are none."""
    emitted: list[Integers] = []
    known: list[str] = []
    for part, file in enumerate(archive.parts):
        everything = [(0, file.marks)]
        if file.marks:
            texts = archive.texts(archive.codes(part, "marks", "run", everything))
            emitted.append(file.column("marks", "emitted_utc_ns", everything)[texts == run])
            known += texts.tolist()
    times = np.concatenate([np.empty(0, dtype=np.int64), *emitted])
    if not len(times):
        raise OptionError("run", run, f"the recording has no marks of it; {_listed('runs', known)}")
    return int(times.min()), int(times.max())


def _known_servers(archive: Archive) -> str:
    names = {without_host(name) for name in archive.names}
    return _listed("servers", [name for name in names if name.startswith("dserver/") and "." not in name])


def _listed(what: str, names: list[str]) -> str:
    some = sorted(set(names))
    if not some:
        return f"it has no {what}"
    more = f" and {len(some) - _MOST_NAMED} more" if len(some) > _MOST_NAMED else ""
    return f"it has the {what} {', '.join(some[:_MOST_NAMED])}{more}"


def _within(times: Integers, start_ns: int | None, end_ns: int | None) -> Flags:
    shown = np.ones(len(times), dtype=np.bool_)
    if start_ns is not None:
        shown &= times >= start_ns
    if end_ns is not None:
        shown &= times < end_ns
    return shown

"""Recordings as their users see them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stem_device.errors import NoPollError, NoSuchDataError, OptionError
from stem_device.model.snapshot import Snapshot
from stem_device.reading.archive import Archive, Names, described_span
from stem_device.reading.follow import Looks, follow
from stem_device.reading.part_file import open_parts
from stem_device.reading.patterns import Patterns, as_tuple
from stem_device.reading.selection import Selected, Selection, check_patterns, run_span
from stem_device.reading.snapshots import snapshots_of
from stem_device.reading.source import Source, in_order
from stem_device.reading.table import TABLES, Table
from stem_device.reading.times import Moment, utc_ns

AnyPath = str | os.PathLike[str]


class Recording:
    """One or several recordings, read as one; or a view of them that :meth:`select` made.

    Rows are read when they are asked for. What a file had when it was opened is shown, and no more of it,
    also if it grows. Not thread-safe. A context manager; its views share its files. ``selected`` is for the
    other modules of this package: which rows of which file that are.
    """

    def __init__(self, archive: Archive, selections: tuple[Selection, ...] = ()) -> None:
        self._archive = archive
        self.selected = Selected(archive, selections)
        self._tables: dict[str, Table] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files, also those of views. Columns cannot be read afterwards."""
        self._archive.close()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files in the order in which they are read."""
        return tuple(part.path for part in self._archive.parts)

    @property
    def sources(self) -> tuple[Source, ...]:
        """What was recorded by whom, one for each recording; the same for all views."""
        return self._archive.sources

    @property
    def names(self) -> Names:
        """All names, unified over files (object array of str); ``Table.codes`` are its indices."""
        return self._archive.names

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(TABLES)

    def __getitem__(self, table: str) -> Table:
        """A table; NoSuchDataError for a name that is none."""
        if table not in TABLES:
            raise NoSuchDataError("table", table, self.tables)
        if table not in self._tables:
            self._tables[table] = Table(self.selected, table)
        return self._tables[table]

    def __repr__(self) -> str:
        files = ", ".join(map(str, self.files))
        return f"<{'view of a ' if self.selected.selections else ''}recording: {files}>"

    def select(
        self,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        servers: Patterns | None = None,
        streams: Patterns | None = None,
        run: str | None = None,
    ) -> Recording:
        """A view that shows only what fulfils all conditions, and those of this view.

        ``start`` (inclusive) and ``end`` (exclusive) choose polls by the time at which they began, and marks
        by the time at which they were emitted. ``servers`` chooses rows of these servers, in tables that have
        a server. ``streams`` chooses streams; subscriptions by stream or topic; subscriber samples by the
        attribute, of which they know the first 31 characters and not the device, so that samples of discarded
        events are left out. Other tables stay as they are. Patterns are globs; upper and lower case are the
        same; a name matches in full or without ``tango://host:port/``. ``run`` chooses the marks of this run,
        and the polls that tell of events between its first and its last mark: those in between, and the one
        after the last mark.

        Raises OptionError for a time that cannot be understood, a pattern that no name in the recording
        matches, a run without marks.
        """
        selection = Selection(
            None if start is None else utc_ns("start", start),
            None if end is None else utc_ns("end", end),
            as_tuple(servers),
            as_tuple(streams),
            run,
        )
        if None not in (start, end) and (selection.start_ns or 0) > (selection.end_ns or 0):
            raise OptionError("end", end, f"must not be before the start, {start}")
        check_patterns(self._archive, "servers", selection.servers)
        check_patterns(self._archive, "streams", selection.streams)
        if run is not None:
            run_span(self._archive, run)
        return Recording(self._archive, (*self.selected.selections, selection))

    def check_polls(self) -> None:
        """Raise NoPollError, which says what there is, unless some poll is shown."""
        if not len(self["polls"]):
            what = "no poll is selected" if self.selected.selections else "there is no poll"
            raise NoPollError(what, described_span(self._archive))

    def snapshots(self) -> Iterator[Snapshot]:
        """The selected polls as they were before they were recorded, a few at a time in memory.

        Of several sources one after the other. Servers and streams that are not selected are left out; sums
        and quantiles of a poll are those of the whole. Not recorded, and therefore not here: replies
        (``texts``) of servers that are monitored, and of others what goes beyond 65,536 characters.
        Fields that a file of an older format does not have are None, whatever their type: unknown, never 0.
        """
        for part, polls in enumerate(self.selected.polls):
            yield from snapshots_of(self.selected, part, polls)

    def follow(
        self,
        *,
        stop: threading.Event | None = None,
        timeout_seconds: float | None = None,
        interval_seconds: float = 0.2,
    ) -> Iterator[Snapshot]:
        """Every Snapshot of one recording from its first selected poll on, then each new one as it comes.

        It goes on to the next file of the recording, in the directory of the last one, and ends when the
        recording was closed, when ``stop`` is set, or when no poll came for ``timeout_seconds`` (its writer
        died, or polls less often). It looks every ``interval_seconds``; no poll comes twice or is left out.
        Conditions of ``select`` hold for new polls too, except ``run``, whose end is not known.

        Raises OptionError for several sources or a view by run; UnreadableRecordingError if the file that is
        followed is removed or damaged.
        """
        if len(self.sources) > 1:
            raise OptionError("follow", [source.id for source in self.sources], "one recording at a time")
        if any(selection.run is not None for selection in self.selected.selections):
            raise OptionError("follow", "run", "a view of a run cannot be followed: its end is not known")
        looks = Looks(stop or threading.Event(), timeout_seconds, interval_seconds)
        return follow(self.files, self.selected.selections, looks)


def open_recording(paths: AnyPath | Sequence[AnyPath], *, max_read_bytes: int | None = None) -> Recording:
    """Open one recording or several: files in any order, parts of one recording and of several monitors.

    A file, or a part, that is given twice is read once. Rows come by source (in order of its start), then by
    part. Raises UnreadableRecordingError for a file that is missing, no recording, of another version, or
    damaged; RefusedFileError, which is one too, for a file that could do harm: no regular file, links or
    data outside of it, or far more data than it has bytes for. ``max_read_bytes`` is how much memory it may
    make its reader take, unless it is large itself (default: STEM_MAX_READ_BYTES of the environment, 1 GB).
    OptionError without any path; MissingExtraError without h5py.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise OptionError("paths", paths, "must name at least one file")
    unique = {path.resolve(): path for path in map(Path, given)}
    return Recording(Archive(in_order(open_parts(list(unique.values()), max_read_bytes))))

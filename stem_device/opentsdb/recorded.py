"""Recordings, read piece by piece when a question needs it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from stem_device.catalogue import Details, labels_of, series_of
from stem_device.model.mark import Mark, MarkKind
from stem_device.opentsdb.columns import Columns
from stem_device.opentsdb.limits import Budget
from stem_device.opentsdb.points import HISTOGRAM_METRICS, PointMaker, annotation_of, known_metrics
from stem_device.opentsdb.series import Annotation, Floats, Integers, Series, Tags
from stem_device.opentsdb.users import RecordedUsers, read_users
from stem_device.reading import Recording, Source, open_recording
from stem_device.reading.recording import AnyPath

PIECE_POLLS = 64
"""Polls that are read at once. With half as many, opening columns takes most of the time; one of 10,000
subscriptions has 1 MB, so that 64 are still read in a few seconds."""
MAX_POINTS = 10_000_000
"""Points of pieces that are kept, 8 bytes each: 80 MB."""
LOOK_SECONDS = 10.0
"""How often files are looked at, to see whether they have grown: opening one takes a tenth of a second."""
TAG = "recording"
"""The tag that tells several recordings apart: their labels, or identities."""


class RecordedSeries:
    """One recording as a source of series, until ``close``. Any thread may ask.

    Numbers are made of its polls by the catalogue, as those of a live monitor, 64 polls at a time; what was
    read is kept, up to ``max_points``. What no poll tells (the size of the recording, say) is not there.
    Histograms count from the first poll that a question reads. Of a file that grows: what it had when it was
    opened, see ``renew``. ``tags`` are added to those of every series.
    """

    def __init__(
        self,
        recording: Recording,
        details: Details = Details.LOSING,
        *,
        tags: Tags | None = None,
        max_points: int = MAX_POINTS,
    ) -> None:
        self._recording = recording
        self._users = RecordedUsers(recording)
        self._details = details
        self._tags = tags or {}
        self._max_points = max_points
        self._reading = threading.Lock()
        self._times: Integers = np.unique(recording["polls"]["time_utc_ns"])
        self._pieces: OrderedDict[int, Columns] = OrderedDict()

    def close(self) -> None:
        """Close the files; nothing can be asked afterwards."""
        with self._reading:
            self._recording.close()

    def renew(self, recording: Recording) -> None:
        """Go on with the same recording, opened again: it may have more polls. What was read is kept."""
        times: Integers = np.unique(recording["polls"]["time_utc_ns"])
        with self._reading:
            known = len(self._times)
            if len(times) >= known and bool((times[:known] == self._times).all()):
                self._pieces.pop(known // PIECE_POLLS, None)  # the last one, which was not full
            else:
                self._pieces.clear()
            self._recording.close()
            self._recording, self._times = recording, times
            self._users = RecordedUsers(recording)

    def metrics(self) -> Collection[str]:
        with self._reading:
            return {*known_metrics(), *self._users.names()}

    def tag_sets(self, metric: str, budget: Budget) -> Iterable[Tags]:
        """Of the series of its beginning, middle and end, and of all that was asked for."""
        with self._reading:
            of_users = list(map(labels_of, self._users.series_of(metric)))
        if of_users:
            return list(map(self._tagged, of_users))
        pieces = -(-len(self._times) // PIECE_POLLS)
        found: set[tuple[tuple[str, str], ...]] = set()
        for number in {0, pieces // 2, pieces - 1} if pieces else set():
            budget.check_time()
            found |= self._piece(number).tag_sets(metric)
        with self._reading:
            for piece in self._pieces.values():
                found |= piece.tag_sets(metric)
        return [self._tagged(dict(tags)) for tags in found]

    def read(
        self, metric: str, begin_ns: int, end_ns: int, wanted: Callable[[Tags], bool], budget: Budget
    ) -> Iterator[Series]:
        with self._reading:
            found = list(
                read_users(self._users, metric, begin_ns, end_ns, lambda tags: wanted(self._tagged(tags)))
            )
        for one in found:
            yield Series(metric, self._tagged(one.tags), one.times_ns, one.values)
        if metric not in known_metrics():
            return
        parts: dict[tuple[tuple[str, str], ...], list[Series]] = {}
        points = 0
        for number in self._numbers(begin_ns, end_ns):
            budget.check_points(points)
            piece = self._piece(number)
            for series in piece.read(metric, begin_ns, end_ns, lambda tags: wanted(self._tagged(tags))):
                parts.setdefault(tuple(series.tags.items()), []).append(series)
                points += len(series.values)
        for tags, pieces in parts.items():
            times = np.concatenate([own.times_ns for own in pieces])
            values: Floats = np.concatenate([own.values for own in pieces])
            if metric in HISTOGRAM_METRICS:
                values = np.cumsum(values)
            yield Series(metric, self._tagged(dict(tags)), times, values)

    def annotations(self, begin_ns: int, end_ns: int) -> Sequence[Annotation]:
        with self._reading:
            table = self._recording.select(start=begin_ns, end=end_ns + 1)["marks"]
            columns = {name: table[name].tolist() for name in MARK_COLUMNS} if len(table) else {}
        rows = zip(*columns.values(), strict=True)
        marks = [_mark(dict(zip(columns, row, strict=True))) for row in rows]
        return [annotation_of(mark) for mark in sorted(marks, key=lambda mark: mark.emitted_utc_ns)]

    def _tagged(self, tags: Tags) -> Tags:
        return {**tags, **self._tags} if self._tags else tags

    def _numbers(self, begin_ns: int, end_ns: int) -> range:
        """The pieces with the polls of a span, and the polls next to it."""
        if not len(self._times):
            return range(0)
        first = max(0, int(np.searchsorted(self._times, begin_ns)) - 1)
        last = min(len(self._times) - 1, int(np.searchsorted(self._times, end_ns, side="right")))
        return range(first // PIECE_POLLS, last // PIECE_POLLS + 1)

    def _piece(self, number: int) -> Columns:
        with self._reading:
            if number not in self._pieces:
                self._pieces[number] = self._read_piece(number)
                while len(self._pieces) > 1 and self._kept_points() > self._max_points:
                    self._pieces.popitem(last=False)
            self._pieces.move_to_end(number)
            return self._pieces[number]

    def _kept_points(self) -> int:
        return sum(piece.points for piece in self._pieces.values())

    def _read_piece(self, number: int) -> Columns:
        times = self._times[number * PIECE_POLLS :]
        end = int(times[PIECE_POLLS]) if len(times) > PIECE_POLLS else None
        piece, maker = Columns(PIECE_POLLS, self._max_points), PointMaker()
        for snapshot in self._recording.select(start=int(times[0]), end=end).snapshots():
            piece.add(snapshot.time_utc_ns, maker.points(series_of(snapshot, None, self._details)))
        return piece


class RecordedFiles:
    """Recordings as one source, looked at again when a file has grown, until ``close``. Any thread may ask.

    Of several recordings each series has the tag ``recording``: the label, or the identity where labels are
    the same. Errors are those of :func:`stem_device.open_recording`.
    """

    def __init__(
        self,
        paths: AnyPath | Sequence[AnyPath],
        details: Details = Details.LOSING,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        self._paths = tuple(map(Path, given))
        self._details = details
        self._now = now
        self._looking = threading.Lock()
        self._looked = now()
        self._sizes = file_sizes(self._paths)
        self._sources = self._opened()

    def close(self) -> None:
        """Close the files; nothing can be asked afterwards."""
        for source in self._sources.values():
            source.close()

    def metrics(self) -> Collection[str]:
        return {name for source in self._current() for name in source.metrics()}

    def tag_sets(self, metric: str, budget: Budget) -> Iterable[Tags]:
        return [tags for source in self._current() for tags in source.tag_sets(metric, budget)]

    def read(
        self, metric: str, begin_ns: int, end_ns: int, wanted: Callable[[Tags], bool], budget: Budget
    ) -> Iterator[Series]:
        for source in self._current():
            yield from source.read(metric, begin_ns, end_ns, wanted, budget)

    def annotations(self, begin_ns: int, end_ns: int) -> Sequence[Annotation]:
        """What was told to several monitors alike is one."""
        found = [one for source in self._current() for one in source.annotations(begin_ns, end_ns)]
        once = {(one.time_ns, one.description): one for one in found}
        return sorted(once.values(), key=lambda one: one.time_ns)

    def _current(self) -> Iterable[RecordedSeries]:
        with self._looking:
            if self._now() - self._looked >= LOOK_SECONDS:
                self._looked = self._now()
                sizes = file_sizes(self._paths)
                if sizes != self._sizes:
                    self._renew()
                    self._sizes = sizes
            return tuple(self._sources.values())

    def _opened(self) -> dict[str, RecordedSeries]:
        """By the identity of the recording."""
        with open_recording(self._paths) as recording:
            sources = recording.sources
        found: dict[str, RecordedSeries] = {}
        with contextlib.ExitStack() as undo:
            for source, tags in zip(sources, _names(sources), strict=True):
                recording = open_recording(source.paths)
                undo.callback(recording.close)
                found[source.id] = RecordedSeries(recording, self._details, tags=tags)
            undo.pop_all()
        return found

    def _renew(self) -> None:
        """Of each recording what it has by now; one that is not among the files any more stays as it was."""
        with open_recording(self._paths) as recording:
            found = recording.sources
        for one in found:
            if one.id in self._sources:
                self._sources[one.id].renew(open_recording(one.paths))


def file_sizes(paths: Iterable[Path]) -> tuple[tuple[int, int], ...]:
    """Length and last change of each, to see whether one has grown; zeros for one that is gone."""
    return tuple(map(_size, paths))


def _size(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _names(sources: Sequence[Source]) -> list[Tags]:
    if len(sources) == 1:
        return [{}]
    labels = [source.label for source in sources]
    return [
        {TAG: source.label if source.label and labels.count(source.label) == 1 else source.id}
        for source in sources
    ]


MARK_COLUMNS = tuple(Mark.__struct_fields__)


def _mark(row: dict[str, object]) -> Mark:
    """A row of the table; a number that is not there is -1."""
    told = {name: None if value == -1 else value for name, value in row.items()}
    return Mark(**told | {"kind": MarkKind(str(row["kind"]))})  # type: ignore[arg-type]

"""Recordings as the source of a port: as they were at their last poll, again when a file has grown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stem_device.catalogue import (
    QUANTITIES,
    Details,
    Kind,
    Point,
    Quantity,
    Scope,
    Series,
    Spread,
    series_of,
    user_series,
)
from stem_device.catalogue.series import MAX_LABELS
from stem_device.model.sample_timings import LATENCY, PROCESSING, PUSH, counted
from stem_device.model.snapshot import Snapshot
from stem_device.opentsdb.recorded import RecordedFiles, file_sizes
from stem_device.reading import Recording, open_recording
from stem_device.statistics.verdict import judged
from stem_device.statistics.why import findings_of
from stem_device.telemetry import DURATION_FILE_PREFIX
from stem_device.telemetry.names import HALTS
from stem_device.web.exposition import Exposition
from stem_device.web.once import Kept
from stem_device.web.report_page import PageMaker
from stem_device.web.source import Content, Health

LOOK_SECONDS = 10.0
"""How often the files are looked at, to see whether they have grown."""
REST = 5.0
"""Reading and drawing takes a sixth of the time of a processor at most."""

_TIMINGS = {
    "push_seconds": PUSH,
    "processing_seconds": PROCESSING,
    "latency_seconds": LATENCY,
}
"""By the name of the histogram."""


class _Read(NamedTuple):
    """What was read of the files when they had these sizes."""

    sizes: tuple[tuple[int, int], ...]
    snapshot: Snapshot
    histograms: tuple[Series, ...]


class RecordedSource:
    """See :class:`.source.Source`. Raises StemError if the recordings cannot be read, or have no poll."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._exposition = Exposition()
        self._maker = PageMaker()
        self._known: _Read | None = None
        self._read = Kept(self._read_again, LOOK_SECONDS, REST)
        self._page = Kept(self._made_page, LOOK_SECONDS, REST)
        self._read.get()
        self.series = RecordedFiles(files)

    def health(self) -> Health:
        told = {"status": "ok", "recordings": len(self._files)}
        return Health(alive=True, ready=True, told=told)

    def snapshot(self) -> Snapshot:
        return self._read.get().snapshot

    def ready_metrics(self, accept: str, details: Details) -> Content | None:  # noqa: ARG002 - files are read
        return None

    def metrics(self, accept: str, details: Details) -> Content:
        self._read.get()
        return self._exposition.content(accept, details)

    def page(self) -> bytes:
        return self._page.get()

    def close(self) -> None:
        self._maker.close()
        self.series.close()

    def _made_page(self) -> bytes:
        names = [path.name for path in self._files]
        title = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        return self._maker.page(title, self._files)

    def _read_again(self) -> _Read:
        """What is known already, if no file has changed since. Raises StemError."""
        sizes = file_sizes(self._files)
        if self._known is None or sizes != self._known.sizes:
            with open_recording(self._files) as recording:
                recording.check_polls()
                self._known = _Read(sizes, _last_snapshot(recording), tuple(_histograms(recording)))
            read = self._known
            self._exposition.renew(
                lambda details: (
                    with_histograms(series_of(read.snapshot, None, details), read.histograms)
                    + user_series(read.snapshot.metrics)
                )
            )
        return self._known


def _last_snapshot(recording: Recording) -> Snapshot:
    """That of the latest poll, with the causes of the whole and, where it has none, their verdict."""
    latest = int(recording["polls"]["time_utc_ns"].max())
    (*_, snapshot) = recording.select(start=latest).snapshots()
    return replace(
        snapshot,
        findings=findings_of(recording),
        verdict=snapshot.verdict or judged(recording).level.word,
    )


def _histograms(recording: Recording) -> Iterator[Series]:
    for quantity in QUANTITIES:
        if quantity.kind is Kind.HISTOGRAM:
            of_labels = quantity.scope in {Scope.TIMED, Scope.HALT}
            points = tuple((_by_label if of_labels else _spreads)(recording, quantity))
            if points:
                yield Series(quantity, points)


def _spreads(recording: Recording, quantity: Quantity) -> Iterator[Point]:
    """One for each server with samples that have a value."""
    timing = _TIMINGS[quantity.name]
    table = recording[timing.table]
    if not len(table):
        return
    known, micros = counted(timing, table.__getitem__)
    codes = table.codes("server")[known]
    for code in np.unique(codes).tolist():
        own = micros[codes == code] / 1e6
        yield Point((str(recording.names[code]),), Spread.of(own, quantity.bounds))


def _by_label(recording: Recording, quantity: Quantity) -> Iterator[Point]:
    """One for each label of telemetry; the rarest are left out where there are many."""
    table, names = recording["telemetry"], recording.names
    if not len(table):
        return
    values, labels, kinds = table["value"], table.codes("label"), table.codes("kind")
    timed = np.isin(kinds, np.flatnonzero(names == DURATION_FILE_PREFIX))
    own = np.isfinite(values) & (timed if quantity.scope is Scope.TIMED else ~timed)
    codes, counts = np.unique(labels[own], return_counts=True)
    if quantity.scope is Scope.HALT:
        halts = np.array([str(names[code]).startswith(HALTS) for code in codes], np.bool_)
        codes, counts = codes[halts], counts[halts]
    for code in codes[np.argsort(-counts, kind="stable")][:MAX_LABELS].tolist():
        yield Point((str(names[code]),), Spread.of(values[own & (labels == code)], quantity.bounds))


def with_histograms(series: Sequence[Series], histograms: Sequence[Series]) -> tuple[Series, ...]:
    """In place of those of one poll."""
    found = {one.quantity.name: one for one in series if one.quantity.kind is not Kind.HISTOGRAM}
    found |= {one.quantity.name: one for one in histograms}
    return tuple(found[quantity.name] for quantity in QUANTITIES if quantity.name in found)

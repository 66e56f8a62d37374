"""Telemetry of processes into a recording of events: each measurement with the poll that came next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stem_device.errors import OptionError, TelemetryError
from stem_device.model.snapshot import TelemetryRows
from stem_device.reading.exporting.json_lines import marks_of
from stem_device.reading.importing.replay import ReplayClock
from stem_device.reading.publish import published_when_complete
from stem_device.reading.recording import Recording, open_recording
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording.disk_errors import explain_output
from stem_device.recording.layout import Part
from stem_device.recording.output_path import refuse_standard_output
from stem_device.telemetry import DURATION_FILE_PREFIX, RUNTIME_FILE_PREFIX
from stem_device.telemetry.reading import read_columns

KINDS = (DURATION_FILE_PREFIX, RUNTIME_FILE_PREFIX)


class ImportedTelemetry(Struct, frozen=True):
    """What was written.

    ``skipped`` lines were no measurements; ``outside`` of them came before the first poll or after the last.
    """

    polls: int
    marks: int
    measurements: int
    skipped: int
    outside: int


def import_telemetry(
    recordings: Sequence[Path],
    directories: Sequence[Path],
    output: Path,
    *,
    label: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> ImportedTelemetry:
    """Write one recording (its files) with the telemetry of ``directories`` to the new file ``output``.

    Raises TelemetryError for a directory without telemetry, RecordingError if a file cannot be read, has no
    poll, or ``output`` is there already or cannot be written, OptionError for several recordings.
    """
    refuse_standard_output(output, "a recording is written in place")
    rows, skipped = _read(directories)
    with open_recording(recordings) as recording, published_when_complete(output) as hidden:
        recording.check_polls()
        if len(recording.sources) > 1:
            raise OptionError("files", [*map(str, recordings)], "must be files of one recording")
        recorder, clock = _recorder(recording, hidden, label, directories)
        places, outside = _places(rows.at_utc_ns, recording["polls"]["time_utc_ns"])
        ends = np.searchsorted(places, np.arange(len(recording["polls"])), side="right")
        marks = marks_of(recording)
        begin = 0
        for snapshot, end in zip(recording.snapshots(), ends.tolist(), strict=True):
            while marks and marks[-1].received_utc_ns <= snapshot.time_utc_ns:
                recorder.write_mark(marks.pop())
            clock.go_to(snapshot.time_utc_ns)
            recorder.write(replace(snapshot, telemetry=_joined(snapshot.telemetry, rows, begin, end)))
            begin = end
            if progress is not None:
                progress(recorder.polls / len(ends))
        while marks:
            recorder.write_mark(marks.pop())
        recorder.close()
        return ImportedTelemetry(recorder.polls, recorder.marks, len(rows.pid), skipped, outside)


def _read(directories: Sequence[Path]) -> tuple[TelemetryRows, int]:
    """All measurements in the order of time, and how many lines were none."""
    found = [(kind, read_columns(directory, kind)) for directory in directories for kind in KINDS]
    for number, directory in enumerate(directories):
        if not any(len(columns) for _, columns in found[number * len(KINDS) : (number + 1) * len(KINDS)]):
            raise TelemetryError(str(directory), "has no files of telemetry (duration.*.csv, runtime.*.csv)")
    at = np.concatenate([np.array(columns.timepoint, np.int64) for _, columns in found])
    order = np.argsort(at, kind="stable")
    labels = np.array([label for _, columns in found for label in columns.label], dtype=object)
    kinds = np.array([kind for kind, columns in found for _ in columns.label], dtype=object)
    rows = TelemetryRows(
        at_utc_ns=at[order],
        value=np.concatenate([np.array(columns.measurement, np.float64) for _, columns in found])[order],
        label=tuple(labels[order].tolist()),
        kind=tuple(kinds[order].tolist()),
        pid=np.concatenate([np.array(columns.pid, np.int64) for _, columns in found])[order],
    )
    return rows, sum(columns.skipped for _, columns in found)


def _places(at: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], int]:
    """The poll of each measurement, and how many there are before the first one or after the last one."""
    rising = np.maximum.accumulate(times)  # where the clock went back
    places = np.searchsorted(rising, at, side="left")
    outside = int((at < rising[0]).sum() + (places == len(times)).sum())
    return np.minimum(places, len(times) - 1), outside


def _joined(there: TelemetryRows, rows: TelemetryRows, begin: int, end: int) -> TelemetryRows:
    """What the poll has already, and the new measurements."""
    return TelemetryRows(
        at_utc_ns=np.concatenate([there.at_utc_ns, rows.at_utc_ns[begin:end]]),
        value=np.concatenate([there.value, rows.value[begin:end]]),
        label=there.label + rows.label[begin:end],
        kind=there.kind + rows.kind[begin:end],
        pid=np.concatenate([there.pid, rows.pid[begin:end]]),
    )


def _recorder(
    recording: Recording, path: Path, label: str | None, directories: Sequence[Path]
) -> tuple[Hdf5Recorder, ReplayClock]:
    """A recorder that begins and is made as the recording was."""
    (source,) = recording.sources
    polls = recording["polls"]
    began = int(polls["monotonic_ns"][0] - round(polls["time"][0] * 1e9))
    context = RecordingContext(
        label=source.label if label is None else label,
        targets=source.targets,
        properties={**source.properties, "TelemetryFrom": "\n".join(map(str, directories))},
        host=source.host,
        versions=source.versions,
    )
    clock = ReplayClock()
    clock.go_to(source.started_utc_ns)
    part = Part(str(uuid4()), 1, source.started_utc_ns, began, source.started_utc_ns)
    return Hdf5Recorder(path, context, part=part, clock=clock, explain=explain_output), clock

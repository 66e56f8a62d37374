"""The structure of a new recording: NeXus groups, metadata, and the empty columns of every table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from stem_device.recording import format as spec
from stem_device.recording.columns import PLACES
from stem_device.recording.h5_typing import Hdf5Dataset, Hdf5File, Hdf5Group, import_h5py
from stem_device.recording.kinds import NAME_BYTES, Column, Kind, Table, Version
from stem_device.recording.names import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stem_device.recording.recorder import RecordingContext

ENTRY = "entry"
TAILS = "workspace/tails"
END_TIME_BYTES = 32
_LABELS = {
    "missed_total": "events missed",
    "unaccounted_total": "events unaccounted",
    "overdue": "events overdue",
}
"""Of the curves of the default plot."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which file of which recording. All files of a recording share id and start; ``number`` counts from 1.

    ``begun_utc_ns`` is when this file begins.
    """

    recording_id: str
    number: int
    started_utc_ns: int
    started_monotonic_ns: int
    begun_utc_ns: int


def iso8601(utc_ns: int) -> str:
    """``2026-11-22T04:15:30.123456Z``."""
    stamp = datetime.fromtimestamp(utc_ns // 10**9, UTC).replace(microsecond=utc_ns % 10**9 // 1000)
    return stamp.isoformat(timespec="microseconds").replace("+00:00", "Z")


CreateColumn = Callable[[Hdf5Group, Table, Column], Hdf5Dataset]
"""Makes the data set of a column in the group of its table."""


def build(
    file: Hdf5File,
    context: RecordingContext,
    part: Part,
    version: Version = spec.NEWEST,
    *,
    create: CreateColumn | None = None,
) -> None:
    """Make everything in an empty file, as a version of the format has it: without rows, and with space for
    incomplete chunks; or with the columns that ``create`` makes, and without that space.
    """
    file.attrs.update(
        {
            "NX_class": "NXroot",
            "default": ENTRY,
            "stem_format": spec.FORMAT_NAME,
            "stem_format_version": ".".join(map(str, version)),
            "file_time": iso8601(part.begun_utc_ns),
            "creator": "stem-device",
        }
    )
    entry = file.create_group(ENTRY)
    entry.attrs["NX_class"] = "NXentry"
    entry.attrs["default"] = "timeline"
    _describe(entry, context, part)
    for table in spec.TABLES:
        if table.since <= version:
            _table(entry, table, version, create or growing)
    workspace = _group(
        entry, "workspace", "NXcollection", "space for chunks that are not full; no data of its own"
    )
    if create is None:
        _tails(workspace, version)
    _timeline(entry, part, spec.timeline_of(version))


def _describe(entry: Hdf5Group, context: RecordingContext, part: Part) -> None:
    entry["title"] = clean(context.label) or "event monitor recording"
    entry["start_time"] = iso8601(part.begun_utc_ns)
    entry["entry_identifier"] = part.recording_id
    entry["program_name"] = "stem-device"
    entry["program_name"].attrs["version"] = clean(context.versions.get("stem-device", ""))
    group = _group(entry, "context", "NXcollection", "who recorded what, how and with which software")
    group["label"] = clean(context.label)
    group["host"] = clean(context.host)
    group["part"] = part.number
    group["recording_start_time"] = iso8601(part.started_utc_ns)
    # Empty until the file is closed, and so it stays when the writer dies. (Validators stumble over an empty
    # end_time in an NXentry.)
    group.create_dataset(
        "end_time", (0,), f"S{END_TIME_BYTES}", maxshape=(1,), chunks=(1,), compression="gzip", shuffle=True
    )
    _strings(group, "targets", context.targets)
    _strings(group, "property_names", context.properties)
    _strings(group, "property_values", context.properties.values())
    _strings(group, "version_names", context.versions)
    _strings(group, "version_values", context.versions.values())


def _strings(group: Hdf5Group, name: str, values: Iterable[str]) -> None:
    encoded = [clean(value).encode() for value in values]
    width = max(map(len, encoded), default=0) or 1
    group[name] = np.array(encoded, dtype=_text(width))


def _text(width: int) -> Any:
    """UTF-8 of fixed length. Plain numpy strings would be declared ASCII, and readers stumble over others."""
    return import_h5py().string_dtype("utf-8", width)


def _table(entry: Hdf5Group, table: Table, version: Version, create: CreateColumn) -> None:
    group = _group(entry, table.name, "NXcollection", table.about)
    for column in table.columns_of(version):
        dataset = create(group, table, column)
        dataset.attrs["description"] = column.about
        if column.units:
            dataset.attrs["units"] = column.units
        if column.kind is Kind.NAME:
            dataset.attrs["names"] = f"/{ENTRY}/names/text"


def growing(group: Hdf5Group, table: Table, column: Column) -> Hdf5Dataset:
    """The empty data set of a column, which rows may be added to."""
    return group.create_dataset(
        column.name,
        (0,),
        _text(NAME_BYTES) if column.kind is Kind.TEXT else column.kind.value,
        maxshape=(None,),
        chunks=(table.chunk_rows,),
        compression="gzip",
        shuffle=True,
    )


def _tails(group: Hdf5Group, version: Version) -> None:
    """Space for the incomplete last chunk of every column; see ``columns``."""
    bytes_needed = PLACES * sum(
        table.chunk_rows * np.dtype(column.kind.value).itemsize
        for table in spec.TABLES
        if table.since <= version
        for column in table.columns_of(version)
    )
    h5py = import_h5py()
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple((bytes_needed,))
    h5py.h5d.create(group.id, b"tails", h5py.h5t.STD_U8LE, space, dcpl=properties)


def _timeline(entry: Hdf5Group, part: Part, signals: tuple[str, ...]) -> None:
    """The default plot: links to columns of ``polls``."""
    group = _group(entry, "timeline", "NXdata", "the default plot")
    polls = entry["polls"]
    for name in ("time", *signals):
        group[name] = polls[name]
        group[name].attrs["target"] = f"/{ENTRY}/polls/{name}"
    for name in {"time", *signals} & _LABELS.keys():
        group[name].attrs["long_name"] = _LABELS[name]
    group["time"].attrs["start"] = iso8601(part.started_utc_ns)
    group["title"] = "events lost"
    group.attrs.update(
        {"signal": signals[0], "axes": ["time"], "time_indices": [0], "auxiliary_signals": signals[1:]}
    )


def _group(parent: Hdf5Group, name: str, nx_class: str, about: str) -> Hdf5Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    group.attrs["description"] = about
    return group

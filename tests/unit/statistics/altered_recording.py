"""Recordings that are altered snapshot by snapshot, for what synthetic plans do not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from stem_device.model.snapshot import ServerRecord, Snapshot
from stem_device.reading import Recording, open_recording
from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.unit.synthetic_recording import Plan, synthetic_snapshots

Change = Callable[[int, ServerRecord], ServerRecord]
Kept = Callable[[int], bool]


def altered(path: Path, plan: Plan, change: Change, keep: Kept = lambda _: True) -> Recording:
    """The recording of ``plan`` in which ``change(poll, record)`` has replaced the servers."""
    recorder = Hdf5Recorder(path, RecordingContext(label="altered"))
    for poll, snapshot in enumerate(synthetic_snapshots(plan)):
        if keep(poll):
            recorder.write(_with(snapshot, [change(poll, server) for server in snapshot.servers]))
    recorder.close()
    return open_recording(path)


def subscription(record: ServerRecord, row: int, **values: object) -> ServerRecord:
    """``record`` with other values in one of its subscriptions."""
    rows = list(record.subscriptions)
    rows[row] = structs.replace(rows[row], **values)
    return structs.replace(record, subscriptions=tuple(rows))


def _with(snapshot: Snapshot, servers: Iterable[ServerRecord]) -> Snapshot:
    return replace(snapshot, servers=tuple(servers))

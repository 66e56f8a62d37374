"""Marks in a file: all that was told of them, in the order of reception, however many files."""

from __future__ import annotations

import errno
import json
import os
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from stem_device.errors import RecordingError
from stem_device.model.mark import Mark, MarkKind
from stem_device.model.options import Options
from stem_device.recording import Hdf5Recorder, JsonLinesRecorder, RecordingContext, RecordingSession
from stem_device.recording import format as spec
from stem_device.recording.jsonl import mark_line
from stem_device.recording.names import clean
from stem_device.recording.naming import own_recordings
from stem_device.recording.recorder import Owner
from tests.unit.recording.marks_made import begin, end, mark
from tests.unit.recording.snapshots import LARGE_BUFFERS, Size, snapshots

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

from tests.unit.recording.reading import read, read_marks  # noqa: E402 - needs h5py

LAST_SECOND = 250_000_000_000
"""Of the year 9892; the calendar ends in 9999."""
SMALL = Size(servers=2, streams=2, subscriptions=2, samples=2)

texts = st.none() | st.text(max_size=300)
times = st.integers(0, 2**63 - 1)
marks = st.builds(
    Mark,
    kind=st.sampled_from(MarkKind),
    run=st.text(min_size=1, max_size=256),
    name=st.text(min_size=1, max_size=256),
    emitted_utc_ns=times,
    received_utc_ns=times,
    received_monotonic_ns=times,
    iteration=st.none() | times,
    device_group=texts,
    queue=texts,
    configuration=texts,
    host=texts,
    worker=texts,
    requestor=texts,
    request_id=texts,
    error=texts,
)


def marks_in(path: Path) -> list[Mark]:
    """As the reference describes it, with plain h5py."""
    columns = read_marks(path)
    rows = min(map(len, columns.values()))
    made = [{name: column[row] for name, column in columns.items()} for row in range(rows)]
    for one in made:
        one["iteration"] = None if one["iteration"] == -1 else one["iteration"]
    return [msgspec.convert(one, Mark) for one in made]


def cleaned(one: Mark) -> Mark:
    """As HDF5 can hold it."""
    told = {name: clean(value) for name, value in structs.asdict(one).items() if type(value) is str}
    return structs.replace(one, **told)


def test_a_column_for_every_field_and_no_other() -> None:
    assert [column.name for column in spec.MARKS.columns] == list(Mark.__struct_fields__)


@settings(max_examples=10, deadline=None)
@given(st.lists(marks, max_size=5))
def test_all_that_was_told_comes_back(tmp_path_factory: pytest.TempPathFactory, told: list[Mark]) -> None:
    path = tmp_path_factory.mktemp("marks") / "x.h5"
    recorder = Hdf5Recorder(path, RecordingContext())
    for one in told:
        recorder.write_mark(one)
    assert marks_in(path) == list(map(cleaned, told))
    recorder.close()
    assert marks_in(path) == list(map(cleaned, told))


def test_more_than_a_chunk_of_marks_between_polls(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    recorder = Hdf5Recorder(path, RecordingContext())
    polls, told = snapshots(SMALL), []
    for number in range(spec.MARKS.chunk_rows + 5):
        told.append(mark(f"run {number // 10}", f"stage {number % 10}", iteration=number))
        recorder.write_mark(told[-1])
        if number % 100 == 0:
            recorder.write(next(polls))
    recorder.close()
    assert (recorder.marks, recorder.polls) == (len(told), len(told) // 100 + 1)
    assert marks_in(path) == told
    assert read(path)["polls"]["poll"] == list(range(recorder.polls))


@settings(max_examples=50, deadline=None)
@given(marks.filter(lambda one: one.received_utc_ns < LAST_SECOND * 10**9))
def test_a_line_of_json_brings_a_mark_back(told: Mark) -> None:
    line = mark_line(told)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert msgspec.convert(json.loads(line)["mark"], Mark) == told


def test_a_line_says_when_and_leaves_out_what_nobody_told(tmp_path: Path) -> None:
    recorder = JsonLinesRecorder(tmp_path / "x.jsonl")
    recorder.write_mark(begin("a", received_utc_ns=1_795_320_000_123_456_789, queue="q"))
    recorder.close()
    line = json.loads((tmp_path / "x.jsonl").read_text())
    assert line["time"] == "2026-11-22T04:00:00.123456+00:00"
    assert line["mark"]["queue"] == "q"
    assert "error" not in line["mark"]


def session_in(directory: Path, **options: Any) -> RecordingSession:
    return RecordingSession(Options(recording_directory=directory, **options))


def test_marks_are_recorded_while_a_recording_is_under_way_and_only_then(tmp_path: Path) -> None:
    session = session_in(tmp_path)
    assert not session.mark(mark("a", "before"))
    path = session.start("", RecordingContext())
    told = [mark("a", "flashed"), end("a"), mark("b", "late")]
    assert all(map(session.mark, told))
    session.write(next(snapshots(SMALL)))
    assert (session.status.marks, session.status.polls) == (3, 1)
    assert session.status.bytes == path.stat().st_size
    session.stop()
    assert not session.mark(mark("a", "after"))
    assert session.status.marks == 3
    assert marks_in(path) == told


def test_every_recording_begins_with_the_runs_that_are_under_way(tmp_path: Path) -> None:
    session = session_in(tmp_path)
    ended, open_one = begin("ended"), begin("open", device_group="mid", requestor="anna")
    for one in (ended, open_one, mark("open", "requested"), end("ended")):
        assert not session.mark(one)
    first = session.start("", RecordingContext())
    assert session.status.marks == 1
    another = begin("another")
    assert session.mark(another)
    session.stop()
    second = session.start("", RecordingContext())
    last = end("open")
    assert session.mark(last)
    session.stop()
    third = session.start("", RecordingContext())
    session.stop()
    assert marks_in(first) == [open_one, another]
    assert marks_in(second) == [open_one, another, last]
    assert marks_in(third) == [another]


def test_no_mark_is_lost_between_two_files(tmp_path: Path) -> None:
    session = session_in(tmp_path, max_recording_bytes=3_000_000)
    session.start("", RecordingContext())
    told = []
    for number, one in enumerate(islice(snapshots(LARGE_BUFFERS), 30)):
        session.write(one)
        told.append(mark("a", "m", iteration=number))
        assert session.mark(told[-1])
    session.stop()
    files = own_recordings(tmp_path, Owner("", "", ""))
    assert len(files) > 1
    assert [one for path in files for one in marks_in(path)] == told
    assert session.status.marks == len(told)


def test_marks_alone_fill_a_file_too(tmp_path: Path) -> None:
    session = session_in(tmp_path, max_recording_bytes=3_000_000)
    session.start("", RecordingContext())
    told = [mark("a", "m", error=os.urandom(4000).hex()) for _ in range(500)]
    assert all(map(session.mark, told))
    session.stop()
    files = own_recordings(tmp_path, Owner("", "", ""))
    assert len(files) > 1
    assert [one for path in files for one in marks_in(path)] == told


class FullDisk:
    """Stands for ``os.pwrite``; the disk is full once ``writes`` are done."""

    def __init__(self, writes: int) -> None:
        self.left, self.write = writes, os.pwrite

    def __call__(self, *arguments: Any) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.write(*arguments)


def test_a_full_disk_ends_the_recording_and_the_marks_before_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_in(tmp_path)
    path = session.start("", RecordingContext())
    told = [mark("a", "1"), mark("a", "2")]
    assert all(map(session.mark, told))
    monkeypatch.setattr(os, "pwrite", FullDisk(3))
    assert not session.mark(mark("a", "3"))
    assert not session.mark(mark("a", "4"))
    assert not session.status.active
    assert "the disk is full" in session.status.error
    assert marks_in(path) == told


def test_a_recording_that_cannot_begin_with_the_open_runs_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_in(tmp_path)
    session.mark(begin("a"))
    created = Hdf5Recorder.write_mark

    def fails(recorder: Hdf5Recorder, one: Mark) -> None:
        monkeypatch.setattr(os, "pwrite", FullDisk(0))
        created(recorder, one)

    monkeypatch.setattr(Hdf5Recorder, "write_mark", fails)
    with pytest.raises(RecordingError, match="the disk is full"):
        session.start("", RecordingContext())
    assert not session.status.active
    assert "the disk is full" in session.status.error
    monkeypatch.undo()
    path = session.start("", RecordingContext())
    session.stop()
    assert [one.run for one in marks_in(path)] == ["a"]

"""Recordings one after the other: names, files that follow, old files, and the ways in which a disk fails."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stem_device.errors import MissingExtraError, RecordingError
from stem_device.model.options import Options
from stem_device.model.snapshot import Snapshot
from stem_device.reading import open_recording
from stem_device.recording import Hdf5Recorder, RecordingContext, RecordingSession, RecordingStatus
from stem_device.recording.disk_errors import explain
from stem_device.recording.naming import candidates, own_recordings
from stem_device.recording.ordered_file import DescriptorDisk
from stem_device.recording.recorder import DEVICE, SERVER, Owner
from tests.unit.recording.marks_made import mark
from tests.unit.recording.snapshots import LARGE_BUFFERS, Size, snapshots

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

NOBODY = Owner("", "", "")
"""Whose recordings a bare session makes."""
SMALL = Size(servers=2, streams=2, subscriptions=2, samples=2)


class SetClock:
    """Stands still until it is told otherwise."""

    def __init__(self, utc_ns: int = 1_795_320_930_000_000_000) -> None:
        self.now = utc_ns

    def utc_ns(self) -> int:
        return self.now

    def monotonic_ns(self) -> int:
        return self.now

    def advance(self, seconds: int) -> None:
        self.now += seconds * 10**9


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def session_in(directory: Path, clock: SetClock, **options: Any) -> RecordingSession:
    return RecordingSession(Options(recording_directory=directory, **options), clock=clock)


def polls_in(path: Path) -> list[int]:
    with h5py.File(path) as file:
        return file["entry/polls/poll"][:].tolist()


def test_a_relative_directory_is_told_in_full(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = session_in(Path(), clock)
    assert session.start("", RecordingContext()).parent == tmp_path
    session.stop()


def test_a_recording_from_start_to_stop(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock)
    assert session.status == RecordingStatus()
    path = session.start("beam on", RecordingContext(host="here"))
    assert path == tmp_path / "20261122T041530Z-beam_on.h5"
    assert session.start("other", RecordingContext()) == path  # asking twice is no error
    for one in islice(snapshots(SMALL), 3):
        session.write(one)
    assert session.status == RecordingStatus(active=True, path=path, polls=3, bytes=path.stat().st_size)
    session.stop()
    session.stop()
    assert session.status == RecordingStatus(active=False, path=path, polls=3, bytes=path.stat().st_size)
    assert polls_in(path) == [0, 1, 2]
    with h5py.File(path) as file:
        assert file["entry/context/label"].asstr()[()] == "beam on"


def test_a_recording_that_was_given_up_says_so_until_the_next_one(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock)
    path = session.start("", RecordingContext())
    polls = snapshots(SMALL)
    assert session.write(next(polls))
    session.give_up("the disk did not answer")
    assert (session.status.active, session.status.error) == (False, "the disk did not answer")
    assert session.write(next(polls)), "the one that hung reaches the disk after all"
    session.stop()
    assert (session.status.active, session.status.error) == (False, "the disk did not answer")
    assert session.status.polls == len(polls_in(path)) == 2
    session.start("", RecordingContext())
    assert (session.status.active, session.status.error) == (True, "")
    session.stop()


def test_a_mark_waits_for_one_poll_and_not_for_all_that_a_slow_disk_left_behind(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    writes, asked = Hdf5Recorder.write, threading.Event()

    def write(recorder: Hdf5Recorder, snapshot: Snapshot) -> None:
        asked.set()
        end = time.monotonic() + 20.0
        while not written and not session._turn.locked():  # until the mark waits
            assert time.monotonic() < end
            time.sleep(0.001)
        writes(recorder, snapshot)
        written.append("poll")

    session = session_in(tmp_path, clock)
    session.start("", RecordingContext())
    monkeypatch.setattr(Hdf5Recorder, "write", write)
    monkeypatch.setattr(Hdf5Recorder, "write_mark", lambda *_: written.append("mark"))
    backlog = threading.Thread(target=lambda: [session.write(one) for one in islice(snapshots(SMALL), 10)])
    backlog.start()
    try:
        assert asked.wait(20.0)
        assert session.mark(mark("r", "m"))
    finally:
        backlog.join()
    session.stop()
    assert written == ["poll", "mark", *["poll"] * 9]


def test_what_comes_while_nothing_is_recorded_goes_nowhere(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock)
    assert not session.write(next(snapshots(SMALL)))
    assert session.status == RecordingStatus()
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_taken_get_a_counter(tmp_path: Path, clock: SetClock) -> None:
    names = []
    (tmp_path / "20261122T041530Z.3.h5").symlink_to("nowhere")
    for _ in range(3):
        session = session_in(tmp_path, clock)
        names.append(session.start("", RecordingContext()).name)
        session.stop()
    assert names == ["20261122T041530Z.h5", "20261122T041530Z.2.h5", "20261122T041530Z.4.h5"]


@given(label=st.text(max_size=300))
def test_no_label_leaves_the_directory(label: str) -> None:
    names = candidates(Path("/recordings"), 1_795_320_930_000_000_000, label)
    for path in islice(names, 3):
        assert path.parent == Path("/recordings")
        assert re.fullmatch(r"20261122T041530Z(-[A-Za-z0-9_-]{1,64})?(\.\d)?\.h5", path.name)


def test_the_next_file_begins_without_losing_a_poll(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock, max_recording_bytes=3_000_000)
    session.start("long", RecordingContext())
    for one in islice(snapshots(LARGE_BUFFERS), 100):
        clock.advance(10)
        session.write(one)
    session.stop()
    files = sorted(tmp_path.iterdir())
    assert len(files) > 2
    assert [poll for path in files for poll in polls_in(path)] == list(range(100))
    assert session.status.polls == 100
    assert session.status.path == files[-1]
    assert session.status.bytes == sum(path.stat().st_size for path in files)
    identifiers, starts = set(), set()
    for number, path in enumerate(files, 1):
        with h5py.File(path) as file:
            assert file["entry/context/part"][()] == number
            assert file["entry/context/end_time"].shape == (1,)
            identifiers.add(file["entry/entry_identifier"].asstr()[()])
            starts.add(file["entry/polls/time"].attrs["start"])
            assert file["entry/context/label"].asstr()[()] == "long"
    assert len(identifiers) == len(starts) == 1


def test_a_death_between_two_files_is_seen(tmp_path: Path, clock: SetClock, monkeypatch) -> None:
    """The next file is there before the one before it is closed."""

    class DiedError(BaseException):
        pass

    def die(_: Hdf5Recorder) -> None:
        raise DiedError

    session = session_in(tmp_path, clock, max_recording_bytes=3_000_000)
    session.start("", RecordingContext())
    monkeypatch.setattr(Hdf5Recorder, "close", die)
    written = 0
    made = snapshots(LARGE_BUFFERS)
    with pytest.raises(DiedError):  # noqa: PT012 - how many polls it takes is counted
        while True:
            clock.advance(10)
            session.write(next(made))
            written += 1
    files = sorted(tmp_path.iterdir())
    assert [len(polls_in(path)) for path in files] == [written, 0]
    with open_recording(files) as recording:
        assert not recording.sources[0].complete
        assert len(recording["polls"]) == written


def test_a_file_that_cannot_be_closed_ends_the_recording(
    tmp_path: Path, clock: SetClock, monkeypatch
) -> None:
    session = session_in(tmp_path, clock, max_recording_bytes=3_000_000)
    path = session.start("", RecordingContext())
    close = Hdf5Recorder.close

    def fail(recorder: Hdf5Recorder) -> None:
        close(recorder)
        if recorder.path == path:
            raise RecordingError(path, "close", "the disk is full")

    monkeypatch.setattr(Hdf5Recorder, "close", fail)
    made = snapshots(LARGE_BUFFERS)
    while session.status.active:
        clock.advance(10)
        session.write(next(made))
    assert "the disk is full" in session.status.error
    first, second = sorted(tmp_path.iterdir())
    assert len(polls_in(first)) == session.status.polls
    with h5py.File(second) as file:
        assert file["entry/context/end_time"].shape == (1,)


def test_old_files_of_its_own_are_removed_and_no_others(tmp_path: Path, clock: SetClock) -> None:
    foreign = tmp_path / "20200101T000000Z-foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["mine"] = 1
    (tmp_path / "20200101T000001Z.h5").write_text("no HDF5")
    (tmp_path / "20200101T000002Z.h5").mkdir()
    (tmp_path / "notes.txt").write_text("notes")
    others = {path.name for path in tmp_path.iterdir()}
    recorded = []
    for number in range(5):
        session = session_in(tmp_path, clock, keep_recordings=3)
        recorded.append(session.start("x", RecordingContext()).name)
        session.write(next(snapshots(SMALL)))
        kept = {path.name for path in tmp_path.iterdir()} - others
        assert kept == set(recorded[-3:]), number
        session.stop()
        clock.advance(5)
    (tmp_path / recorded[-1]).rename(tmp_path / "renamed.h5")
    assert [path.name for path in own_recordings(tmp_path, NOBODY)] == recorded[2:4]
    assert others < {path.name for path in tmp_path.iterdir()}


def test_files_of_the_same_second_are_removed_in_the_order_they_were_made(
    tmp_path: Path, clock: SetClock
) -> None:
    names = []
    for number in range(4):
        session = session_in(tmp_path, clock, keep_recordings=2)
        path = session.start("x", RecordingContext())
        session.stop()
        os.utime(path, ns=(number, number))
        names.append(path.name)
    assert {path.name for path in tmp_path.iterdir()} == set(names[-2:])


def of_device(name: str, server: str = "EventMonitor/1") -> RecordingContext:
    return RecordingContext(properties={DEVICE: f"tango://db:10000/{name}", SERVER: server}, host="machine")


def test_two_devices_in_one_directory_leave_each_other_alone(tmp_path: Path, clock: SetClock) -> None:
    mine, yours = of_device("sys/eventmon/1"), of_device("sys/eventmon/2")
    other = session_in(tmp_path, clock, keep_recordings=1)
    kept = [other.start("theirs", yours)]
    for _ in range(3):
        clock.advance(5)
        session = session_in(tmp_path, clock, keep_recordings=1)
        kept[1:] = [session.start("ours", mine)]
        session.stop()
    other.write(next(snapshots(SMALL)))
    assert other.status.error == ""
    other.stop()
    assert set(tmp_path.iterdir()) == set(kept)


@pytest.mark.parametrize(
    "theirs", [of_device("sys/eventmon/1", "EventMonitor/other"), RecordingContext(host="machine")]
)
def test_another_server_and_nobody_are_other_owners(
    theirs: RecordingContext, tmp_path: Path, clock: SetClock
) -> None:
    session = session_in(tmp_path, clock)
    session.start("", theirs)
    session.stop()
    assert own_recordings(tmp_path, Owner.of(of_device("sys/eventmon/1").properties, "machine")) == []
    owner = Owner.of({name: text.upper() for name, text in theirs.properties.items()}, "machine")
    assert own_recordings(tmp_path, owner) == [session.status.path]


def test_a_file_that_is_written_is_no_old_one(tmp_path: Path, clock: SetClock) -> None:
    """A second process of the same name, or Init while the disk hangs."""
    first = session_in(tmp_path, clock)
    path = first.start("", RecordingContext())
    assert own_recordings(tmp_path, NOBODY) == []
    with h5py.File(path, "r"):  # other programs may read it, with their locks
        pass
    first.stop()
    assert own_recordings(tmp_path, NOBODY) == [path]


def test_where_locks_cannot_tell_only_closed_files_are_old(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    first = session_in(tmp_path, clock)
    path = first.start("", RecordingContext())
    assert own_recordings(tmp_path, NOBODY) == []
    first.stop()
    assert own_recordings(tmp_path, NOBODY) == [path]


def test_what_a_killed_writer_left_is_an_old_file(tmp_path: Path, clock: SetClock) -> None:
    if not (child := os.fork()):
        session_in(tmp_path, clock).start("", RecordingContext())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (path,) = tmp_path.iterdir()
    assert own_recordings(tmp_path, NOBODY) == [path]


def test_copies_links_and_files_of_others_stay(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_in(tmp_path, clock)
    path = session.start("x", RecordingContext())
    session.stop()
    shutil.copy(path, tmp_path / "20200101T000000Z-x.h5")
    shutil.copy(path, path.with_name(path.name.replace("-x", "-y")))
    assert own_recordings(tmp_path, NOBODY) == [path]
    linked = tmp_path / "20200101T000001Z-x.h5"
    os.link(path, linked)
    assert own_recordings(tmp_path, NOBODY) == []
    linked.unlink()
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert own_recordings(tmp_path, NOBODY) == []


def test_a_pipe_with_the_name_of_a_recording_stops_nobody(tmp_path: Path, clock: SetClock) -> None:
    os.mkfifo(tmp_path / "20200101T000000Z.h5")
    session = session_in(tmp_path, clock, keep_recordings=1)
    assert session.start("", RecordingContext()).exists()
    session.stop()


def test_a_link_is_never_followed(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock)
    target = session.start("", RecordingContext())
    session.stop()
    (tmp_path / "20200101T000000Z.h5").symlink_to(target)
    assert own_recordings(tmp_path, NOBODY) == [target]


def test_a_missing_directory(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path / "absent", clock)
    with pytest.raises(RecordingError, match="create it, or record to another directory"):
        session.start("", RecordingContext())
    assert not session.status.active
    assert "absent" in session.status.error
    (tmp_path / "absent").mkdir()
    session.start("", RecordingContext())
    assert session.status.active
    assert session.status.error == ""
    session.stop()


def test_a_directory_that_vanishes(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path / "disk", clock)
    (tmp_path / "disk").mkdir()
    made = snapshots(SMALL)
    session.start("", RecordingContext())
    session.write(next(made))
    shutil.rmtree(tmp_path / "disk")
    session.write(next(made))
    assert not session.status.active
    assert session.status.polls == 1
    assert "removed, renamed, cut short or unmounted" in session.status.error
    (tmp_path / "disk").mkdir()
    path = session.start("again", RecordingContext())
    session.write(next(made))
    session.stop()
    assert polls_in(path) == [2]


def test_a_file_that_somebody_cut_short_ends_the_recording(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock)
    made = snapshots()
    path = session.start("", RecordingContext())
    session.write(next(made))
    os.truncate(path, 100)
    session.write(next(made))
    assert not session.status.active
    assert "cut short" in session.status.error
    path = session.start("again", RecordingContext())
    session.write(next(made))
    session.stop()
    assert polls_in(path) == [2]


@pytest.mark.parametrize("polls", [1, 40])
@pytest.mark.parametrize(
    "overwrite",
    [
        lambda path: path.write_bytes(b"x" * path.stat().st_size),
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
        lambda path: path.write_bytes(b""),
        lambda path: shutil.copyfile(path.with_name("other.h5"), path),
        lambda path: path.with_name("other.h5").rename(path),
        lambda path: _write_into(path, 2048, b"x" * 65536),
    ],
    ids=["garbage", "longer", "empty", "another recording in place", "another recording", "headers"],
)
def test_a_file_that_another_program_overwrites_ends_the_recording(
    overwrite: Callable[[Path], object], polls: int, tmp_path: Path, clock: SetClock
) -> None:
    other = session_in(tmp_path, clock)
    other.start("", RecordingContext()).rename(tmp_path / "other.h5")
    (tmp_path / "folder").mkdir()
    session = session_in(tmp_path / "folder", clock)
    path = session.start("x", RecordingContext())
    (tmp_path / "other.h5").rename(tmp_path / "folder/other.h5")
    for snapshot in islice(snapshots(SMALL), polls):
        session.write(snapshot)
    assert session.status.active
    overwrite(path)
    content = path.read_bytes()
    session.write(next(snapshots(SMALL)))
    assert not session.status.active
    assert "another program has written to it" in session.status.error
    session.stop()
    assert path.read_bytes() == content, "what the other program wrote is not touched"


def test_a_file_that_is_overwritten_at_the_end_is_told_too(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock)
    path = session.start("x", RecordingContext())
    session.write(next(snapshots(SMALL)))
    path.write_bytes(b"mine")
    session.stop()
    assert "another program has written to it" in session.status.error
    assert path.read_bytes() == b"mine"


def test_a_file_that_is_only_touched_goes_on(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock)
    path = session.start("x", RecordingContext())
    for number, snapshot in enumerate(islice(snapshots(SMALL), 5)):
        session.write(snapshot)
        os.utime(path, ns=(number, number))
    assert session.status.active
    session.stop()
    assert session.status.error == ""


def _write_into(path: Path, position: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        file.write(data)


def test_a_vanished_directory_at_the_time_of_the_next_file(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path / "disk", clock, max_recording_bytes=3_000_000)
    (tmp_path / "disk").mkdir()
    path = session.start("", RecordingContext())
    (tmp_path / "disk").rename(tmp_path / "moved")
    for one in islice(snapshots(LARGE_BUFFERS), 3):
        session.write(one)
    assert not session.status.active
    assert session.status.error
    assert polls_in(tmp_path / "moved" / path.name) == []


class Denied:
    """The directory as the user finds it who may not write there: root may everywhere."""

    def __init__(self, code: int) -> None:
        self._code = code

    def __call__(self, *_: object, **__: object) -> int:
        raise OSError(self._code, os.strerror(self._code))


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EACCES, "let the monitor's user write there"),
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "make room"),
        (errno.ENOTDIR, "not a directory"),
    ],
)
def test_no_permission(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    session = session_in(tmp_path, clock)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", Denied(code))
        with pytest.raises(RecordingError, match=advice) as caught:
            session.start("", RecordingContext())
    assert str(tmp_path) in session.status.error
    assert caught.value.action == "create"
    assert list(tmp_path.iterdir()) == []
    session.start("", RecordingContext())
    session.stop()


@pytest.mark.parametrize("allowed", [0, 1, 40, 200, 500, 900])
def test_a_disk_that_fails_at_any_write(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    """Whatever was reported stays readable, and the next recording works."""
    session = session_in(tmp_path, clock)
    path = session.start("", RecordingContext())
    left = allowed
    write_at = DescriptorDisk.write_at

    def fail(self: DescriptorDisk, address: int, data: bytes) -> None:
        nonlocal left
        if left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left -= 1
        write_at(self, address, data)

    made = snapshots(SMALL)
    with monkeypatch.context() as patched:
        patched.setattr(DescriptorDisk, "write_at", fail)
        while session.status.active:
            session.write(next(made))
    assert "disk is full" in session.status.error
    assert polls_in(path)[: session.status.polls] == list(range(session.status.polls))
    assert len(polls_in(path)) <= session.status.polls + 1
    path = session.start("", RecordingContext())
    session.write(next(made))
    session.stop()
    assert len(polls_in(path)) == 1


def test_a_disk_that_fails_at_the_end(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_in(tmp_path, clock)
    path = session.start("", RecordingContext())
    session.write(next(snapshots(SMALL)))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", Denied(errno.ENOSPC))
        session.stop()
    assert "cannot close" in session.status.error
    assert not session.status.active
    assert polls_in(path) == [0]


@contextmanager
def tiny_disk(disk: Path) -> Iterator[None]:
    """A file system of three megabytes: one is for the last chunks of all columns, in an empty file."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@contextmanager
def short_files(_disk: Path) -> Iterator[None]:
    """No file may be longer than this. It counts holes, which a file system does not."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    ("limited", "told"),
    [
        pytest.param(tiny_disk, "disk is full", marks=pytest.mark.needs("mounts")),
        (short_files, "may not grow"),
    ],
)
def test_a_full_disk(
    limited: Callable[[Path], AbstractContextManager[None]], told: str, tmp_path: Path, clock: SetClock
) -> None:
    with limited(tmp_path):
        record_until_it_is_full(tmp_path, clock, told)


def record_until_it_is_full(disk: Path, clock: SetClock, told: str) -> None:
    session = session_in(disk, clock)
    path = session.start("", RecordingContext())
    made = snapshots(LARGE_BUFFERS)
    while session.status.active:
        session.write(next(made))
    assert told in session.status.error
    assert session.status.polls > 5
    assert polls_in(path)[: session.status.polls] == list(range(session.status.polls))
    path.unlink()
    again = session.start("", RecordingContext())
    session.write(next(made))
    session.stop()
    assert session.status.error == ""
    assert len(polls_in(again)) == 1


def test_no_descriptor_is_left_behind(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    session = session_in(tmp_path, clock)
    session.start("warm up", RecordingContext())
    session.stop()
    before = descriptors()
    for _ in range(3):
        session.start("", RecordingContext())
        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", Denied(errno.EIO))
            session.write(next(snapshots(SMALL)))
        assert not session.status.active
    assert descriptors() == before


def test_a_snapshot_that_cannot_be_written_ends_the_recording(tmp_path: Path, clock: SetClock) -> None:
    session = session_in(tmp_path, clock)
    path = session.start("", RecordingContext())
    session.write(next(snapshots(SMALL)))
    session.write("nonsense")  # type: ignore[arg-type]
    assert "AttributeError" in session.status.error
    assert polls_in(path) == [0]


def test_without_h5py(tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    session = session_in(tmp_path, clock)
    with pytest.raises(MissingExtraError):
        session.start("", RecordingContext())
    assert "stem-device[hdf5]" in session.status.error


def test_an_error_without_advice_speaks_for_itself() -> None:
    assert explain(OSError(errno.EBADF, "odd"), Path("x")) == "[Errno 9] odd"

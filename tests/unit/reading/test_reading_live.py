"""Following a recording, one poll at a time; see tests/system for a real writer process."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from stem_device import open_recording
from stem_device.errors import OptionError, RecordingError, UnreadableRecordingError
from stem_device.model.clock import SystemClock
from stem_device.model.snapshot import Snapshot
from stem_device.reading import Recording, access
from stem_device.reading.follow import Looks
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording.hdf5 import new_recording
from stem_device.recording.layout import Part
from tests.unit.same_snapshots import assert_same
from tests.unit.synthetic_recording import FIRST_POLL, Plan, synthetic_snapshots, write_recording

pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

PLAN = Plan(polls=12, samples=10)


class Writer:
    """A recording in several files, written poll by poll."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._context = RecordingContext()
        self._part = new_recording(SystemClock())
        self.made = list(synthetic_snapshots(PLAN))
        self._recorder = self._open(self._part)

    @property
    def path(self) -> Path:
        return self._recorder.path

    def write(self, polls: range) -> None:
        for poll in polls:
            self._recorder.write(self.made[poll])

    def go_on(self, *, skip: int = 0) -> None:
        """Begin the next file, then close this one, as a recording does."""
        full, self._part = self._recorder, replace(self._part, number=self._part.number + 1 + skip)
        self._recorder = self._open(self._part)
        full.close()

    def close(self) -> None:
        self._recorder.close()

    def _open(self, part: Part) -> Hdf5Recorder:
        return Hdf5Recorder(self._directory / f"{part.number}.h5", self._context, part=part)


@pytest.fixture(autouse=True)
def hardly_any_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_WAIT_SECONDS", 0.0)


@pytest.fixture
def writer(tmp_path: Path):
    """``writer()``; closed in the end."""
    writers = []

    def make() -> Writer:
        writers.append(Writer(tmp_path))
        return writers[-1]

    yield make
    for one in writers:
        one.close()


MakeWriter = Callable[[], Writer]


def test_polls_come_as_they_are_written_and_end_with_the_recording(writer: MakeWriter) -> None:
    recorder = writer()
    recorder.write(range(3))
    with open_recording(recorder.path) as recording:
        polls = recording.follow(interval_seconds=0)
        assert_same(list(islice(polls, 3)), recorder.made[:3])
        recorder.write(range(3, 4))
        assert_same(list(islice(polls, 1)), recorder.made[3:4])
        recorder.write(range(4, 7))
        recorder.close()
        assert_same(list(polls), recorder.made[4:7])


def test_it_goes_on_to_the_next_file(writer: MakeWriter, tmp_path: Path) -> None:
    write_recording(tmp_path / "another.h5", Plan(polls=2))  # is left alone
    (tmp_path / "nothing.h5").write_text("no recording")
    recorder = writer()
    recorder.write(range(2))
    with open_recording(recorder.path) as recording:
        polls = recording.follow(interval_seconds=0)
        assert_same(list(islice(polls, 2)), recorder.made[:2])
        recorder.write(range(2, 3))
        recorder.go_on()
        recorder.write(range(3, 5))
        assert_same(list(islice(polls, 3)), recorder.made[2:5])
        recorder.go_on()
        recorder.go_on()
        recorder.write(range(5, 6))
        recorder.close()
        assert_same(list(polls), recorder.made[5:6])


def test_files_that_were_removed_are_told(writer: MakeWriter, caplog: pytest.LogCaptureFixture) -> None:
    recorder = writer()
    recorder.write(range(1))
    first = recorder.path
    recorder.go_on(skip=2)
    recorder.write(range(1, 2))
    recorder.close()
    with open_recording(first) as recording, caplog.at_level(logging.WARNING):
        assert_same(list(recording.follow(interval_seconds=0)), recorder.made[:2])
    assert "parts 2 to 3" in caplog.text


def test_pipes_beside_the_recording_hold_nobody_up(writer: MakeWriter, tmp_path: Path) -> None:
    """To find the next file, those of the directory are looked at."""
    os.mkfifo(tmp_path / "next.h5")
    made = writer()
    made.write(range(2))
    made.close()
    with open_recording(made.path) as recording:
        assert len(list(recording.follow())) == 2


def test_all_files_that_were_given_come_first(tmp_path: Path) -> None:
    truth = write_recording(tmp_path / "a.h5", replace(PLAN, polls_a_file=5))
    with open_recording(truth.paths) as recording:
        assert_same(list(recording.follow(interval_seconds=0)), list(synthetic_snapshots(PLAN)))


def test_stop(writer: MakeWriter) -> None:
    recorder = writer()
    recorder.write(range(5))
    stop = threading.Event()
    found: list[Snapshot] = []
    with open_recording(recorder.path) as recording:
        for snapshot in recording.follow(stop=stop, interval_seconds=0):
            found.append(snapshot)
            if len(found) == 3:
                stop.set()
        assert len(found) == 3
        waiting = SetInWait()
        assert len(list(recording.follow(stop=waiting, interval_seconds=60))) == 5
        assert waiting.seconds == [60]


class SetInWait(threading.Event):
    """It is set by somebody as soon as it is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        self.set()
        return True


def test_timeout(writer: MakeWriter) -> None:
    recorder = writer()
    recorder.write(range(2))
    with open_recording(recorder.path) as recording:
        assert len(list(recording.follow(interval_seconds=0.001, timeout_seconds=0.01))) == 2


def test_the_time_that_a_poll_is_worked_on_is_no_timeout() -> None:
    times = iter([0.0, 5.0, 100.0, 104.0, 106.0])
    looks = Looks(threading.Event(), 5.0, 0.0, monotonic=lambda: next(times))
    looks.came()  # at 5, after the polls before
    looks.came()  # at 100
    assert looks.waited()
    assert not looks.waited()


def test_of_a_view(writer: MakeWriter) -> None:
    recorder = writer()
    recorder.write(range(4))
    with open_recording(recorder.path) as recording:
        view = recording.select(servers="*/001", start=recorder.made[2].time_utc_ns)
        polls = view.follow(interval_seconds=0)
        assert [one.poll for one in islice(polls, 2)] == [FIRST_POLL + 2, FIRST_POLL + 3]
        recorder.write(range(4, 6))
        recorder.close()
        rest = list(polls)
    assert [one.poll for one in rest] == [FIRST_POLL + 4, FIRST_POLL + 5]
    assert {server.name for one in rest for server in one.servers} == {recorder.made[0].servers[1].name}


def test_a_view_before_the_first_poll(writer: MakeWriter) -> None:
    recorder = writer()
    with open_recording(recorder.path) as recording:
        polls = recording.select(servers="*/001").follow(interval_seconds=0)
        recorder.write(range(1))
        assert [server.name for server in next(polls).servers] == [recorder.made[0].servers[1].name]


def test_what_cannot_be_followed(writer: MakeWriter, tmp_path: Path) -> None:
    other = write_recording(tmp_path / "other.h5", PLAN)
    recorder = writer()
    recorder.write(range(1))
    both = open_recording([recorder.path, *other.paths])
    with both, pytest.raises(OptionError, match="follow: one recording at a time"):
        both.follow()
    with open_recording(recorder.path) as recording:
        polls = recording.follow(interval_seconds=0)
        next(polls)
        recorder.path.unlink()
        with pytest.raises(UnreadableRecordingError, match="no such file"):
            next(polls)
    with pytest.raises(RecordingError, match="the file has been removed"):
        recorder.close()


def test_what_was_opened_stays_as_it_was(writer: MakeWriter) -> None:
    recorder = writer()
    recorder.write(range(3))
    recording: Recording
    with open_recording(recorder.path) as recording:
        missed = recording["subscriptions"]["received_total"]
        recorder.write(range(3, PLAN.polls))
        assert len(recording["polls"]) == 3
        assert recording["subscriptions"]["received_total"].tolist() == missed.tolist()
        assert_same(list(recording.snapshots()), recorder.made[:3])
        recorder.close()
        assert_same(list(recording.snapshots()), recorder.made[:3])

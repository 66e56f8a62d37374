"""Following a recording that another process writes, while it grows and goes from file to file.

Run as a script, this file is the writer.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stem_device.model.options import Options
from stem_device.reading import open_recording
from stem_device.recording import RecordingContext, RecordingSession
from tests.unit.same_snapshots import assert_same
from tests.unit.synthetic_recording import Plan, synthetic_snapshots

pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

MAX_BYTES = 3_000_000
PLAN = Plan(polls=100, samples=900)
PAUSE_SECONDS = 0.005


@contextmanager
def writer(directory: Path, polls: int, max_bytes: int) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that records so many polls of PLAN, and the first file of its recording."""
    command = [sys.executable, "-m", __name__, str(directory), str(polls), str(max_bytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_every_poll_comes_once_and_as_it_was_from_all_files(tmp_path: Path) -> None:
    polls_at_start = []
    with writer(tmp_path, PLAN.polls, MAX_BYTES) as (process, path):
        with open_recording(path) as recording:
            polls_at_start.append(len(recording["polls"]))
            followed = list(recording.follow(interval_seconds=0.02, timeout_seconds=60))
        assert process.wait(timeout=60) == 0

    made = list(synthetic_snapshots(PLAN))
    assert [snapshot.poll for snapshot in followed] == [snapshot.poll for snapshot in made]
    assert_same(followed, made)
    assert polls_at_start[0] < len(made) / 2, "it was not growing"
    assert len(list(tmp_path.glob("*.h5"))) > 2


def test_a_recording_whose_writer_died_is_followed_to_its_last_poll(tmp_path: Path) -> None:
    without_end, one_file = 1_000_000, 0
    with (
        writer(tmp_path, without_end, one_file) as (process, path),
        open_recording(path) as recording,
    ):
        followed = []
        for snapshot in recording.follow(interval_seconds=0.01, timeout_seconds=3):
            followed.append(snapshot.poll)
            if len(followed) == 20:
                process.kill()
                process.wait(timeout=60)

    with open_recording(path) as recording:
        assert followed == recording["polls"]["poll"].tolist()
        assert not recording.sources[0].complete
    assert len(followed) >= 20


def record(directory: Path, polls: int, max_bytes: int) -> None:
    options = Options(recording_directory=directory, max_recording_bytes=max_bytes)
    properties = {"MaxRecordingBytes": str(max_bytes)}
    session = RecordingSession(options)
    path = session.start("", RecordingContext(properties=properties))
    sys.stdout.write(f"{path}\n")
    sys.stdout.flush()
    for snapshot in synthetic_snapshots(replace(PLAN, polls=polls)):
        session.write(snapshot)
        assert session.status.active, session.status.error
        time.sleep(PAUSE_SECONDS)
    session.stop()


if __name__ == "__main__":
    record(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

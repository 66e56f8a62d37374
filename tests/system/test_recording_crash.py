"""SIGKILL at random moments while recording, and while closing: every file opens plainly and holds all that
was reported.

Run as a script, this file is the other side: it forks one recording process after the other, and kills them.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from stem_device.cli.selecting import files_of
from stem_device.model.mark import Mark, MarkKind
from stem_device.reading import open_recording
from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.unit.recording.snapshots import SMALL, snapshots

POLLS = 150
POLLS_IF_CLOSED = 3
MOST_REPORTS = 60
"""After how many reports a victim is killed at the latest: so 30 kills find more than 10 moments."""
LONGEST_STEP_SECONDS = 0.005
"""A poll takes about that long, so that each part of one is hit."""

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [30, pytest.param(200, marks=pytest.mark.matrix)])
def test_every_file_of_a_killed_recorder_holds_what_was_reported(tmp_path: Path, kills: int) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", __name__, str(tmp_path), str(kills)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stderr
    victims = [json.loads(line) for line in finished.stdout.splitlines()]

    reported = [check(tmp_path / victim["name"], victim["polls"]) for victim in victims]
    marks = [check_marks(tmp_path / victim["name"], victim["marks"]) for victim in victims]

    assert len(reported) == kills
    assert sum(victim["killed"] for victim in victims) == kills
    # Most died in the middle of recording, at different moments.
    assert sum(polls > 0 for polls in reported) > kills / 2
    assert len(set(reported)) > 10
    assert sum(count > 0 for count in marks) > kills / 2


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [8, pytest.param(60, marks=pytest.mark.matrix)])
def test_every_file_whose_writer_was_killed_while_it_closed_it_is_complete(
    tmp_path: Path, kills: int
) -> None:
    """It is short, so that a second file is written, which takes its place: there is never another one."""
    finished = subprocess.run(
        [sys.executable, __file__, str(tmp_path), str(kills), "closing"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stderr
    victims = [json.loads(line) for line in finished.stdout.splitlines()]
    assert sum(victim["killed"] for victim in victims) == kills
    for victim in victims:
        path = tmp_path / victim["name"]
        assert check(path, victim["polls"]) == victim["polls"] > 0
        assert check_marks(path, victim["marks"]) == victim["marks"]
        with open_recording(path) as recording:
            assert len(recording["polls"]["poll"]) == victim["polls"]
            (source,) = recording.sources
            assert not victim["closed"] or source.ended_utc_ns is not None
        if victim["closed"]:
            assert not list(tmp_path.glob(f".{path.name}.*"))
    names = sorted(victim["name"] for victim in victims)
    for path in (tmp_path, tmp_path / "*", tmp_path / "*.h5*"):
        assert sorted(one.name for one in files_of(path)) == names, "what was left behind is no recording"
    assert [path for path in tmp_path.iterdir() if path.name not in names and path.name[0] != "."] == []


def check(path: Path, reported: int) -> int:
    if not path.exists():
        assert reported == 0, path
        return 0
    with h5py.File(path) as file:
        entry = file["entry"]
        polls = min(len(column) for column in entry["polls"].values())
        assert polls >= reported, path
        for name in ("poll", "missed_total", "received_total", "time_utc_ns"):
            assert entry["polls"][name][:reported].tolist() == EXPECTED["polls", name][:reported], (
                path,
                name,
            )
        rows = int(entry["polls/subscriptions_end"][reported - 1]) if reported else 0
        assert rows == reported * SMALL.servers * SMALL.subscriptions
        for name in ("poll", "server_counter", "received_total", "overdue"):
            found = entry["subscriptions"][name][:rows].tolist()
            assert found == EXPECTED["subscriptions", name][:rows], (path, name)
        for table in ("servers", "streams", "subscriptions", "subscriber_samples", "publisher_samples"):
            end = int(entry["polls"][f"{table}_end"][reported - 1]) if reported else 0
            assert all(len(column[:]) >= end for column in entry[table].values()), (path, table)
        names = entry["names/text"].asstr()[:]
        found_topics = [names[row] for row in entry["subscriptions/topic"][:rows]]
        assert found_topics == EXPECTED["subscriptions", "topic"][:rows], path
    return reported


def check_marks(path: Path, reported: int) -> int:
    """Whole rows only, and all that were reported."""
    if not path.exists():
        assert reported == 0, path
        return 0
    with h5py.File(path) as file:
        entry = file["entry"]
        marks = min(len(column) for column in entry["marks"].values())
        assert marks >= reported, path
        names = entry["names/text"].asstr()[: len(entry["names/continues"])]
        runs = [names[row] for row in entry["marks/run"][:marks].tolist()]
        assert runs == [mark(number).run for number in range(marks)], path
        assert entry["marks/iteration"][:marks].tolist() == list(range(marks)), path
    return reported


def mark(number: int) -> Mark:
    return Mark(
        kind=MarkKind.MARK,
        run=f"run {number}",
        name="flashed",
        emitted_utc_ns=number,
        received_utc_ns=number,
        received_monotonic_ns=number,
        iteration=number,
    )


def _expected() -> dict[tuple[str, str], list[object]]:
    made = list(islice(snapshots(), POLLS))
    rows = [row for poll in made for server in poll.servers for row in server.subscriptions]
    numbers: list[object] = [
        poll.poll for poll in made for server in poll.servers for _ in server.subscriptions
    ]
    return {
        ("polls", "poll"): [poll.poll for poll in made],
        ("polls", "missed_total"): [poll.counts.missed for poll in made],
        ("polls", "received_total"): [poll.counts.received for poll in made],
        ("polls", "time_utc_ns"): [poll.time_utc_ns for poll in made],
        ("subscriptions", "poll"): numbers,
        ("subscriptions", "server_counter"): [row.server_counter for row in rows],
        ("subscriptions", "received_total"): [row.received_total for row in rows],
        ("subscriptions", "overdue"): [-1 if row.overdue is None else row.overdue for row in rows],
        ("subscriptions", "topic"): [row.topic for row in rows],
    }


EXPECTED = _expected()


def _record(path: Path, reports: int) -> None:
    """The victim: records as fast as it can, and reports what is durable: ``.`` a poll, ``m`` a mark."""
    _write(path, reports, POLLS)


def _record_and_close(path: Path, reports: int) -> None:
    """The same with few polls; ``c`` before it closes the file, ``e`` after that."""
    recorder = _write(path, reports, POLLS_IF_CLOSED)
    os.write(reports, b"c")
    recorder.close()
    os.write(reports, b"e")


def _write(path: Path, reports: int, polls: int) -> Hdf5Recorder:
    recorder = Hdf5Recorder(path, RecordingContext(label="victim"))
    for snapshot in MADE[:polls]:
        recorder.write(snapshot)
        os.write(reports, b".")
        recorder.write_mark(mark(recorder.marks))
        os.write(reports, b"m")
    return recorder


def _kill_one(
    path: Path, work: Callable[[Path, int], object], reports: int, further_seconds: float
) -> dict[str, object]:
    """Kill a victim so long after it has made so many reports."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work(path, writing)
            while True:  # wait for the end
                signal.pause()
        finally:
            os._exit(1)
    os.close(writing)
    reported = b""
    while len(reported) < reports:
        assert select.select([reading], [], [], 30.0)[0], "the victim does not record"
        reported += os.read(reading, reports - len(reported))
    time.sleep(further_seconds)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    while data := os.read(reading, 4096):
        reported += data
    os.close(reading)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    counts = {"polls": reported.count(b"."), "marks": reported.count(b"m")}
    return {"name": path.name, "killed": killed, "closed": b"e" in reported, **counts}


def _closing_seconds() -> float:
    """How long a victim takes to close its file on this machine, now."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = _write(Path(folder) / "0.h5", os.open(os.devnull, os.O_WRONLY), POLLS_IF_CLOSED)
        begun = time.monotonic()
        recorder.close()
        return time.monotonic() - begun


def _kill_all(folder: Path, kills: int, *, closing: bool) -> Iterator[dict[str, object]]:
    moments = random.Random()
    longest = 1.2 * _closing_seconds() if closing else LONGEST_STEP_SECONDS
    for number in range(kills):
        path, later = folder / f"{number}.h5", moments.uniform(0.0, longest)
        if closing:
            yield _kill_one(path, _record_and_close, 2 * POLLS_IF_CLOSED + 1, later)
        else:
            # Every fifth one may die while it creates its file.
            yield _kill_one(path, _record, moments.randint(1, MOST_REPORTS) if number % 5 else 0, later)


if __name__ == "__main__":
    MADE = list(islice(snapshots(), POLLS))
    for one in _kill_all(Path(sys.argv[1]), int(sys.argv[2]), closing="closing" in sys.argv):
        sys.stdout.write(json.dumps(one) + "\n")

"""SIGKILL at random moments while recording: every file opens plainly and holds all that was reported.

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
import time
from itertools import islice
from pathlib import Path

import pytest

from stem_device.model.mark import Mark, MarkKind
from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.unit.recording.snapshots import SMALL, snapshots

POLLS = 150
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
    recorder = Hdf5Recorder(path, RecordingContext(label="victim"))
    for snapshot in MADE:
        recorder.write(snapshot)
        os.write(reports, b".")
        recorder.write_mark(mark(recorder.marks))
        os.write(reports, b"m")
    while True:  # wait for the end
        signal.pause()


def _kill_one(path: Path, reports: int, further_seconds: float) -> dict[str, object]:
    """Kill a victim so long after it has made so many reports."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _record(path, writing)
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
    return {"name": path.name, "killed": killed, **counts}


if __name__ == "__main__":
    MADE = list(islice(snapshots(), POLLS))
    moments = random.Random()
    for number in range(int(sys.argv[2])):
        # Every fifth one may die while it creates its file.
        reports = moments.randint(1, MOST_REPORTS) if number % 5 else 0
        victim = _kill_one(
            Path(sys.argv[1]) / f"{number}.h5", reports, moments.uniform(0.0, LONGEST_STEP_SECONDS)
        )
        sys.stdout.write(json.dumps(victim) + "\n")

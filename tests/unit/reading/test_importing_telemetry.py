"""Telemetry of processes in a recording: every measurement once, with the poll that came next."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py")

from msgspec import structs

from stem_device.errors import OptionError, RecordingError, TelemetryError
from stem_device.model.clock import MAX_UTC_NS
from stem_device.model.limits import MAX_COUNT
from stem_device.model.snapshot import NO_TELEMETRY, Snapshot
from stem_device.reading import open_recording
from stem_device.reading.importing import import_telemetry
from stem_device.reading.recovery import recover
from stem_device.reading.validation import validate
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.statistics import summarise
from stem_device.telemetry.following import Follower
from stem_device.telemetry.reading import MAX_TIME_NS, MAX_VALUE
from tests.unit.recording.snapshots import SMALL, snapshots
from tests.unit.runs_marks import mark
from tests.unit.same_snapshots import assert_same

pytestmark = pytest.mark.extras

HEADER = "Timepoint,Measurement,Label,PID\r\n"
DURATIONS = [(0.5, 0.25, "a", 1), (1.0, 0.5, "a", 1), (1.5, 0.125, "b", 2), (9.0, 1.0, "a", 2)]
"""Time in polls, value, label, process."""


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Four polls, a second apart, and a mark between the second and the third."""
    path = tmp_path / "night.h5"
    recorder = Hdf5Recorder(path, RecordingContext(label="night", targets=("a/b/c",)))
    polls = list(islice(snapshots(SMALL), 4))
    for number, poll in enumerate(polls):
        recorder.write(replace(poll, telemetry=NO_TELEMETRY))
        if number == 1:
            between = poll.time_utc_ns + 1
            recorder.write_mark(structs.replace(mark("r", "begin", 0), received_utc_ns=between))
    recorder.close()
    return path


@pytest.fixture
def telemetry(tmp_path: Path) -> Path:
    folder = tmp_path / "telemetry"
    folder.mkdir()
    polls = list(islice(snapshots(SMALL), 4))
    began, step = polls[0].time_utc_ns, polls[1].time_utc_ns - polls[0].time_utc_ns
    rows = [f"{began + round(at * step)},{value},{label},{pid}" for at, value, label, pid in DURATIONS]
    (folder / "duration.1.csv").write_text(
        HEADER + "\r\n".join(reversed(rows)) + "\r\nnonsense\r\n", newline=""
    )
    (folder / "runtime.1.csv").write_text(f"{HEADER}{began - 5},17.5,user time,1\r\n", newline="")
    return folder


def read(path: Path) -> list[Snapshot]:
    with open_recording(path) as recording:
        return list(recording.snapshots())


def test_each_measurement_is_with_the_poll_that_came_next(
    night: Path, telemetry: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both.h5"
    told = import_telemetry([night], [telemetry], both)
    assert (told.polls, told.marks, told.measurements, told.skipped, told.outside) == (4, 1, 5, 1, 2)
    made = read(both)
    assert [poll.telemetry.label for poll in made] == [("user time",), ("a", "a"), ("b",), ("a",)]
    assert [poll.telemetry.kind for poll in made] == [("runtime",), ("duration",) * 2, *[("duration",)] * 2]
    assert [value for poll in made for value in poll.telemetry.value] == [17.5, 0.25, 0.5, 0.125, 1.0]
    for before, after in zip(read(night), made, strict=True):
        assert_same(replace(after, telemetry=NO_TELEMETRY), before)
    with open_recording(night) as old, open_recording(both) as new:
        assert new.sources[0].label == "night"
        assert new["marks"]["received_utc_ns"].tolist() == old["marks"]["received_utc_ns"].tolist()
        np.testing.assert_array_equal(new["polls"]["time"], old["polls"]["time"])
    assert [one for one in validate(both) if one.severity == "violation"] == []
    assert recover(both, tmp_path / "again.h5").polls == 4
    for recovered, poll in zip(read(tmp_path / "again.h5"), made, strict=True):
        assert_same(recovered.telemetry, poll.telemetry)
    twice = tmp_path / "twice.h5"
    import_telemetry([both], [telemetry], twice, label="again")
    assert sum(len(poll.telemetry.pid) for poll in read(twice)) == 10


def test_statistics_by_label(night: Path, telemetry: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.h5"
    import_telemetry([night], [telemetry], both)
    with open_recording(both) as recording:
        found = summarise(recording).telemetry
        first = summarise(recording.select(end=int(recording["polls"]["time_utc_ns"][1]))).telemetry
    assert [(one.label, one.kind, one.processes, one.values.count) for one in found] == [
        ("a", "duration", 2, 3),
        ("b", "duration", 1, 1),
        ("user time", "runtime", 1, 1),
    ]
    assert (found[0].values.median, found[0].values.maximum) == (0.5, 1.0)
    assert [one.label for one in first] == ["user time"]
    with open_recording(night) as recording:
        assert summarise(recording).telemetry == ()


@pytest.mark.parametrize(
    "row",
    [
        f"{2**63},0.1,x,7",
        f"{2**64},0.1,x,7",
        "-5,0.1,x,7",
        "1795317151500000000,1e300,x,7",
        "1795317151500000000,inf,x,7",
        f"1795317151500000000,0.1,x,{2**63}",
        "1795317151500000000,0.1,x,-1",
    ],
)
def test_numbers_that_cannot_be_are_no_rows(row: str, night: Path, telemetry: Path, tmp_path: Path) -> None:
    """One such row ended the import, and a monitor's poll, or made all of the recording unreadable."""
    follower = Follower(telemetry)
    follower.look()
    (telemetry / "duration.2.csv").write_text(f"{HEADER}{row}\r\n", newline="")
    assert (follower.look(), follower.skipped) == ([], 1)
    new = tmp_path / "new.h5"
    done = import_telemetry([night], [telemetry], new)
    assert (done.measurements, done.skipped) == (5, 2)
    assert sum(len(poll.telemetry.pid) for poll in read(new)) == 5


def test_the_limits_are_those_of_recordings() -> None:
    assert (MAX_TIME_NS, MAX_VALUE) == (MAX_UTC_NS, MAX_COUNT)


def test_what_cannot_be_imported(night: Path, telemetry: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    new = tmp_path / "new.h5"
    with pytest.raises(TelemetryError, match="empty: has no files of telemetry"):
        import_telemetry([night], [telemetry, empty], new)
    with pytest.raises(RecordingError, match=r"night\.h5"):
        import_telemetry([night], [telemetry], night)
    with pytest.raises(OptionError, match="one recording"):
        import_telemetry([night, other(tmp_path)], [telemetry], new)
    assert not new.exists()


def other(folder: Path) -> Path:
    path = folder / "other.h5"
    recorder = Hdf5Recorder(path, RecordingContext())
    recorder.write(next(snapshots(SMALL)))
    recorder.close()
    return path


def test_the_command(
    night: Path, telemetry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversions = pytest.importorskip("stem_device.cli.conversions")
    from stem_device.cli.stats_session import run_stats

    both = tmp_path / "both.h5"
    assert conversions.run_import([night, telemetry], both, label=None, timezone="UTC") == 0
    printed = capsys.readouterr()
    assert printed.out == "imported 5 measurements to 4 polls and 1 marks; 1 lines skipped\n"
    assert "2 measurements are from before the first poll" in printed.err
    run_stats([both], {}, limit=0, as_json=False)
    assert "Durations in processes" in capsys.readouterr().out
    run_stats([both], {}, limit=0, as_json=True)
    (a, b, runtime) = json.loads(capsys.readouterr().out)["telemetry"]
    assert (a["label"], a["values"]["maximum"], b["processes"], runtime["kind"]) == ("a", 1.0, 1, "runtime")
    with pytest.raises(OptionError, match="telemetry goes with a recording"):
        conversions.run_import([telemetry], both, label=None, timezone="UTC")

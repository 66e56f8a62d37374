"""Columns of one file and of many, against what the test itself wrote."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stem_device import open_recording
from stem_device.errors import NoSuchDataError, OptionError
from stem_device.reading.part_file import PartFile
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording import names as recorded_names
from tests.unit.synthetic_recording import (
    FIRST_POLL,
    RECORDING_ID,
    Loss,
    Outage,
    Plan,
    Truth,
    write_recording,
)

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

PLAN = Plan(
    polls=20,
    samples=30,
    losses=(Loss(0, 0, 0, 5), Loss(5, 2, 2, 7), Loss(9, 1, 1, 3, gaps=2)),
    outages=(Outage(4, 3, 3),),
)
OTHER = replace(
    PLAN,
    polls=12,
    seed=2,
    recording_id="other",
    start_utc_ns=PLAN.start_utc_ns - 10**9,
    label="another",
    host="control-8",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return write_recording(tmp_path_factory.mktemp("whole") / "a.h5", PLAN)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return write_recording(tmp_path_factory.mktemp("parts") / "a.h5", replace(PLAN, polls_a_file=7))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return write_recording(tmp_path_factory.mktemp("other") / "b.h5", OTHER)


@pytest.fixture
def column_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the columns that are read from files."""
    reads = []
    column = PartFile.column

    def spy(file: PartFile, table: str, name: str, ranges: list[tuple[int, int]]) -> np.ndarray:
        reads.append(f"{table}/{name}")
        return column(file, table, name, ranges)

    monkeypatch.setattr(PartFile, "column", spy)
    return reads


@pytest.mark.parametrize("made", ["whole", "parts"])
def test_the_truth_comes_back(made: str, request: pytest.FixtureRequest) -> None:
    truth: Truth = request.getfixturevalue(made)
    with open_recording(truth.paths) as recording:
        polls, streams, subscriptions = (recording[name] for name in ("polls", "streams", "subscriptions"))
        assert len(polls) == PLAN.polls
        assert polls["poll"].tolist() == list(range(FIRST_POLL, FIRST_POLL + PLAN.polls))
        np.testing.assert_array_equal(polls["time_utc_ns"], truth.time_utc_ns)
        np.testing.assert_array_equal(polls["time"], np.arange(PLAN.polls) * PLAN.period_seconds)

        np.testing.assert_array_equal(streams["published_delta"], truth.published.ravel())
        np.testing.assert_array_equal(subscriptions["received_delta"], truth.received.ravel())
        np.testing.assert_array_equal(subscriptions["missed_delta"], truth.missed.ravel())
        assert streams["stream"].tolist() == [name for own in truth.streams for name in own] * PLAN.polls
        assert subscriptions["topic"].tolist() == [name for own in truth.topics for name in own] * PLAN.polls

        samples = recording["subscriber_samples"]
        for column in ("attr_name", "process_micros", "first_callback_latency_micros", "discarded"):
            np.testing.assert_array_equal(samples[column], truth.subscriber_samples[column])
        np.testing.assert_array_equal(samples["poll"] - FIRST_POLL, truth.subscriber_samples["poll"])
        assert samples["server"].tolist() == [truth.servers[n] for n in truth.subscriber_samples["server"]]


def test_sums_of_what_counts_are_the_truth(parts: Truth) -> None:
    with open_recording(parts.paths) as recording:
        for table, column, total in (
            ("streams", "published_delta", parts.published_total),
            ("subscriptions", "received_delta", parts.received_total),
            ("subscriptions", "missed_delta", parts.missed_total),
            ("subscriptions", "gaps_delta", parts.gaps_total),
        ):
            rows = recording[table]
            assert rows[column][rows["counted"]].sum() == total
            assert rows[column].sum() > total, "the first poll must have something that does not count"
    assert parts.missed_total == 10


def test_rows_tell_the_time_and_the_row_of_their_poll(parts: Truth) -> None:
    with open_recording(parts.paths) as recording:
        polls = recording["polls"]
        for name in ("servers", "subscriptions", "publisher_samples", "problems"):
            table = recording[name]
            assert len(table) > 0
            np.testing.assert_array_equal(polls["poll"][table.poll_rows()], table["poll"])
            np.testing.assert_array_equal(polls["time_utc_ns"][table.poll_rows()], table["time_utc_ns"])
        assert polls.poll_rows().tolist() == list(range(PLAN.polls))
        with pytest.raises(NoSuchDataError, match="marks"):
            recording["marks"].poll_rows()


def test_types(whole: Truth) -> None:
    with open_recording(str(whole.paths[0])) as recording:
        samples = recording["subscriber_samples"]
        kinds = {column: samples[column].dtype.name for column in samples.columns}
        assert kinds == {
            "poll": "int64",
            "server": "object",
            "attr_name": "object",
            "event_type": "object",
            "micros_since_last_event": "float64",
            "sleep_micros": "int64",
            "process_micros": "int64",
            "first_callback_latency_micros": "float64",
            "callback_count": "int64",
            "wake_count": "int64",
            "discarded": "bool",
            "source": "int32",
            "time_utc_ns": "int64",
            "counted": "bool",
        }
        assert samples["event_type"].tolist() == [None] * len(samples)
        assert samples.codes("server").dtype == np.int32
        assert set(samples.codes("event_type")) == {-1}
        assert list(recording.names[samples.codes("server")]) == list(samples["server"])
        for name in recording.tables:
            table = recording[name]
            assert {len(table[column]) for column in table.columns} == {len(table)}, name


def test_only_what_is_asked_for_is_read(whole: Truth, column_reads: list[str]) -> None:
    with open_recording(whole.paths[0]) as recording:
        assert column_reads == []
        samples = recording["subscriber_samples"]
        assert samples["process_micros"].sum() > 0
        assert column_reads == ["polls/subscriber_samples_end", "subscriber_samples/process_micros"]


def test_several_monitors_are_several_sources(parts: Truth, other: Truth) -> None:
    with open_recording([*parts.paths[::-1], *other.paths]) as recording:
        first, second = recording.sources
        assert (first.id, second.id) == ("other", RECORDING_ID)
        assert (first.label, first.host) == ("another", "control-8")
        assert second.paths == tuple(path.resolve() for path in parts.paths)
        assert second.properties["PollPeriod"] == "10.0"
        assert second.targets == ("dserver/*/*",)
        assert second.versions["stem-device"]
        assert all(source.complete and not source.missing_parts for source in recording.sources)
        assert [source.first_poll for source in recording.sources] == [FIRST_POLL, FIRST_POLL]
        assert recording.files == (*first.paths, *second.paths)

        polls, missed = recording["polls"], recording["subscriptions"]
        assert polls["source"].tolist() == [0] * OTHER.polls + [1] * PLAN.polls
        assert np.flatnonzero(~polls["counted"]).tolist() == [0, OTHER.polls]
        for number, truth in enumerate((other, parts)):
            own = missed["counted"] & (missed["source"] == number)
            assert missed["missed_delta"][own].sum() == truth.missed_total
        # The same names have the same codes, whichever file they come from.
        assert len(set(recording.names)) == len(recording.names)
        codes, sources = missed.codes("topic"), missed["source"]
        assert set(codes[sources == 0]) == set(codes[sources == 1])


def test_what_is_given_twice_counts_once(parts: Truth, tmp_path: Path) -> None:
    copy = tmp_path / "copy.h5"
    shutil.copy(parts.paths[1], copy)
    link = tmp_path / "link.h5"
    link.symlink_to(parts.paths[0])
    with open_recording([*parts.paths, parts.paths[0], link, copy]) as recording:
        assert len(recording.files) == len(parts.paths)
        assert len(recording["polls"]) == PLAN.polls


def test_of_copies_the_longest_is_read(parts: Truth, tmp_path: Path) -> None:
    short = tmp_path / "short.h5"
    shutil.copy(parts.paths[0], short)
    _without_end(short, polls=3)
    for paths in ([short, *parts.paths], [*parts.paths, short]):
        with open_recording(paths) as recording:
            assert len(recording["polls"]) == PLAN.polls


def test_missing_parts_are_told(parts: Truth) -> None:
    with open_recording([parts.paths[2], parts.paths[0]]) as recording:
        (source,) = recording.sources
        assert source.missing_parts == (2,)
        assert not source.complete
        assert source.ended_utc_ns is not None
        assert len(recording["polls"]) == 13
    with open_recording(parts.paths[1]) as recording:
        assert recording.sources[0].missing_parts == (1,)
        assert recording.sources[0].started_utc_ns == PLAN.start_utc_ns
        assert recording.sources[0].first_poll == FIRST_POLL + 7


def test_polls_that_were_never_complete_are_not_shown(whole: Truth, tmp_path: Path) -> None:
    path = tmp_path / "died.h5"
    shutil.copy(whole.paths[0], path)
    _without_end(path, polls=15)
    with h5py.File(path, "r+") as file:
        file["entry/polls/poll"].resize((16,))  # the writer died between two columns
    with open_recording(path) as recording:
        assert recording.sources[0].ended_utc_ns is None
        assert not recording.sources[0].complete
        assert recording["polls"]["poll"].tolist() == list(range(FIRST_POLL, FIRST_POLL + 15))
        np.testing.assert_array_equal(recording["subscriptions"]["missed_delta"], whole.missed[:15].ravel())
        assert len(recording["subscriber_samples"]) == np.count_nonzero(whole.subscriber_samples["poll"] < 15)


def test_a_recording_without_polls(tmp_path: Path) -> None:
    path = tmp_path / "empty.h5"
    recorder = Hdf5Recorder(path, RecordingContext())
    with open_recording(path) as recording:
        assert [len(recording[name]) for name in recording.tables] == [0] * len(recording.tables)
        assert recording.sources[0].first_poll == -1
        assert list(recording.snapshots()) == []
    recorder.close()
    with open_recording(path) as recording:
        for name in recording.tables:
            assert {len(recording[name][column]) for column in recording[name].columns} == {0}


def test_files_of_format_1_0_have_no_marks(whole: Truth, tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    shutil.copy(whole.paths[0], path)
    with h5py.File(path, "r+") as file:
        file.attrs["stem_format_version"] = "1.0"
        del file["entry/marks"]
    with open_recording(path) as recording:
        marks = recording["marks"]
        assert len(marks) == 0
        assert {len(marks[column]) for column in marks.columns} == {0}
        assert len(recording["polls"]) == PLAN.polls


def test_what_newer_minor_versions_add_is_ignored(whole: Truth, tmp_path: Path) -> None:
    path = tmp_path / "new.h5"
    shutil.copy(whole.paths[0], path)
    with h5py.File(path, "r+") as file:
        file.attrs["stem_format_version"] = "1.99"
        file["entry/polls"]["surprise"] = np.arange(PLAN.polls)
        file["entry/novelties/poll"] = np.arange(3)
    with open_recording(path) as recording:
        assert len(recording["polls"]) == PLAN.polls
        assert "novelties" not in recording.tables


def test_long_names_and_names_that_come_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_names, "MAX_REMEMBERED", 5)
    servers = 3
    plan = Plan(polls=4, servers=servers, streams=2, subscriptions=2, samples=2)
    truth = write_recording(tmp_path / "a.h5", plan)
    with h5py.File(truth.paths[0], "r+") as file:
        rows = len(file["entry/names/text"])
        for name, values in (("text", [b"\xc3\xa4" * 96, b"b" * 192, b"c" * 116]), ("continues", [0, 1, 1])):
            column = file["entry/names"][name]
            column.resize((rows + 3,))
            column[rows:] = values
        file["entry/problems/problem"][0] = rows
    with open_recording(truth.paths) as recording:
        assert recording["problems"]["problem"].tolist() == ["\u00e4" * 96 + "b" * 192 + "c" * 116]
        assert len(set(recording.names)) == len(recording.names)
        codes = recording["servers"].codes("server")
        assert len(set(codes)) == servers
        assert recording["servers"]["server"].tolist() == list(truth.servers) * plan.polls


def test_names_that_do_not_exist(whole: Truth) -> None:
    with open_recording(whole.paths) as recording:
        with pytest.raises(NoSuchDataError, match="no table 'poll'; there are polls, servers"):
            recording["poll"]
        with pytest.raises(NoSuchDataError, match="column of polls 'servers_end'; there are poll, time"):
            recording["polls"]["servers_end"]
        with pytest.raises(NoSuchDataError, match="column of names in streams 'pushed'; there are server"):
            recording["streams"].codes("pushed")
        assert "missed_delta" in recording["subscriptions"]
        assert list(recording["problems"]) == ["poll", "problem", "source", "time_utc_ns", "counted"]
        assert "problems: 3 rows" in repr(recording["problems"])
        assert str(whole.paths[0]) in repr(recording)


def test_without_a_path() -> None:
    with pytest.raises(OptionError, match="at least one file"):
        open_recording([])


def test_the_package_imports_the_reader_only_when_it_is_asked_for() -> None:
    code = (
        "import sys, stem_device; assert 'stem_device.reading' not in sys.modules;"
        "stem_device.open_recording; assert 'stem_device.reading' in sys.modules;"
        "assert not {'tango', 'h5py', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _without_end(path: Path, *, polls: int) -> None:
    """As if the writer had died after so many polls; rows of other tables stay."""
    with h5py.File(path, "r+") as file:
        file["entry/context/end_time"].resize((0,))
        for column in file["entry/polls"].values():
            column.resize((polls,))

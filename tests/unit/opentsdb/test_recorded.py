"""A recording answers what the window answered while it was recorded."""

from __future__ import annotations

import lzma
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stem_device.errors import TsdbQueryError
from stem_device.model.mark import Mark, MarkKind
from stem_device.opentsdb.limits import Budget, Limits
from stem_device.opentsdb.recorded import LOOK_SECONDS, TAG, RecordedFiles, RecordedSeries
from stem_device.opentsdb.series import SeriesSource
from stem_device.opentsdb.window import LiveWindow
from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.unit.synthetic_recording import START_UTC_NS, Plan, synthetic_snapshots, write_recording

pytestmark = pytest.mark.extras
NEVER = 2**62
DATA = Path(__file__).parents[2] / "data"

MARKS = [
    Mark(
        kind=kind,
        run="night",
        name=name,
        emitted_utc_ns=START_UTC_NS + second * 10**9,
        received_utc_ns=START_UTC_NS + second * 10**9,
        received_monotonic_ns=1,
        host="ctrl",
    )
    for kind, name, second in ((MarkKind.BEGIN, "begin", 15), (MarkKind.END, "end", 900))
]
PLAN = Plan(polls=150, marks={1: MARKS[:1], 90: MARKS[1:]})


def everything(
    source: SeriesSource, metric: str
) -> dict[tuple[tuple[str, str], ...], tuple[list[int], list[float]]]:
    found = source.read(metric, 0, NEVER, lambda _: True, Budget(Limits()))
    return {tuple(sorted(one.tags.items())): (one.times_ns.tolist(), one.values.tolist()) for one in found}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = write_recording(tmp_path_factory.mktemp("recorded") / "night.h5", PLAN).paths
    return path


def test_it_has_the_numbers_of_the_window(path: Path) -> None:
    window = LiveWindow()
    for snapshot in synthetic_snapshots(PLAN):
        window.take(snapshot)
    with closing(RecordedFiles(path)) as source:
        told = [metric for metric in sorted(window.metrics()) if everything(window, metric)]
        for metric in told:
            expected, found = everything(window, metric), everything(source, metric)
            assert found.keys() == expected.keys(), metric
            for tags, (times, values) in found.items():
                assert times == expected[tags][0], metric
                assert values == pytest.approx(expected[tags][1]), metric
        assert len(told) > 50
        metric = "stem_server_age_seconds"
        budget = Budget(Limits())
        assert sorted(map(str, source.tag_sets(metric, budget))) == sorted(
            map(str, window.tag_sets(metric, budget))
        )


def test_only_the_pieces_that_are_asked_for_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    original = RecordedSeries._read_piece

    def spy(self: RecordedSeries, number: int) -> Any:
        read.append(number)
        return original(self, number)

    monkeypatch.setattr(RecordedSeries, "_read_piece", spy)
    budget = Budget(Limits())
    with closing(RecordedFiles(path)) as source:
        begin = START_UTC_NS + 70 * 10**10
        for _ in range(2):
            (one,) = source.read("stem_polls_total", begin, begin + 10**10, lambda _: True, budget)
        assert read == [1]
        assert np.diff(one.values).tolist() == [1, 1, 1]
        with pytest.raises(TsdbQueryError, match="takes longer"):
            list(source.read("stem_polls_total", 0, NEVER, lambda _: True, Budget(Limits(seconds=-1))))
        read.clear()
        with pytest.raises(TsdbQueryError, match="more than 60 points"):
            list(source.read("stem_polls_total", 0, NEVER, lambda _: True, Budget(Limits(points=60))))
        assert read == [0], "no more is read than is allowed"


def test_marks_are_annotations(path: Path) -> None:
    with closing(RecordedFiles(path)) as source:
        first, second = source.annotations(0, NEVER)
        assert (first.description, second.description) == ("night: begin", "night: end")
        assert first.custom == {"run": "night", "mark": "begin", "kind": "begin", "host": "ctrl"}
        at = MARKS[0].emitted_utc_ns
        assert first.time_ns == at
        assert source.annotations(at, at) == [first]
        assert source.annotations(at + 1, at + 2) == []


def test_several_recordings_are_told_apart(path: Path, tmp_path: Path) -> None:
    other = Plan(polls=3, label="day", recording_id="0d4d1f6e-3a55-4f0c-9d0f-6a3b6c1e0002")
    (second,) = write_recording(tmp_path / "day.h5", other).paths
    with closing(RecordedFiles([path, second])) as source:
        told = everything(source, "stem_polls_total")
        lengths = {dict(tags)[TAG]: len(times) for tags, (times, _) in told.items()}
        assert lengths == {"synthetic": 150, "day": 3}
        assert {one[TAG] for one in source.tag_sets("stem_polls_total", Budget(Limits()))} == lengths.keys()
        found = source.read("stem_polls_total", 0, NEVER, lambda tags: tags[TAG] == "day", Budget(Limits()))
        assert [dict(one.tags) for one in found] == [{TAG: "day"}]
        assert [one.description for one in source.annotations(0, NEVER)] == ["night: begin", "night: end"]


def test_a_recording_of_an_older_format_has_what_it_knows(tmp_path: Path) -> None:
    old = tmp_path / "old.h5"
    old.write_bytes(lzma.decompress((DATA / "recording-1.1.h5.xz").read_bytes()))
    with closing(RecordedFiles(old)) as source:
        assert everything(source, "stem_events_missed_total")
        assert everything(source, "stem_events_unaccounted") == {}
        for metric in source.metrics():
            everything(source, metric)


def test_an_empty_recording_has_no_series(tmp_path: Path) -> None:
    empty = tmp_path / "empty.h5"
    Hdf5Recorder(empty, RecordingContext()).close()
    with closing(RecordedFiles(empty)) as source:
        assert everything(source, "stem_polls_total") == {}
        assert list(source.tag_sets("stem_polls_total", Budget(Limits()))) == []
        assert source.annotations(0, NEVER) == []


def test_a_recording_that_grows_is_looked_at_again(tmp_path: Path) -> None:
    path, now = tmp_path / "grows.h5", 0.0
    snapshots = list(synthetic_snapshots(Plan(polls=200)))
    recorder = Hdf5Recorder(path, RecordingContext())
    for snapshot in snapshots[:100]:
        recorder.write(snapshot)
    with closing(RecordedFiles(path, now=lambda: now)) as source:

        def polls() -> list[float]:
            ((_, values),) = everything(source, "stem_polls_total").values()
            return values

        assert len(polls()) == 100
        for snapshot in snapshots[100:]:
            recorder.write(snapshot)
        assert len(polls()) == 100, "it is not looked at all the time"
        now += LOOK_SECONDS
        assert polls() == [one.poll for one in snapshots]
    recorder.close()

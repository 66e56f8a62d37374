"""What is exported is what was recorded; JSON lines bring the same numbers when they are imported again."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stem_device.accounting import Ledger
from stem_device.errors import MissingExtraError, OptionError, RecordingError
from stem_device.reading import Recording, open_recording
from stem_device.reading.exporting import Format, blocks, export
from stem_device.reading.importing import import_lines
from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.unit.reading.conversion_polls import poll, texts
from tests.unit.reading.conversion_recording import MARKS, POLLS, write

h5py = pytest.importorskip("h5py")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
zstandard = pytest.importorskip("zstandard")
pytestmark = pytest.mark.extras

MAY_LACK = {
    "servers": {"pid"},
    "subscriptions": {"overdue", "lost_since_utc_ns"},
    "marks": {"iteration"},
}
"""Whole numbers that are null in Parquet where there is none."""

NOT_REBUILT = {
    "polls": {
        "poll", "time", "monotonic_ns", "duration_seconds", "spread_seconds", "monitoring_since_utc_ns",
    },
    "servers": {
        "reason", "since_utc_ns", "tango_version", "asked_utc_ns", "asked_monotonic_ns", "round_trip_seconds",
        "queries",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    with open_recording(write(tmp_path_factory.mktemp("export") / "run.h5")) as opened:
        yield opened


def recorded(path: Path, polls: int, seed: int, *, patched: bool) -> Path:
    ledger, recorder = Ledger(), Hdf5Recorder(path, RecordingContext())
    for number, replies in enumerate(texts(polls, seed, patched=patched), 1):
        recorder.write(ledger.account(poll(number, replies)))
    for mark in MARKS:
        recorder.write_mark(mark)
    recorder.close()
    return path


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    polls=st.integers(1, 25),
    patched=st.booleans(),
    suffix=st.sampled_from(["", ".gz", ".zst"]),
)
def test_importing_what_was_exported_gives_the_same_numbers(
    seed: int, polls: int, patched: bool, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("round")
    with open_recording(recorded(folder / "a.h5", polls, seed, patched=patched)) as original:
        lines = export(original, folder / f"a.jsonl{suffix}")
        assert lines == polls + len(MARKS)
        assert import_lines([folder / f"a.jsonl{suffix}"], folder / "b.h5").skipped == 0
        with open_recording(folder / "b.h5") as again:
            for table in original.tables:
                for column in set(original[table].columns) - NOT_REBUILT.get(table, set()):
                    if table != "texts" and (column != "poll" or table != "polls"):
                        before, after = original[table][column], again[table][column]
                        assert repr(before.tolist()) == repr(after.tolist()), (table, column)


def test_the_lines_have_the_shape_of_the_recorder(recording: Recording, tmp_path: Path) -> None:
    assert export(recording, tmp_path / "run.jsonl") == POLLS + len(MARKS)
    lines = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    kinds = ["mark" if "mark" in line else "poll" for line in lines]
    assert (kinds.count("poll"), kinds.count("mark")) == (POLLS, len(MARKS))
    times = [line["time"] for line in lines]
    assert times == sorted(times)
    first = recording["servers"]["server"][0]
    failing = lines[[i for i, kind in enumerate(kinds) if kind == "poll"][4]]["replies"][first]
    assert failing == {"error": "the reply cannot be used"}
    data = lines[0]["replies"][first]["data"]
    assert data["version"] == 1
    assert data["client"]["not_connected"][0]["attribute"] == "position"


def read_csv(text: str) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Timepoint", "Measurement", "Label", "PID"]
    return rows[1:]


def test_csv_is_a_long_table_of_counters_and_samples(recording: Recording, tmp_path: Path) -> None:
    number = export(recording, tmp_path / "run.csv")
    rows = read_csv((tmp_path / "run.csv").read_text())
    assert len(rows) == number
    assert {row[3] for row in rows} == {""}
    by_label: dict[str, list[tuple[int, float]]] = {}
    for moment, value, label, _ in rows:
        by_label.setdefault(label, []).append((int(moment), float(value)))
    polls = recording["polls"]
    assert by_label["polls.missed_total"] == list(
        zip(polls["time_utc_ns"].tolist(), polls["missed_total"].tolist(), strict=True)
    )
    table = recording["subscriptions"]
    server, topic = table["server"][7], table["topic"][7]
    own = (table["server"] == server) & (table["topic"] == topic)
    expected = list(
        zip(table["time_utc_ns"][own].tolist(), table["received_delta"][own].tolist(), strict=True)
    )
    assert by_label[f"subscriptions.received_delta {server} {topic}"] == expected
    samples = recording["subscriber_samples"]["process_micros"]
    found = [value for label, values in by_label.items() if "process_micros" in label for _, value in values]
    assert sum(found) == samples.sum()
    assert len(found) == len(samples)
    assert not any(math.isnan(value) for values in by_label.values() for _, value in values)


def test_selections_are_exported(recording: Recording, tmp_path: Path) -> None:
    times = recording["polls"]["time_utc_ns"]
    server = recording["servers"]["server"][1]
    view = recording.select(start=int(times[10]), end=int(times[20]), servers=server)
    export(view, tmp_path / "view.csv.gz")
    rows = read_csv(gzip.decompress((tmp_path / "view.csv.gz").read_bytes()).decode())
    assert {int(row[0]) for row in rows} == set(times[10:20].tolist())
    assert {row[2].split()[1] for row in rows if " " in row[2]} == {server}
    export(view, tmp_path / "view.jsonl.zst")
    data = zstandard.ZstdDecompressor().stream_reader((tmp_path / "view.jsonl.zst").read_bytes()).read()
    lines = [json.loads(line) for line in data.splitlines()]
    polls = [line for line in lines if "replies" in line]
    assert len(polls) == 10
    assert {name for line in polls for name in line["replies"]} == {server}


def test_parquet_long_table(recording: Recording, tmp_path: Path) -> None:
    export(recording, tmp_path / "run.csv")
    number = export(recording, tmp_path / "run.parquet")
    table = parquet.read_table(tmp_path / "run.parquet")
    assert table.num_rows == number
    rows = read_csv((tmp_path / "run.csv").read_text())
    assert table["Timepoint"].cast(pyarrow.int64()).to_pylist() == [int(row[0]) for row in rows]
    assert table["Measurement"].to_pylist() == [float(row[1]) for row in rows]
    assert table["Label"].to_pylist() == [row[2] for row in rows]
    assert table["PID"].null_count == number


def comparable(value: object) -> object:
    return "NaN" if value != value else value  # noqa: PLR0124 - NaN is none of the numbers


def test_parquet_of_every_table(recording: Recording, tmp_path: Path) -> None:
    export(recording, tmp_path / "tables", Format.PARQUET)
    assert {path.stem for path in (tmp_path / "tables").iterdir()} == set(recording.tables)
    for name in recording.tables:
        found, table = parquet.read_table(tmp_path / f"tables/{name}.parquet"), recording[name]
        assert found.num_rows == len(table)
        for column in set(table.columns) & set(found.column_names):
            values, expected = found[column].to_pylist(), table[column].tolist()
            if column in MAY_LACK.get(name, set()):  # -1 in a recording
                expected = [None if value == -1 else value for value in expected]
            assert list(map(comparable, values)) == list(map(comparable, expected)), (name, column)
    marks = parquet.read_table(tmp_path / "tables/marks.parquet")
    assert marks["iteration"].to_pylist() == [None, 2, None]
    assert marks["error"].to_pylist() == [None, None, "too hot"]


def test_memory_is_bounded_by_blocks(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(recording, tmp_path / "whole.csv")
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 500)
    pieces = list(blocks.blocks_of(recording))
    assert len(pieces) > 5
    assert pieces[-1].done == 1.0
    assert max(len(block.rows("subscriptions")) for block in pieces) <= 500
    export(recording, tmp_path / "pieces.csv")
    assert sorted(read_csv((tmp_path / "pieces.csv").read_text())) == sorted(
        read_csv((tmp_path / "whole.csv").read_text())
    )


@pytest.mark.parametrize(("name", "form"), [("a.h5", None), ("a", None), ("a.gz", None)])
def test_a_name_that_tells_no_format(
    name: str, form: Format | None, recording: Recording, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=r"\.jsonl, "):
        export(recording, tmp_path / name, form)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_it_leaves_nothing(
    name: str, error: BaseException, recording: Recording, tmp_path: Path
) -> None:
    def stop(_done: float) -> None:
        raise error

    with pytest.raises((KeyboardInterrupt, RecordingError), match=r"^$|the disk is full"):
        export(recording, tmp_path / name, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mine")
    (tmp_path / "tables").mkdir()
    for name, form, why in (
        ("a.csv", None, "never overwritten"),
        ("tables", Format.PARQUET, "a directory of"),
    ):
        with pytest.raises(RecordingError, match=why):
            export(recording, tmp_path / name, form)
    assert (tmp_path / "a.csv").read_text() == "mine"


def test_parquet_is_an_optional_part(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="parquet"):
        export(recording, tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []

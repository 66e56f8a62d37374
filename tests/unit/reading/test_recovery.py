"""What can be read of a damaged file is in the recovered one, as it was written; the rest is told."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stem_device.errors import RecordingError
from stem_device.reading.recovery import Recovery, recover
from stem_device.reading.recovery.child import rewrite
from stem_device.reading.recovery.journal import Journal
from stem_device.reading.validation import Severity
from stem_device.reading.validation.checking import findings
from stem_device.recording import format as spec
from stem_device.recording.kinds import Column, Kind
from tests.unit.reading.conversion_recording import MARKS, POLLS, write
from tests.unit.synthetic_recording import FIRST_POLL, Plan, write_recording

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

COUNTERS = ("polls", "servers", "streams", "subscriptions")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("good") / "good.h5")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.h5"
    write_recording(path, Plan(polls=200, servers=3, streams=12, subscriptions=12, samples=20))
    return path


def rows_by_poll(path: Path) -> dict[str, dict[int, list[tuple[Any, ...]]]]:
    """Every row of every table with names in place of their numbers, by table and number of the poll."""
    with h5py.File(path) as file:
        entry = file["entry"]
        names = list(entry["names/text"].asstr()[:])
        found: dict[str, dict[int, list[tuple[Any, ...]]]] = {}
        for table in spec.ROW_TABLES[:-1]:  # texts have places in another table
            columns = [_values(entry[table.name][one.name], one, names) for one in table.columns]
            found[table.name] = {}
            for row in zip(*columns, strict=True):
                found[table.name].setdefault(row[0], []).append(row)
        columns = [
            _values(entry["polls"][one.name], one, names)
            for one in spec.POLLS.columns
            if not one.name.endswith("_end")
        ]
        found["polls"] = {row[0]: [row] for row in zip(*columns, strict=True)}
    return found


def _values(dataset: Any, column: Column, names: list[str]) -> list[Any]:
    values = dataset[:].tolist()
    if column.kind is Kind.NAME:
        return [None if row < 0 else names[row] for row in values]
    return ["NaN" if isinstance(value, float) and math.isnan(value) else value for value in values]


def check(original: Path, new: Path, result: Recovery) -> dict[str, dict[int, list[tuple[Any, ...]]]]:
    """The recovered file is valid, and every poll in it is one of the original; what is in it."""
    assert [one for one in findings(new) if one.severity is Severity.VIOLATION] == []
    truth, found = rows_by_poll(original), rows_by_poll(new)
    assert len(found["polls"]) == result.polls
    for table in COUNTERS:
        for poll in found["polls"]:
            assert found[table].get(poll) == truth[table].get(poll), (table, poll)
    for table in found.keys() - set(COUNTERS):
        for poll, rows in found[table].items():
            for row, meant in zip(rows, truth[table][poll], strict=True):
                assert row == meant or only_told_floats(table, row, meant, result), (table, poll)
    return found


def only_told_floats(table: str, row: tuple[Any, ...], meant: tuple[Any, ...], result: Recovery) -> bool:
    """Whether they differ only where a float is NaN now, of a column that the recovery says has losses."""
    (owner,) = (one for one in spec.TABLES if one.name == table)
    different = [
        (column, found)
        for column, found, value in zip(owner.columns, row, meant, strict=True)
        if found != value
    ]
    return all(
        column.kind is Kind.FLOAT
        and found == "NaN"
        and any(f"{table}/{column.name}:" in sentence for sentence in result.lost)
        for column, found in different
    )


def recovered(path: Path, output: Path) -> Recovery:
    """In this process, which is faster; HDF5 survives what is wrong here."""
    return rewrite(path, output, Journal(quiet=True))


def damaged(good: Path, tmp_path: Path, corrupt: Callable[[Any], None]) -> Path:
    path = Path(shutil.copy(good, tmp_path / "damaged.h5"))
    with h5py.File(path, "r+") as file:
        corrupt(file)
    return path


def garble(path: str, chunk: int) -> Callable[[Any], None]:
    def corrupt(file: Any) -> None:
        dataset = file[path]
        dataset.id.write_direct_chunk((chunk * dataset.chunks[0],), b"\1" * 40, filter_mask=0)

    return corrupt


def test_nothing_is_lost_of_a_good_file(good: Path, tmp_path: Path) -> None:
    before = good.read_bytes()
    result = recover(good, tmp_path / "new.h5")
    assert result == Recovery(POLLS, POLLS, len(MARKS), len(MARKS), ())
    assert check(good, tmp_path / "new.h5", result) == rows_by_poll(good)
    assert good.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["new.h5"]
    with h5py.File(good) as old, h5py.File(tmp_path / "new.h5") as new:
        for name in ("title", "entry_identifier", "start_time", "context/host", "context/part"):
            assert old["entry"][name][()] == new["entry"][name][()]
        for name in ("context/targets", "context/property_values", "context/end_time"):
            assert old["entry"][name][:].tolist() == new["entry"][name][:].tolist()
        assert old["entry/marks/iteration"][:].tolist() == new["entry/marks/iteration"][:].tolist()
        old_texts, new_texts = (
            old["entry/text_bytes/data"][:].tobytes(),
            new["entry/text_bytes/data"][:].tobytes(),
        )
        assert old_texts == new_texts
        assert len(new_texts) > 0


@pytest.mark.parametrize(("share", "least"), [(0.9, 100), (0.8, 40)])
def test_the_beginning_of_a_truncated_file_is_recovered(
    share: float, least: int, long: Path, tmp_path: Path
) -> None:
    """``share`` of what stands behind the space for the last chunks is left."""
    with h5py.File(long) as file:
        tails = file["entry/workspace/tails"]
        begin = tails.id.get_offset() + len(tails)
    cut = tmp_path / "cut.h5"
    data = long.read_bytes()
    cut.write_bytes(data[: begin + int((len(data) - begin) * share)])
    result = recovered(cut, tmp_path / "new.h5")
    found = check(long, tmp_path / "new.h5", result)
    assert least <= result.polls <= 200
    assert FIRST_POLL in found["polls"]
    assert any("ends" in sentence and "bytes early" in sentence for sentence in result.lost)


def test_the_last_rows_survive_the_loss_of_the_end(good: Path, tmp_path: Path) -> None:
    """They are stored once more when a file is closed; before that they were elsewhere, and still are."""
    _cut_and_recover(good, tmp_path)


def test_where_the_last_rows_were_is_told_by_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other versions of the program may store more or less rows together."""
    with monkeypatch.context() as other:
        other.setattr(spec, "TABLES", tuple(replace(table, chunk_rows=96) for table in spec.TABLES))
        old = write(tmp_path / "old.h5")
    with h5py.File(old) as file:
        assert file["entry/streams/published_delta"].chunks == (96,)
    _cut_and_recover(old, tmp_path)


def _cut_and_recover(good: Path, tmp_path: Path) -> None:
    with h5py.File(good) as file:
        ids = [column.id for column in file["entry/polls"].values()]
        places = [one.get_chunk_info(one.get_num_chunks() - 1).byte_offset for one in ids]
        last = sorted(places)[-8]
    cut = tmp_path / "cut.h5"
    cut.write_bytes(good.read_bytes()[:last])
    result = recovered(cut, tmp_path / "new.h5")
    check(good, tmp_path / "new.h5", result)
    assert result.polls == POLLS


def test_a_damaged_chunk_of_counters_costs_its_polls_and_no_others(long: Path, tmp_path: Path) -> None:
    with h5py.File(long) as file:
        numbers = set(file["entry/subscriptions/poll"][1024:2048].tolist())
    path = damaged(long, tmp_path, garble("entry/subscriptions/missed_total", 1))
    result = recovered(path, tmp_path / "new.h5")
    found = check(long, tmp_path / "new.h5", result)
    assert set(range(FIRST_POLL, FIRST_POLL + 200)) - set(found["polls"]) == numbers
    assert any("subscriptions/missed_total" in sentence and "1 chunk" in sentence for sentence in result.lost)


def test_damaged_samples_cost_no_poll(long: Path, tmp_path: Path) -> None:
    path = damaged(long, tmp_path, garble("entry/subscriber_samples/process_micros", 3))
    result = recovered(path, tmp_path / "new.h5")
    found = check(long, tmp_path / "new.h5", result)
    assert result.polls == 200
    assert 140 < len(found["subscriber_samples"]) < 200
    assert len(found["publisher_samples"]) == 200


def test_damaged_floats_are_nan_and_damaged_names_have_a_stand_in(good: Path, tmp_path: Path) -> None:
    def corrupt(file: Any) -> None:
        garble("entry/polls/published_rate", 0)(file)
        garble("entry/names/text", 0)(file)
        file["entry/workspace/tails"][:] = 0  # where they were while the file grew

    result = recovered(damaged(good, tmp_path, corrupt), tmp_path / "new.h5")
    assert result.polls == POLLS
    assert not [one for one in findings(tmp_path / "new.h5") if one.severity is Severity.VIOLATION]
    with h5py.File(good) as old, h5py.File(tmp_path / "new.h5") as new:
        assert np.isnan(new["entry/polls/published_rate"][:64]).all()
        assert (
            new["entry/polls/published_rate"][64:].tolist() == old["entry/polls/published_rate"][64:].tolist()
        )
        assert new["entry/names/text"].asstr()[5] == "(lost 5)"
        # What tells things by a code has no stand-in: nobody knows what it told.
        assert set(old["entry/subscriptions/link"][:]) != {-1}
        assert set(new["entry/subscriptions/link"][:]) == set(new["entry/servers/failure"][:]) == {-1}
        assert new["entry/streams/stream"][:].tolist() == old["entry/streams/stream"][:].tolist()
        assert new["entry/streams/pushed"][:].tolist() == old["entry/streams/pushed"][:].tolist()


def test_the_first_names_are_found_where_they_were_while_the_file_grew(good: Path, tmp_path: Path) -> None:
    recovered(damaged(good, tmp_path, garble("entry/names/text", 0)), tmp_path / "new.h5")
    with h5py.File(good) as old, h5py.File(tmp_path / "new.h5") as new:
        names, found = (file["entry/names/text"].asstr()[:].tolist() for file in (old, new))
    assert len(names) > 64
    assert sum(one != other for one, other in zip(names, found, strict=True)) <= 1


@pytest.mark.parametrize("name", ["polls/streams_end", "streams/poll", "polls/time"])
def test_what_follows_from_other_columns_is_not_lost(name: str, good: Path, tmp_path: Path) -> None:
    result = recovered(damaged(good, tmp_path, garble(f"entry/{name}", 0)), tmp_path / "new.h5")
    assert result.polls == POLLS
    check(good, tmp_path / "new.h5", result)


def test_a_column_that_is_lost_altogether_is_empty_and_costs_no_poll(good: Path, tmp_path: Path) -> None:
    path = damaged(good, tmp_path, lambda file: file["entry/servers"].__delitem__("since_utc_ns"))
    result = recovered(path, tmp_path / "new.h5")
    assert result.polls == POLLS
    assert result.lost == ("/entry/servers/since_utc_ns: the whole column is lost",)
    found = list(findings(tmp_path / "new.h5"))
    assert {(one.check, one.severity) for one in found} == {("counts", Severity.NOTE)}
    with h5py.File(tmp_path / "new.h5") as file:
        assert set(file["entry/servers/since_utc_ns"][:].tolist()) == {-1}


def test_values_that_cannot_be_true_cost_their_polls(good: Path, tmp_path: Path) -> None:
    def corrupt(file: Any) -> None:
        file["entry/polls/poll"][10] = 2**40
        file["entry/polls/missed_total"][20] = 2**40
        file["entry/streams/server"][file["entry/polls/streams_end"][29]] = 10**6
        end = file["entry/polls/streams_end"][39]
        file["entry/streams/server"][end] = file["entry/streams/stream"][end]

    result = recovered(damaged(good, tmp_path, corrupt), tmp_path / "new.h5")
    found = check(good, tmp_path / "new.h5", result)
    assert set(range(FIRST_POLL, FIRST_POLL + POLLS)) - set(found["polls"]) == {
        FIRST_POLL + 10, FIRST_POLL + 20, FIRST_POLL + 30, FIRST_POLL + 40,
    }  # fmt: skip


def test_a_damaged_superblock_is_made_anew(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.h5"
    path.write_bytes(b"\xff" * 96 + good.read_bytes()[96:])
    result = recovered(path, tmp_path / "new.h5")
    assert result.lost == ("the superblock was damaged",)
    assert check(good, tmp_path / "new.h5", result) == rows_by_poll(good)


def test_a_file_of_a_killed_writer(tmp_path: Path) -> None:
    path = write(tmp_path / "open.h5", close=False)
    result = recovered(path, tmp_path / "new.h5")
    assert (result.polls, result.lost) == (POLLS, ())
    check(path, tmp_path / "new.h5", result)


@pytest.mark.parametrize("content", [b"", b"no HDF5 at all" * 1000])
def test_nothing_to_recover_leaves_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(RecordingError, match="cannot recover"):
        recover(tmp_path / "x.h5", tmp_path / "new.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["x.h5"]


def test_nothing_is_overwritten(good: Path, tmp_path: Path) -> None:
    (tmp_path / "there.h5").write_text("mine")
    with pytest.raises(RecordingError, match="never overwritten"):
        recover(good, tmp_path / "there.h5")
    assert (tmp_path / "there.h5").read_text() == "mine"
    with pytest.raises(RecordingError, match="does not exist; create it"):
        recover(good, tmp_path / "nowhere/new.h5")
    with pytest.raises(RecordingError, match="No such file"):
        recover(tmp_path / "nothing.h5", tmp_path / "new.h5")


def test_a_column_that_kills_hdf5_is_left_out(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands in for HDF5: a Python that dies once the column is about to be read."""
    deadly = "/entry/servers/age_seconds"
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\n"
        "import os, runpy, signal, sys\n"
        "sys.argv = sys.argv[2:]\n"
        "from stem_device.reading.recovery.journal import Journal\n"
        "tell = Journal.doing\n"
        "def doing(self, path, done=0.0):\n"
        "    tell(self, path, done)\n"
        f"    if path == '{deadly}' and not self.deadly(path):\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "Journal.doing = doing\n"
        "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=False)\n"
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    result = recover(good, tmp_path / "new.h5")
    assert result.polls == POLLS
    assert f"{deadly}: lost, since HDF5 dies of it" in result.lost

"""Files of older versions of the format: what they do not tell is unknown, in everything that reads them.

``recording-1.1.h5.xz`` was written by the program at commit 4940dc1, from the polls of ``OLD`` below.
"""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from stem_device import open_recording
from stem_device.errors import NotRecordedError
from stem_device.reading.exporting import Format, export
from stem_device.reading.importing import import_lines
from stem_device.reading.recovery import Recovery, recover
from stem_device.reading.validation import validate
from tests.unit.reading.conversion_recording import MARKS, made, write
from tests.unit.synthetic_recording import Loss, Outage, Plan, write_recording

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

FILE = Path(__file__).parents[2] / "data" / "recording-1.1.h5.xz"
OLD = Plan(
    polls=12, servers=2, streams=2, subscriptions=2, samples=3,
    losses=(Loss(3, 0, 1, 2), Loss(6, 1, 0, 5, 2)), outages=(Outage(4, 1, 1),),
)  # fmt: skip
SINCE_THEN = ("unaccounted_total", "missed_before", "unobserved_total")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.h5"
    path.write_bytes(lzma.decompress(FILE.read_bytes()))
    return path


def test_they_are_valid(old: Path) -> None:
    assert list(validate(old)) == []
    with h5py.File(old, "r+") as file:
        assert file.attrs["stem_format_version"] == "1.1"
        del file["entry/subscriptions/overdue"]
    assert {(one.check, one.where) for one in validate(old)} == {("columns", "/entry/subscriptions/overdue")}


def test_integers_that_they_lack_are_refused_and_masked_but_never_zero(old: Path) -> None:
    with open_recording(old) as recording:
        for table in ("polls", "servers", "subscriptions"):
            for column in SINCE_THEN:
                with pytest.raises(
                    NotRecordedError, match=rf"{table}/{column} is unknown in .*old\.h5.*1\.1"
                ):
                    recording[table][column]
                assert not recording[table].knows(column)
                masked = recording[table].masked(column)
                assert masked.mask.all()
                assert len(masked) == len(recording[table])
        assert np.isnan(recording["subscriptions"]["lag_seconds"]).all()
        assert set(recording["subscriptions"]["link"]) == {None}
        assert not recording["subscriptions"]["ended"].any()
        assert not recording["servers"]["followed"].any()
        assert len(recording["departed"]) == 0
        assert len(recording["departed"]["unaccounted_total"]) == 0
        np.testing.assert_array_equal(
            recording["subscriptions"].masked("missed_total"), recording["subscriptions"]["missed_total"]
        )


def test_their_snapshots_say_what_was_recorded_and_none_for_the_rest(old: Path) -> None:
    with open_recording(old) as recording:
        found = list(recording.snapshots())
    assert [one.poll for one in found] == [one.poll for one in made(OLD)]
    for one, truth in zip(found, made(OLD), strict=True):
        assert (one.counts.missed, one.counts.received) == (truth.counts.missed, truth.counts.received)
        unknown: Any = (one.counts.unaccounted, one.counts.overdue_unknown, one.departed.missed)
        assert unknown == (None, None, None)
        assert one.verdict is None
        for server, true_server in zip(one.servers, truth.servers, strict=True):
            assert (server.name, server.state) == (true_server.name, true_server.state)
            assert (server.identity.life, server.failure, server.event_endpoints) == (None, None, None)
            assert not server.ended
            assert not server.followed
            for row, true_row in zip(server.subscriptions, true_server.subscriptions, strict=True):
                assert (row.missed_total, row.overdue) == (true_row.missed_total, true_row.overdue)
                assert [getattr(row, name) for name in SINCE_THEN] == [None] * 3
                assert (row.unaccounted_delta, row.link, row.lag_seconds, row.cause) == (None,) * 4


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_have_no_number_where_there_is_none(library: str, old: Path, tmp_path: Path) -> None:
    pytest.importorskip(library)
    new = write_recording(tmp_path / "new.h5", Plan(polls=3, start_utc_ns=1_900_000_000_000_000_000))
    with open_recording([old, *new.paths]) as recording:
        frame = recording["polls"].frame(library)
    there = (
        frame["unaccounted_total"].is_not_null()
        if library == "polars"
        else frame["unaccounted_total"].notna()
    )
    assert there.to_list() == [False] * OLD.polls + [True] * 3


def test_recovery_keeps_the_version_and_invents_nothing(old: Path, tmp_path: Path) -> None:
    assert recover(old, tmp_path / "new.h5") == Recovery(12, 12, len(MARKS), len(MARKS), ())
    with h5py.File(tmp_path / "new.h5") as file, h5py.File(old) as before:
        assert file.attrs["stem_format_version"] == "1.1"
        assert {*file["entry"]} == {*before["entry"]}
        assert {*file["entry/subscriptions"]} == {*before["entry/subscriptions"]}
        np.testing.assert_array_equal(
            file["entry/subscriptions/missed_total"][:], before["entry/subscriptions/missed_total"][:]
        )


def test_recovery_finds_the_version_by_what_is_there(old: Path, tmp_path: Path) -> None:
    with h5py.File(old, "r+") as file:
        del file.attrs["stem_format_version"]
    recover(old, tmp_path / "new.h5")
    with h5py.File(tmp_path / "new.h5") as file:
        assert file.attrs["stem_format_version"] == "1.1"
    write_recording(tmp_path / "a.h5", Plan(polls=3))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file.attrs["stem_format_version"]
    recover(tmp_path / "a.h5", tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5") as file:
        assert file.attrs["stem_format_version"] == "1.3"


def test_exports_leave_out_what_is_not_known(old: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    with open_recording(old) as recording:
        export(recording, tmp_path / "long.csv")
        export(recording, tmp_path / "tables", Format.PARQUET)
        export(recording, tmp_path / "lines.jsonl")
    text = (tmp_path / "long.csv").read_text()
    assert "subscriptions.missed_total" in text
    assert "unaccounted" not in text
    table = parquet.read_table(tmp_path / "tables" / "subscriptions.parquet")
    assert table["unaccounted_total"].null_count == len(table) > 0
    assert table["missed_total"].null_count == 0
    assert import_lines([tmp_path / "lines.jsonl"], tmp_path / "again.h5").polls == OLD.polls


def test_with_newer_ones_the_known_rows_are_known(old: Path, tmp_path: Path) -> None:
    new = write_recording(tmp_path / "new.h5", Plan(polls=3, start_utc_ns=1_900_000_000_000_000_000))
    with open_recording([old, *new.paths]) as recording:
        masked = recording["polls"].masked("unaccounted_total")
        assert masked.mask.tolist() == [True] * OLD.polls + [False] * 3
        with pytest.raises(NotRecordedError, match=r"old\.h5"):
            recording["polls"]["unaccounted_total"]
        later = recording.select(start=1_900_000_000_000_000_000)
        assert later["polls"].knows("unaccounted_total")
        assert later["polls"]["unaccounted_total"].tolist() == [0, 0, 0]
        assert {one.counts.unaccounted for one in recording.snapshots()} == {None, 0}


def test_what_is_left_of_a_lost_column_is_no_measurement(tmp_path: Path) -> None:
    """-1 would be one in a column that may be negative."""
    write_recording(tmp_path / "a.h5", Plan(polls=3))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["entry/subscriptions/unaccounted_delta"]
    result = recover(tmp_path / "a.h5", tmp_path / "b.h5")
    assert result.polls == 3
    with open_recording(tmp_path / "b.h5") as recording:
        assert recording["subscriptions"].masked("unaccounted_delta").mask.all()
        assert set(recording["subscriptions"]["unaccounted_delta"].tolist()) == {-(2**63)}


def test_a_negative_delta_is_valid_and_survives_recovery_and_export(tmp_path: Path) -> None:
    snapshots = made(OLD)
    first = snapshots[5].servers[0]
    rows = (structs.replace(first.subscriptions[0], unaccounted_delta=-1), *first.subscriptions[1:])
    servers = (structs.replace(first, subscriptions=rows), *snapshots[5].servers[1:])
    snapshots[5] = replace(snapshots[5], servers=servers)
    path = write(tmp_path / "a.h5", snapshots)
    assert list(validate(path)) == []
    recover(path, tmp_path / "b.h5")
    with open_recording(tmp_path / "b.h5") as recording:
        assert recording["subscriptions"].masked("unaccounted_delta").min() == -1
        export(recording, tmp_path / "long.csv")
    assert ",-1,subscriptions.unaccounted_delta " in (tmp_path / "long.csv").read_text()

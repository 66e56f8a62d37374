"""A recording is complete after every single write: each prefix of the writes is opened and compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from stem_device.model.mark import Mark, MarkKind
from stem_device.recording import Hdf5Recorder, RecordingContext, chunk_index
from stem_device.recording import format as spec
from stem_device.recording.columns import PLACES, GrowingColumn
from stem_device.recording.hdf5 import _create
from stem_device.recording.ordered_file import OrderedFile
from tests.unit.recording.prefixes import LoggingDisk, LoggingFile, Operation, Reported, replay
from tests.unit.recording.snapshots import Size, snapshots

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.extras

CHUNK_ROWS = 4
COLUMNS = 2
MARKS_A_POLL = 1


def expected(column: int, rows: int) -> np.ndarray:
    return np.arange(rows) * 1_000_003 + column


class Columns:
    """A few columns without the rest of a recording, so that many chunks are written quickly."""

    def __init__(self) -> None:
        self.disk = LoggingDisk()
        self.file = OrderedFile(self.disk)
        self.hdf5 = _create(h5py, self.file)
        self.rows = 0
        datasets = [self._dataset(f"column{number}") for number in range(COLUMNS)]
        tails = self._tails(datasets)
        self.hdf5.flush()
        self.file.commit_structure(())
        self.structure = len(self.disk.log)
        self.columns = [
            GrowingColumn(dataset, self.file, tails + number * PLACES * CHUNK_ROWS * 8)
            for number, dataset in enumerate(datasets)
        ]

    def append(self, count: int) -> None:
        values = [expected(number, self.rows + count)[self.rows :] for number in range(COLUMNS)]
        for column, own in zip(self.columns, values, strict=True):
            column.append(own)
        self.commit()
        self.rows += count
        self.disk.log.append(Reported(self.rows))

    def close(self) -> None:
        for column in self.columns:
            column.compress_tail()
        self.commit()
        self.hdf5.close()
        self.file.commit()

    def commit(self) -> None:
        self.hdf5.flush()
        self.file.commit()

    def _dataset(self, name: str):
        return self.hdf5.create_dataset(
            name, (0,), "i8", maxshape=(None,), chunks=(CHUNK_ROWS,), compression="gzip", shuffle=True
        )

    def _tails(self, datasets) -> int:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple((len(datasets) * PLACES * CHUNK_ROWS * 8,))
        tails = h5py.h5d.create(self.hdf5.id, b"tails", h5py.h5t.STD_U8LE, space, dcpl=properties)
        return tails.get_offset()


def check_columns(path: Path) -> Callable[[Reported], None]:
    def check(reported: Reported) -> None:
        rows = reported.polls
        with h5py.File(path) as file:
            for number in range(COLUMNS):
                found = file[f"column{number}"][:]
                assert len(found) >= rows
                np.testing.assert_array_equal(found[:rows], expected(number, rows))

    return check


def shrink_metadata_cache(hdf5) -> None:
    """Have HDF5 write its index nodes early and read them back, as it does in very large recordings."""
    config = hdf5.id.get_mdc_config()
    config.set_initial_size, config.initial_size = True, 1024
    config.min_size, config.max_size = 1024, 1024
    hdf5.id.set_mdc_config(config)


def test_index_nodes_that_hdf5_reads_back(tmp_path: Path) -> None:
    columns = Columns()
    shrink_metadata_cache(columns.hdf5)
    reads: list[int] = []
    read_at = columns.disk.read_at

    def spy(address: int, size: int) -> bytes:
        reads.append(size)
        return read_at(address, size)

    columns.disk.read_at = spy  # type: ignore[method-assign]
    for _ in range(90):
        columns.append(3)
    columns.close()
    path = tmp_path / "state.h5"

    replay(columns.disk.log, path, check_columns(path), first=columns.structure)

    assert reads.count(chunk_index.NODE_BYTES) > 50


def test_columns_are_complete_after_every_write(tmp_path: Path) -> None:
    columns = Columns()
    random = np.random.default_rng(5)
    while columns.rows < 430:  # more than 64 chunks, so that nodes of the index split
        columns.append(int(random.integers(1, 3 * CHUNK_ROWS)))
    columns.close()
    path = tmp_path / "state.h5"

    states = replay(columns.disk.log, path, check_columns(path), first=columns.structure)

    assert states > 800
    with h5py.File(path) as file:
        assert file["column0"].id.get_num_chunks() > 100


def test_the_order_of_hdf5_itself_would_not_do(tmp_path: Path) -> None:
    """The same columns written by plain h5py, flushed after each poll: the check finds broken states."""
    target = LoggingFile()
    with h5py.File("plain", "w", driver="fileobj", fileobj=target) as file:
        datasets = [
            file.create_dataset(
                f"column{number}",
                (0,),
                "i8",
                maxshape=(None,),
                chunks=(64,),
                compression="gzip",
                shuffle=True,
            )
            for number in range(COLUMNS)
        ]
        file.flush()
        structure = len(target.log)
        for rows in range(20, 400, 20):
            for number, dataset in enumerate(datasets):
                dataset.resize((rows,))
                dataset[rows - 20 :] = expected(number, rows)[rows - 20 :]
            file.flush()
            target.log.append(Reported(rows))
    path = tmp_path / "state.h5"
    check, broken = check_columns(path), []

    def count(reported: Reported) -> None:
        try:
            check(reported)
        except (OSError, AssertionError, KeyError) as error:
            broken.append(error)

    replay(target.log, path, count, first=structure)

    assert broken


def mark(number: int) -> Mark:
    """Every one has a name that no row before it has: the name has to be there before the mark is."""
    run = f"run {number} " + "x" * 100 * (number % 3)  # some names take two rows
    return Mark(
        kind=MarkKind.MARK,
        run=run,
        name="flashed",
        emitted_utc_ns=number,
        received_utc_ns=number + 1,
        received_monotonic_ns=number + 2,
        error=None if number % 2 else "a fault",
    )


def shortest(table) -> int:
    """As ``min(map(len, table.values()))``, in a third of the time."""
    return min(h5py.h5d.open(table.id, name).shape[0] for name in table.id)


def runs_of(file, marks: int) -> list[str]:
    text = file["entry/names/text"][:]
    continues = file["entry/names/continues"][: len(text)].tolist()

    def name(row: int) -> str:
        ends = (later for later in range(row + 1, len(continues)) if not continues[later])
        end = next(ends, len(continues))
        return b"".join(text[row:end]).decode()

    return [name(row) for row in file["entry/marks/run"][:marks].tolist()]


def recorded_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, polls: int, chunk_rows: int
) -> tuple[list[Operation], int, Path]:
    """Every write of a recording with tiny chunks; where its structure was complete; the recording."""
    small = tuple(replace(table, chunk_rows=chunk_rows) for table in spec.TABLES)
    monkeypatch.setattr(spec, "TABLES", small)
    disk = LoggingDisk()

    def open_disk(descriptor: int) -> LoggingDisk:
        os.close(descriptor)
        return disk

    recorder = Hdf5Recorder(tmp_path / "whole.h5", RecordingContext(label="prefixes"), open_disk=open_disk)
    structure = len(disk.log)
    for snapshot in islice(snapshots(Size(servers=2, streams=1, subscriptions=1, samples=2)), polls):
        recorder.write(snapshot)
        disk.log.append(Reported(recorder.polls, recorder.marks))
        for _ in range(MARKS_A_POLL):
            recorder.write_mark(mark(recorder.marks))
            disk.log.append(Reported(recorder.polls, recorder.marks))
    recorder.close()
    (tmp_path / "whole.h5").write_bytes(disk.content)
    return disk.log, structure, tmp_path / "whole.h5"


@pytest.mark.timeout(400)  # a minute where nothing else goes on
@pytest.mark.parametrize(
    ("polls_written", "chunk_rows"), [(3, 2), pytest.param(5, 4, marks=pytest.mark.matrix)]
)
def test_a_recording_is_complete_after_every_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, polls_written: int, chunk_rows: int
) -> None:
    """All of it opens in every state, with a part of the columns compared each time, in turns."""
    log, structure, whole = recorded_log(tmp_path, monkeypatch, polls_written, chunk_rows)
    with h5py.File(whole) as file:
        complete = {
            f"{table.name}/{column.name}": file[f"entry/{table.name}/{column.name}"][:]
            for table in spec.TABLES
            for column in table.columns
        }
        assert len(file["entry/polls/poll"]) == polls_written
        assert len(file["entry/marks/run"]) == polls_written * MARKS_A_POLL
        assert file["entry/context/end_time"].shape == (1,)
    names = sorted(complete)
    path, turn = tmp_path / "state.h5", 0
    at_a_time = 8

    def check(reported: Reported) -> None:
        nonlocal turn
        with h5py.File(path) as file:
            # Reported or not: what all columns of polls, or of marks, tell of is complete.
            polls, marks = shortest(file["entry/polls"]), shortest(file["entry/marks"])
            assert polls >= reported.polls
            assert marks >= reported.marks
            assert runs_of(file, marks) == [mark(number).run for number in range(marks)]
            for name in [names[(turn + step) % len(names)] for step in range(at_a_time)]:
                table = name.split("/")[0]
                rows = polls
                if polls and f"polls/{table}_end" in complete:
                    rows = complete[f"polls/{table}_end"][polls - 1]
                elif table == "marks":
                    rows = marks
                elif table in {"names", "text_bytes"}:
                    rows = 0
                found = file[f"entry/{name}"][:]
                assert len(found) >= rows, name
                np.testing.assert_array_equal(found[:rows], complete[name][:rows], name)
        turn += at_a_time

    states = replay(log, path, check, first=structure)

    assert states > 1000

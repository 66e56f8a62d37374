"""Recording against raw h5py appends of the same arrays, and against the bytes of the replies as JSON.

The raw appends are what one writes first: resize and slice assignment into chunked, shuffled, gzipped data
sets, ``flush`` after each poll. They survive SIGKILL by luck only.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device.model.snapshot import Snapshot
from stem_device.recording import Hdf5Recorder, RecordingContext
from stem_device.recording import format as spec
from stem_device.recording.columns import COMPRESSION_LEVEL
from stem_device.recording.rows import RowMaker
from tests.unit.recording.snapshots import LARGE_BUFFERS, MANY_ROWS, Size, reply_text, snapshots

CASES = (
    ("20 servers, sample buffers full", LARGE_BUFFERS, 100),
    ("200 servers x 50 streams x 50 subscriptions", MANY_ROWS, 24),
    ("5 servers, a small system, 1 hour", Size(), 360),
    ("2 servers, hardly any events, 5 minutes", Size(servers=2, streams=2, subscriptions=2, samples=5), 30),
)


class Stopwatch:
    """Seconds of CPU, so that other processes do not matter."""

    seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        begin = time.process_time()
        yield
        self.seconds += time.process_time() - begin


def record(path: Path, made: list[Snapshot]) -> float:
    """CPU seconds to record; to create and close the file does not count."""
    watch = Stopwatch()
    recorder = Hdf5Recorder(path, RecordingContext(label="benchmark"))
    for snapshot in made:
        with watch.running():
            recorder.write(snapshot)
    recorder.close()
    return watch.seconds


def append_raw(path: Path, made: list[Snapshot]) -> float:
    """CPU seconds to append arrays that are made already."""
    maker = RowMaker(0)
    watch = Stopwatch()
    with h5py.File(path, "w") as file:
        datasets = {
            table.name: {
                column.name: file.create_dataset(
                    f"{table.name}/{column.name}",
                    (0,),
                    column.kind.value,
                    maxshape=(None,),
                    chunks=(table.chunk_rows,),
                    compression="gzip",
                    compression_opts=COMPRESSION_LEVEL,
                    shuffle=True,
                )
                for column in table.columns
            }
            for table in spec.TABLES
        }
        for snapshot in made:
            tables = maker.rows_of(snapshot)
            with watch.running():
                for table, rows in tables.items():
                    for name, dataset in datasets[table].items():
                        first = len(dataset)
                        dataset.resize((first + len(rows[name]),))
                        dataset[first:] = rows[name]
                file.flush()
    return watch.seconds


def rows_per_poll(size: Size) -> int:
    return size.servers * (1 + size.streams + size.subscriptions + 1 + 2 * size.samples) + 1


def json_bytes(made: list[Snapshot]) -> int:
    return sum(len(reply_text(server, one)) for one in made for server in range(len(one.servers)))


def main() -> None:
    for title, size, polls in CASES:
        made = list(islice(snapshots(size), polls))
        with tempfile.TemporaryDirectory() as directory:
            raw_path, own_path = Path(directory) / "raw.h5", Path(directory) / "own.h5"
            record(Path(directory) / "warm-up.h5", made[:3])
            raw, own = append_raw(raw_path, made), record(own_path, made)
            replies, written = json_bytes(made), own_path.stat().st_size
            used = own_path.stat().st_blocks * 512
            raw_written = raw_path.stat().st_size
        milliseconds = own / polls * 1e3
        print(f"{title} ({polls} polls, {rows_per_poll(size)} rows a poll)")
        print(
            f"  time: {own / raw:.2f} x raw h5py appends (target: at most 2); {milliseconds:.2f} ms a poll,",
            end=" ",
        )
        print(f"{milliseconds / rows_per_poll(size) * 1e3:.2f} ms per 1000 rows")
        print(f"  bytes: 1/{replies / written:.1f} of the JSON replies (target: 1/10 or less);", end=" ")
        print(f"{written:,} bytes, {used:,} on disk, raw h5py {raw_written:,}, JSON {replies:,}")


if __name__ == "__main__":
    main()

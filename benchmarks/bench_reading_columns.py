"""Samples of one server within a span of time, from a recording and by PyTables' ``read_where``.

The same samples are in both files, compressed alike (zlib 2, shuffled). PyTables has one table with a row a
sample, with and without an index on the time; it is told how many rows there are, and chooses the size of its
chunks. Times are of the processor, with opening the file.

    python benchmarks/bench_reading_columns.py [samples, 1e6 if not given]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tables

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device import open_recording
from tests.unit.synthetic_recording import Plan, Truth, write_recording

COLUMNS = ("first_callback_latency_micros", "process_micros")
SERVER = 7
REPEATS = 3
Answer = tuple[np.ndarray, ...]


def main() -> None:
    samples = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        truth = write_recording(
            folder / "recording.h5", Plan.of_samples(samples, polls=max(200, samples // 50_000))
        )
        number = len(truth.subscriber_samples["server"])
        as_table(folder / "plain.h5", truth, index=False)
        as_table(folder / "indexed.h5", truth, index=True)
        print(f"{number:,} samples, {truth.paths[0].stat().st_size / 1e6:.0f} MB of recording")
        print(f"one whole column: {best(lambda: column(truth)):.3f} s")
        for share in (0.01, 0.1, 1.0):
            compare(folder, truth, share)


def compare(folder: Path, truth: Truth, share: float) -> None:
    """Print the times for a span of ``share`` of all polls, in the middle."""
    polls = len(truth.time_utc_ns)
    first = int(polls * (1 - share) / 2)
    span = int(truth.time_utc_ns[first]), int(truth.time_utc_ns[first + max(1, int(polls * share)) - 1]) + 1
    expected = by_truth(truth, *span)

    ways: dict[str, Callable[[], Answer]] = {
        "open_recording": lambda: by_reader(truth, *span),
        "read_where": lambda: by_pytables(folder / "plain.h5", *span),
        "read_where, time indexed": lambda: by_pytables(folder / "indexed.h5", *span),
    }
    for way in ways.values():
        for found, wanted in zip(way(), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    seconds = {name: best(way) for name, way in ways.items()}
    own = seconds["open_recording"]
    print(
        f"{share:.0%} of the time, {len(expected[0]):,} samples of one server of 20: {own * 1e3:.1f} ms",
        end="",
    )
    for name in list(ways)[1:]:
        print(f"; {name} {seconds[name] * 1e3:.1f} ms, {seconds[name] / own:.1f} times as long", end="")
    print()


def as_table(path: Path, truth: Truth, *, index: bool) -> None:
    samples = truth.subscriber_samples
    rows = np.rec.fromarrays(
        [
            truth.time_utc_ns[samples["poll"]],
            samples["server"].astype(np.int32),
            *(samples[name] for name in samples if name not in ("poll", "server", "attr_name")),
        ],
        names=["time_utc_ns", "server", *(n for n in samples if n not in ("poll", "server", "attr_name"))],
    )
    with tables.open_file(path, "w") as file:
        filters = tables.Filters(complevel=2, complib="zlib", shuffle=True)
        table = file.create_table("/", "samples", obj=rows, filters=filters, expectedrows=len(rows))
        if index:
            table.cols.time_utc_ns.create_csindex()


def by_truth(truth: Truth, start: int, end: int) -> Answer:
    samples = truth.subscriber_samples
    times = truth.time_utc_ns[samples["poll"]]
    own = (samples["server"] == SERVER) & (times >= start) & (times < end)
    return tuple(samples[column][own] for column in COLUMNS)


def by_reader(truth: Truth, start: int, end: int) -> Answer:
    with open_recording(truth.paths) as recording:
        view = recording.select(start=start, end=end, servers=truth.servers[SERVER])
        table = view["subscriber_samples"]
        return tuple(table[column] for column in COLUMNS)


def by_pytables(path: Path, start: int, end: int) -> Answer:
    with tables.open_file(path) as file:
        table = file.root.samples
        rows = table.read_where(f"(time_utc_ns >= {start}) & (time_utc_ns < {end}) & (server == {SERVER})")
        return tuple(rows[column] for column in COLUMNS)


def column(truth: Truth) -> Answer:
    with open_recording(truth.paths) as recording:
        return (recording["subscriber_samples"][COLUMNS[0]],)


def best(way: Callable[[], object]) -> float:
    """CPU seconds of all threads, of the quickest of several attempts: others use this machine too."""
    seconds = []
    for _ in range(REPEATS):
        begin = time.process_time()
        way()
        seconds.append(time.process_time() - begin)
    return min(seconds)


if __name__ == "__main__":
    main()

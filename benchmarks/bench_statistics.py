"""Statistics of a recording against the same from JSON lines with pandas.

Both read the same polls from the disk's cache and compute, for every timing, count, mean, standard
deviation, extremes and eight quantiles, of all servers together and of each. pandas reads in chunks, in
two ways with one frame for many replies (``read_json(lines=True, chunksize=...)``, and ``json.loads`` of
each line); the one that is faster on the first polls reads all. The third way is how it is usually written,
``read_json`` and a frame for each reply. ``summarise``, which counts events and losses as well, is measured
besides. The best of two runs counts for each of ours, the only one for pandas. The run that the target is
about is ``--samples 10000000``: it takes some minutes, 1 GB of memory and 1.5 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pandas as pd
from stage import machine, table, verdict

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device import open_recording
from stem_device.model.snapshot import Snapshot
from stem_device.recording import Hdf5Recorder, JsonLinesRecorder, RecordingContext
from stem_device.statistics import Statistics, summarise
from stem_device.statistics.distribution import QUANTILES, Distribution
from stem_device.statistics.polls import Polls
from stem_device.statistics.source_choice import Choice
from stem_device.statistics.timing import TIMINGS, describe_timings
from tests.unit.synthetic_recording import Plan, server_name, synthetic_snapshots

SERVERS = 20
SAMPLES_A_REPLY = 250
TARGET = 20.0
CHUNK_POLLS = 20
ALL_SERVERS = [*map(server_name, range(SERVERS))]
SIDES = {"server": "publisher_samples", "client": "subscriber_samples"}
COLUMNS = {
    side: [timing.of.column for timing in TIMINGS if timing.table == samples]
    for side, samples in SIDES.items()
}
NAMES = {(timing.table, timing.of.column): timing.name for timing in TIMINGS}
MOMENTS = {"count": "count", "mean": "mean", "std": "standard_deviation", "min": "minimum", "max": "maximum"}
OF_CALLBACKS = [timing.of.column for timing in TIMINGS if timing.of.of_callbacks]
Found = dict[tuple[str, str], dict[str, float]]
"""Numbers by timing and server ("" for all)."""
Result = TypeVar("Result")
Columns = Iterator[tuple[str, pd.DataFrame]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000, help="of both kinds together")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="stem-bench-") as folder:
        made = make(Path(folder), arguments.samples)
        print(
            f"{made.samples:,} samples in {made.polls} polls of {SERVERS} servers: "
            f"recording {made.recording.stat().st_size / 1e6:.0f} MB, "
            f"JSON lines {made.lines.stat().st_size / 1e6:.0f} MB",
            flush=True,
        )
        compare(made)


@dataclass(frozen=True)
class Spent:
    wall: float
    cpu: float


def compare(made: Made) -> None:
    """Measure, check that both found the same, and print."""
    timings, found = best_of_two(lambda: read_timings(made.recording))
    everything, statistics = best_of_two(lambda: read_all(made.recording))
    reading = faster(made.lines)
    peer, theirs = spent(lambda: read_lines(made.lines, reading))
    check(found, theirs)
    check(own_numbers(statistics), theirs)
    usual, theirs = spent(lambda: read_lines(made.lines, by_frame_a_reply))
    check(found, theirs)
    figures = {"timings": timings, "everything": everything, "peer": peer, "usual": usual}
    report(made, figures, reading.__name__)


@dataclass(frozen=True)
class Made:
    recording: Path
    lines: Path
    polls: int
    samples: int


def make(folder: Path, samples: int) -> Made:
    """Write the same polls as a recording and as JSON lines."""
    polls = max(2, round(samples / (2 * SERVERS * SAMPLES_A_REPLY)))
    plan = Plan(polls=polls, servers=SERVERS, streams=20, subscriptions=20, samples=SAMPLES_A_REPLY)
    made = Made(folder / "a.h5", folder / "a.jsonl", polls, polls * 2 * SERVERS * SAMPLES_A_REPLY)
    recorder = Hdf5Recorder(made.recording, RecordingContext(label="benchmark"))
    lines = JsonLinesRecorder(made.lines)
    for snapshot in synthetic_snapshots(plan):
        recorder.write(snapshot)
        lines.write(with_texts(snapshot))
    recorder.close()
    lines.close()
    return made


def with_texts(snapshot: Snapshot) -> Snapshot:
    """With the replies as cppTango would have written them."""
    servers = tuple(
        msgspec.structs.replace(server, texts=(reply_text(snapshot, number),))
        for number, server in enumerate(snapshot.servers)
    )
    return replace(snapshot, servers=servers)


def reply_text(snapshot: Snapshot, number: int) -> str:
    server = snapshot.servers[number]
    pushed, received = snapshot.publisher_samples, snapshot.subscriber_samples
    return msgspec.json.encode(
        {
            "version": 1,
            "server": {
                "event_counters": {stream.name: stream.pushed + 1 for stream in server.streams},
                "perf": perf(pushed, COLUMNS["server"], pushed.server == number),
            },
            "client": {
                "event_callbacks": {
                    one.topic: {
                        "channel_name": one.publisher,
                        "callback_count": one.callback_count,
                        "server_counter": one.server_counter,
                        "event_count": one.event_count,
                        "missed_event_count": one.missed_event_count,
                        "discarded_event_count": one.discarded_event_count,
                        "last_resubscribed": one.last_resubscribed,
                    }
                    for one in server.subscriptions
                },
                "not_connected": [],
                "event_channels": {
                    name: {"endpoint": endpoint} for name, endpoint in server.channels.items()
                },
                "perf": perf(
                    received,
                    [
                        "attr_name",
                        *COLUMNS["client"],
                        "callback_count",
                        "wake_count",
                        "discarded",
                    ],
                    received.server == number,
                ),
            },
        }
    ).decode()


def perf(samples: Any, names: list[str], rows: Any) -> list[dict[str, Any]]:
    """Whole numbers, and null where there is no value."""
    columns = (np.asarray(getattr(samples, name), dtype=object)[rows].tolist() for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*map(as_json, columns), strict=True)]


def as_json(column: list[Any]) -> list[Any]:
    """Floats are whole numbers in replies, and NaN is null."""
    if not isinstance(column[0], float):
        return column
    return [None if math.isnan(value) else int(value) for value in column]


def spent(work: Callable[[], Result]) -> tuple[Spent, Result]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu), result


def best_of_two(work: Callable[[], Result]) -> tuple[Spent, Result]:
    (first, _), (second, result) = spent(work), spent(work)
    return Spent(min(first.wall, second.wall), min(first.cpu, second.cpu)), result


def read_timings(path: Path) -> Found:
    """The same as pandas is asked for."""
    with open_recording(path) as recording:
        polls = Polls(recording)
        choice = Choice(recording, polls)
        timings = describe_timings(recording, polls, choice)
    found = {(name, ""): numbers_of(one) for name, one in timings.overall.items()}
    for server, own in zip(choice.names, timings.servers, strict=True):
        found |= {(name, server): numbers_of(one) for name, one in own.items()}
    return found


def numbers_of(one: Distribution) -> dict[str, float]:
    return {field.name: getattr(one, field.name) for field in fields(one)}


def read_all(path: Path) -> Statistics:
    with open_recording(path) as recording:
        return summarise(recording)


def by_read_json(path: Path, polls: int | None = None) -> Columns:
    """``chunksize`` polls at a time; nested replies come as objects."""
    with pd.read_json(path, lines=True, chunksize=CHUNK_POLLS, nrows=polls, dtype=False) as chunks:
        for chunk in chunks:
            yield from frames(chunk["replies"])


def by_json_loads(path: Path, polls: int | None = None) -> Columns:
    with path.open() as file:
        lines = islice(file, polls)
        while chunk := [json.loads(line)["replies"] for line in islice(lines, CHUNK_POLLS)]:
            yield from frames(chunk)


def by_frame_a_reply(path: Path, polls: int | None = None) -> Columns:
    """Every list of samples becomes a frame; nothing else is thought of."""
    with pd.read_json(path, lines=True, chunksize=CHUNK_POLLS, nrows=polls, dtype=False) as chunks:
        for chunk in chunks:
            for poll in chunk["replies"]:
                for server, answer in poll.items():
                    for side, columns in COLUMNS.items():
                        frame = counted(side, pd.DataFrame(answer["data"][side]["perf"]), columns)
                        yield side, frame.assign(server=server)


def frames(polls: Iterable[dict[str, Any]]) -> Columns:
    """The samples of many polls as one frame of each kind."""
    replies = [(server, answer["data"]) for poll in polls for server, answer in poll.items()]
    for side, columns in COLUMNS.items():
        records = [sample for _, data in replies for sample in data[side]["perf"]]
        wanted = [*columns, "discarded"] if side == "client" else columns
        frame = counted(side, pd.DataFrame.from_records(records, columns=wanted), columns)
        names, counts = zip(*((server, len(data[side]["perf"])) for server, data in replies), strict=True)
        yield side, frame.assign(server=pd.Categorical(names, ALL_SERVERS).repeat(counts))


def counted(side: str, frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The timings, without those of callbacks of events that cppTango discarded."""
    found = frame[columns].astype("float64")
    if side == "client":
        found.loc[frame["discarded"].astype(bool), OF_CALLBACKS] = math.nan
    return found


def faster(path: Path) -> Callable[..., Columns]:
    """The way that takes less CPU for the first polls."""
    return min(
        (by_read_json, by_json_loads), key=lambda way: spent(lambda: list(way(path, CHUNK_POLLS)))[0].cpu
    )


def read_lines(path: Path, way: Callable[..., Columns]) -> Found:
    """All numbers of all timings with pandas."""
    parts: dict[str, list[pd.DataFrame]] = {side: [] for side in COLUMNS}
    for side, frame in way(path):
        parts[side].append(frame)
    found: Found = {}
    for side, columns in COLUMNS.items():
        samples = pd.concat(parts.pop(side), ignore_index=True)
        groups = samples.groupby("server", observed=True)[columns]
        moments, quantiles = groups.agg([*MOMENTS]), groups.quantile([*QUANTILES.values()])
        whole, shares = samples[columns].agg([*MOMENTS]), samples[columns].quantile([*QUANTILES.values()])
        for column in columns:
            name = NAMES[SIDES[side], column]
            found[name, ""] = numbers(whole[column], shares[column])
            for server in moments.index:
                found[name, server] = numbers(moments.loc[server][column], quantiles.loc[server][column])
    return found


def numbers(moments: Any, quantiles: Any) -> dict[str, float]:
    return {
        **{own: float(moments[theirs]) for theirs, own in MOMENTS.items()},
        **{name: float(quantiles[share]) for name, share in QUANTILES.items()},
    }


def own_numbers(statistics: Statistics) -> Found:
    found = {(name, ""): numbers_of(one) for name, one in statistics.timings.items()}
    for server in statistics.servers:
        found |= {(name, server.server): numbers_of(one) for name, one in server.timings.items()}
    return found


def check(own: Found, peer: Found) -> None:
    """Both ways must tell the same."""
    if own.keys() != peer.keys():
        sys.exit("not the same timings and servers")
    for key, theirs in peer.items():
        for name, value in theirs.items():
            if not np.isclose(own[key][name], value, rtol=1e-9):
                sys.exit(f"{name} of {key}: {own[key][name]} is not {value}")
    print(f"{len(peer) * len(next(iter(peer.values())))} numbers are the same")


def report(made: Made, figures: dict[str, Spent], way: str) -> None:
    peer, usual = figures["peer"], figures["usual"]
    titles = {
        "usual": "pandas on JSON lines, a frame a reply",
        "peer": f"pandas on JSON lines, the quickest way ({way})",
        "timings": "stem_device, the same numbers",
        "everything": "stem_device, summarise (events and losses too)",
    }
    rows = [("contestant", "seconds", "CPU seconds", "x usual", "x quickest")]
    for name, title in titles.items():
        own = figures[name]
        ratios = (f"{usual.cpu / own.cpu:.1f}", f"{peer.cpu / own.cpu:.1f}")
        rows.append((title, f"{own.wall:.2f}", f"{own.cpu:.2f}", *ratios))
    table(f"statistics of {made.samples:,} samples", rows)
    for title, other in (("as it is usually written", usual), ("the quickest way", peer)):
        ratio = other.cpu / figures["timings"].cpu
        print(
            f"target: at least {TARGET:.0f} times less CPU than pandas, {title}: "
            f"{verdict(ratio >= TARGET)} ({ratio:.1f})"
        )


if __name__ == "__main__":
    main()

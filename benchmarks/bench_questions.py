"""What a question costs those who are asked: latency of callbacks, time and size of an answer, CPU.

    python benchmarks/bench_questions.py [--subscriptions 50 1000 10000] [--turns N]

A real publisher pushes 1,000 events a second, round its attributes; a real subscriber has so many
subscriptions. It is asked five times a second, or not, in turns of some seconds, sampling off and on. Each
event carries the time of its push. Told are the medians over the turns, and of the CPU the median of the
differences of turns that follow each other.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import tango

from benchmarks.questioned import SERVER
from stem_device.demo.database import EmbeddedDatabase
from stem_device.demo.processes import LOOPBACK, READY_LINE, ChildProcess, wait_until

RATE = 1_000
ASKED_PERIOD_SECONDS = 0.2
TURN_SECONDS = 4.0
SUBSCRIBING_LIMIT_SECONDS = 900.0
DEFAULT_PERIOD_SECONDS = 10.0
QUERIES_PER_POLL = 10
"""Of a monitor with its defaults, while a server samples."""


class Turn(NamedTuple):
    """Events, lateness in us, CPU seconds of the asked process, and of the answers time and size."""

    events: int
    mean: float
    median: float
    p99: float
    cpu_seconds: float
    questions: int
    answer_seconds: float
    answer_bytes: int


def cpu_seconds(pid: int) -> float:
    """Of all threads, with the resolution of the scheduler."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) * 1e-9


class Pair:
    """A publisher and a subscriber in processes of their own."""

    def __init__(self, database: EmbeddedDatabase, folder: Path, subscriptions: int) -> None:
        self.processes = []
        for instance, kind in (("source", "Source"), ("sink", "Sink")):
            name = f"{instance}{subscriptions}"
            database.add_server(f"{SERVER}/{name}", [(kind, f"bench/{kind}/{subscriptions}")])
            process = ChildProcess(
                [sys.executable, "-m", "benchmarks.questioned", name, *LOOPBACK],
                log=folder / f"{name}.log",
                name=name,
                environment={
                    **os.environ,
                    "TANGO_HOST": database.tango_host,
                    "PYTHONPATH": str(Path(__file__).parents[1]),
                },
                ready_line=READY_LINE,
            )
            self.processes.append(process.start())
        place = f"tango://{database.tango_host}/"
        self.source = tango.DeviceProxy(f"{place}bench/Source/{subscriptions}")
        self.sink = tango.DeviceProxy(f"{place}bench/Sink/{subscriptions}")
        self.admin = tango.DeviceProxy(f"{place}dserver/{SERVER}/sink{subscriptions}")
        for proxy in (self.source, self.sink, self.admin):
            proxy.set_timeout_millis(60_000)
        self.source.Make(subscriptions)
        self.sink.Subscribe([f"{place}bench/Source/{subscriptions}", str(subscriptions)])
        wait_until(
            lambda: self.sink.subscribed == subscriptions,
            "the subscriptions",
            limit_seconds=SUBSCRIBING_LIMIT_SECONDS,
        )
        self.source.Push(RATE)

    def turn(self, *, asked: bool) -> Turn:
        pid = self.processes[1].pid
        self.sink.Late()
        cpu, end = cpu_seconds(pid), time.monotonic() + TURN_SECONDS
        seconds, size = [], 0
        due = time.monotonic()
        while asked and due < end:
            time.sleep(max(0.0, due - time.monotonic()))
            begun = time.monotonic()
            size = len(self.admin.command_inout("QueryEventSystem"))
            seconds.append(time.monotonic() - begun)
            due = max(due + ASKED_PERIOD_SECONDS, time.monotonic())
        time.sleep(max(0.0, end - time.monotonic()))
        spent = cpu_seconds(pid) - cpu
        late = json.loads(self.sink.Late())
        return Turn(*late, spent, len(seconds), statistics.median(seconds) if seconds else 0.0, size)

    def stop(self) -> None:
        for process in self.processes:
            process.stop()


def measure(database: EmbeddedDatabase, folder: Path, subscriptions: int, turns: int) -> None:
    pair = Pair(database, folder, subscriptions)
    try:
        pair.turn(asked=False)
        found: dict[tuple[bool, bool], list[Turn]] = defaultdict(list)
        for _ in range(turns):
            for sampling in (False, True):
                pair.admin.command_inout("EnableEventSystemPerfMon", sampling)
                for asked in (False, True):
                    found[sampling, asked].append(pair.turn(asked=asked))
    finally:
        pair.stop()
    for (sampling, asked), all_turns in sorted(found.items()):
        show(subscriptions, sampling, asked, all_turns)
    for sampling in (False, True):
        question = statistics.median(
            (one.cpu_seconds - other.cpu_seconds) / one.questions
            for one, other in zip(found[sampling, True], found[sampling, False], strict=True)
        )
        state = "on " if sampling else "off"
        print(f"{subscriptions:7} one question, sampling {state}: {question * 1e3:8.3f} ms of CPU")
        if sampling:
            sampled = statistics.median(
                one.cpu_seconds / one.events - other.cpu_seconds / other.events
                for one, other in zip(found[True, False], found[False, False], strict=True)
            )
            asked_for = question * QUERIES_PER_POLL / DEFAULT_PERIOD_SECONDS / RATE
            print(
                f"{subscriptions:7} added to each event, sampled, {QUERIES_PER_POLL} questions in "
                f"{DEFAULT_PERIOD_SECONDS:g} s: {(sampled + asked_for) * 1e6:.2f} us of CPU"
                f" ({sampled * 1e6:.2f} sampling, {asked_for * 1e6:.2f} questions)"
            )


def show(subscriptions: int, sampling: bool, asked: bool, turns: list[Turn]) -> None:
    middle = Turn(*(statistics.median(column) for column in zip(*turns, strict=True)))
    answer = f"{middle.answer_seconds * 1e3:8.2f} ms {middle.answer_bytes / 1e3:9.1f} kB" if asked else ""
    print(
        f"{subscriptions:7} sampling {'on ' if sampling else 'off'} {'asked    ' if asked else 'not asked'}"
        f" events {middle.events:6.0f}  late mean {middle.mean:7.0f} median {middle.median:7.0f}"
        f" p99 {middle.p99:8.0f} us  CPU {middle.cpu_seconds / middle.events * 1e6:6.1f} us/event  {answer}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--subscriptions", type=int, nargs="*", default=[50, 1_000, 10_000])
    parser.add_argument("--turns", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedDatabase(Path(folder)) as database:
        for subscriptions in arguments.subscriptions:
            measure(database, Path(folder), subscriptions, arguments.turns)


if __name__ == "__main__":
    main()

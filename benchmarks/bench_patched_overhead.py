"""What the patches cost: time of a push, and events per second from publisher to subscriber.

    python benchmarks/bench_patched_overhead.py --unpatched PYTHON --patched PYTHON [--rounds N]

PYTHON is the interpreter of an environment with that PyTango; both must be of one version. Every round starts
new servers: two pairs unpatched (the second shows the noise), one patched. The cases take turns every 400
events; sampling is switched meanwhile. Of the bursts of a case in a round the lower quartile counts. Told are
the medians over the rounds, and the median of how much more than unpatched it was in the same round, with the
quartiles of that; last, the median of what sampling adds from one turn to the next in the same servers. CPU
times are those of the processes, and hardly depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device.demo.database import EmbeddedDatabase
from tests.system.conformance.servers import Examined, ExaminedFactory
from tests.system.harness import KEPT_AT_ONCE

CHUNKS = 40
"""Bursts of each case in a round."""
LIMIT_SECONDS = 30.0


class Measured(NamedTuple):
    """Of one event."""

    push_micros: float
    publisher_cpu_micros: float
    subscriber_cpu_micros: float
    total_micros: float


COLUMNS = ("push", "CPU of publisher", "CPU of subscriber", "push to callback, inverse rate")


class Pair:
    """A publisher and its subscriber, warmed up."""

    def __init__(self, factory: ExaminedFactory) -> None:
        self.servers = self.publisher, self.subscriber = factory(), factory()
        self.index, self.received = self.subscriber.subscribe_surely(self.publisher)
        for _ in range(3):
            self.measure()

    def measure(self) -> Measured:
        """Push a burst and wait for it: the last number holds the way to the callback and back."""
        cpu = [_cpu_seconds(server) for server in self.servers]
        began = time.perf_counter()
        self.publisher.push(KEPT_AT_ONCE)
        pushed = time.perf_counter()
        self.received += KEPT_AT_ONCE
        self._wait()
        total = time.perf_counter() - began
        spent = [_cpu_seconds(server) - before for server, before in zip(self.servers, cpu, strict=True)]
        return Measured(*(seconds / KEPT_AT_ONCE * 1e6 for seconds in (pushed - began, *spent, total)))

    def _wait(self) -> None:
        deadline = time.perf_counter() + LIMIT_SECONDS
        while (count := int(self.subscriber.proxy.ReceivedCount(self.index))) < self.received:
            if time.perf_counter() > deadline:
                sys.exit(f"an event was lost: {count} of {self.received} arrived")
            time.sleep(0.001)


def switched(pair: Pair, on: bool) -> Callable[[], Measured]:
    def measure() -> Measured:
        for server in pair.servers:
            server.enable(on)
        return pair.measure()

    return measure


def one_round(factory: ExaminedFactory, number: int) -> dict[str, Measured]:
    """Of a round, with new servers."""
    pairs = [Pair(factory) for _ in range(3)]
    if number % 2:
        pairs[:2] = pairs[1::-1]
    unpatched, again, patched = pairs
    cases = {
        "unpatched": unpatched.measure,
        "unpatched again": again.measure,
        "patched, sampling off": switched(patched, on=False),
        "patched, sampling on": switched(patched, on=True),
    }
    measured: dict[str, list[Measured]] = {name: [] for name in cases}
    for turn in range(CHUNKS):
        for name in rotated(list(cases), turn):
            measured[name].append(cases[name]())
    results = {name: _each_column(low_quartile, all_of) for name, all_of in measured.items()}
    off, on = measured["patched, sampling off"], measured["patched, sampling on"]
    more = [Measured(*(b - a for a, b in zip(*turn, strict=True))) for turn in zip(off, on, strict=True)]
    return {**results, ON_LESS_OFF: _each_column(statistics.median, more)}


ON_LESS_OFF = "on less off"
"""Turn by turn in the same servers: the most exact of the differences."""


def _each_column(reduce: Callable[[tuple[float, ...]], float], values: list[Measured]) -> Measured:
    return Measured(*map(reduce, zip(*values, strict=True)))


def low_quartile(values: tuple[float, ...]) -> float:
    """What else the machine does only adds to a time."""
    return statistics.quantiles(values, n=4)[0]


def _cpu_seconds(server: Examined) -> float:
    """Of all threads; the times of a process have a resolution of 10 ms, these of the scheduler 1 ns."""
    threads = Path(f"/proc/{server.process.pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) * 1e-9


def told(name: str, rounds: list[Measured], base: list[Measured]) -> str:
    cells = []
    for column in range(len(COLUMNS)):
        median = statistics.median(r[column] for r in rounds)
        more = [r[column] / b[column] - 1 for r, b in zip(rounds, base, strict=True)]
        low, middle, high = statistics.quantiles(more, n=4)
        cells.append(f"{median:8.2f} us {middle:+6.1%} ({low:+.1%} to {high:+.1%})")
    return f"{name:22} " + "   ".join(cells)


def rotated(names: list[str], number: int) -> list[str]:
    """Another one first in every turn: what comes first may profit or suffer."""
    first = number % len(names)
    return names[first:] + names[:first]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unpatched")
    parser.add_argument("--patched")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error("--rounds is 2 or more")
    if not (options.unpatched and options.patched):
        print("not measured: give --unpatched and --patched, two interpreters (patched_pytango/README.md)")
        return
    with tempfile.TemporaryDirectory() as scratch, EmbeddedDatabase(Path(scratch)) as database:
        interpreters = [options.unpatched] * 4 + [options.patched] * 2
        results: list[dict[str, Measured]] = []
        for number in range(options.rounds):
            factory = ExaminedFactory(database, Path(scratch), interpreters)
            try:
                results.append(one_round(factory, number))
            finally:
                factory.stop()
    print(" " * 22, *COLUMNS, sep="   ")
    columns = {name: [result[name] for result in results] for name in results[0]}
    differences = columns.pop(ON_LESS_OFF)
    for name, rounds in columns.items():
        print(told(name, rounds, columns["unpatched"]))
    print(
        f"{ON_LESS_OFF:22}", *(f"{value:8.2f} us" for value in _each_column(statistics.median, differences))
    )


if __name__ == "__main__":
    main()

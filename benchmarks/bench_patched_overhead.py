"""What the patches cost: time of a push, and events per second from publisher to subscriber.

    python benchmarks/bench_patched_overhead.py --unpatched PYTHON --patched PYTHON [--rounds N]

PYTHON is the interpreter of an environment with that PyTango; both must be of one version. The cases take
turns in every round: unpatched (twice, which shows the noise), patched with sampling off and on. Told are the
medians over the rounds, and how much more than unpatched, round by round. CPU times are those of
the processes, and hardly depend on what else the machine does.
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

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device.demo.database import EmbeddedDatabase
from tests.system.conformance.servers import Examined, ExaminedFactory

PUSHES = 5000
CHUNK = 500
"""Events at once: fewer than a queue holds, so that none is lost."""


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
        self.publisher, self.subscriber = factory(), factory()
        self.index, self.received = self.subscriber.subscribe_surely(self.publisher)

    def enable(self, on: bool) -> None:
        self.publisher.enable(on)
        self.subscriber.enable(on)

    def measure(self) -> Measured:
        """Push in chunks; each is waited for, so the second number holds the way to the callback and back."""
        pushing = 0.0
        cpu = [_cpu_seconds(server) for server in (self.publisher, self.subscriber)]
        began = time.perf_counter()
        for _ in range(PUSHES // CHUNK):
            chunk_began = time.perf_counter()
            self.publisher.push(CHUNK)
            pushing += time.perf_counter() - chunk_began
            self.received += CHUNK
            self._wait()
        total = time.perf_counter() - began
        spent = [
            _cpu_seconds(server) - before
            for server, before in zip((self.publisher, self.subscriber), cpu, strict=True)
        ]
        return Measured(*(seconds / PUSHES * 1e6 for seconds in (pushing, *spent, total)))

    def _wait(self) -> None:
        while self._event_count() < self.received:
            time.sleep(0.001)

    def _event_count(self) -> int:
        return int(self.subscriber.proxy.ReceivedCount(self.index))


def switched(pair: Pair, on: bool) -> Callable[[], Measured]:
    def measure() -> Measured:
        pair.enable(on)
        return pair.measure()

    return measure


def _cpu_seconds(server: Examined) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


def told(name: str, rounds: list[Measured], base: list[Measured]) -> str:
    cells = []
    for column in range(len(COLUMNS)):
        median = statistics.median(r[column] for r in rounds)
        more = statistics.median(r[column] for r in rounds) / statistics.median(b[column] for b in base) - 1
        cells.append(f"{median:8.2f} us {more:+6.1%}")
    return f"{name:22} " + "   ".join(cells)


def rotated(names: list[str], number: int) -> list[str]:
    """Another one first in every round: what comes first may profit or suffer."""
    first = number % len(names)
    return names[first:] + names[:first]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unpatched")
    parser.add_argument("--patched")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    if not (options.unpatched and options.patched):
        print("not measured: give --unpatched and --patched, two interpreters (patched_pytango/README.md)")
        return
    with tempfile.TemporaryDirectory() as scratch, EmbeddedDatabase(Path(scratch)) as database:
        interpreters = [options.unpatched] * 2 + [options.patched] * 2
        factory = ExaminedFactory(database, Path(scratch), interpreters)
        try:
            unpatched, patched = Pair(factory), Pair(factory)
            cases = {
                "unpatched": unpatched.measure,
                "unpatched again": unpatched.measure,
                "patched, sampling off": switched(patched, on=False),
                "patched, sampling on": switched(patched, on=True),
            }
            results: dict[str, list[Measured]] = {name: [] for name in cases}
            for number in range(options.rounds + 1):
                for name in rotated(list(cases), number):
                    measured = cases[name]()
                    if number:  # the first round warms up
                        results[name].append(measured)
            print(" " * 22, *COLUMNS, sep="   ")
            for name, rounds in results.items():
                print(told(name, rounds, results["unpatched"]))
        finally:
            factory.stop()


if __name__ == "__main__":
    main()

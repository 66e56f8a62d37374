"""What the patches cost: time of a push, and events per second from publisher to subscriber.

    python benchmarks/bench_patched_overhead.py --unpatched PYTHON --patched PYTHON [--rounds N]

PYTHON is the interpreter of an environment with that PyTango; both must be of one version. The cases take
turns in every round: unpatched (twice, which shows the noise), patched with sampling off and on. Told are the
medians over the rounds, and the median of how much more than unpatched it was in the same round, with the
quartiles of that. CPU times are those of the processes, and hardly depend on what else the machine does.
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

CHUNKS = 12
PUSHES = CHUNKS * KEPT_AT_ONCE
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
        for _ in range(CHUNKS):
            chunk_began = time.perf_counter()
            self.publisher.push(KEPT_AT_ONCE)
            pushing += time.perf_counter() - chunk_began
            self.received += KEPT_AT_ONCE
            self._wait()
        total = time.perf_counter() - began
        spent = [
            _cpu_seconds(server) - before
            for server, before in zip((self.publisher, self.subscriber), cpu, strict=True)
        ]
        return Measured(*(seconds / PUSHES * 1e6 for seconds in (pushing, *spent, total)))

    def _wait(self) -> None:
        deadline = time.perf_counter() + LIMIT_SECONDS
        while (count := int(self.subscriber.proxy.ReceivedCount(self.index))) < self.received:
            if time.perf_counter() > deadline:
                sys.exit(f"an event was lost: {count} of {self.received} arrived")
            time.sleep(0.001)


def switched(pair: Pair, on: bool) -> Callable[[], Measured]:
    def measure() -> Measured:
        pair.enable(on)
        return pair.measure()

    return measure


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
    """Another one first in every round: what comes first may profit or suffer."""
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

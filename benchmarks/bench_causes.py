"""Every cause injected into real servers, and healthy systems: is the right one named first?

    python benchmarks/bench_causes.py [--times N] [--together N] [NAME ...]

Prints one line a kind of system as a Markdown table; the exit code is 1 if less than 95 % were named
rightly, or a healthy system got a finding. ``--together`` is how many systems run at the same time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import tango

sys.path.insert(0, str(Path(__file__).parents[1]))

from stem_device.demo.database import EmbeddedDatabase
from tests.system.causes.healthy import HEALTHY, Healthy
from tests.system.causes.injections import INJECTIONS, Injection
from tests.system.causes.watched_system import WatchedSystem, refusing_library

RIGHT_SHARE = 0.95


@dataclass
class Outcome:
    """What was named how often, and the sentence of the last time."""

    system: Injection | Healthy
    named: Counter[str] = field(default_factory=Counter)
    sentence: str = ""

    @property
    def expected(self) -> str:
        return str(self.system.cause) if isinstance(self.system, Injection) else "none"

    @property
    def right(self) -> int:
        return self.named[self.expected]

    @property
    def row(self) -> str:
        named = ", ".join(f"{cause} {count}" for cause, count in self.named.most_common())
        return f"| {self.system.says} | {self.expected} | {named} | {self.right} of {self.named.total()} |"


def run_once(system: Injection | Healthy, database: EmbeddedDatabase, directory: Path) -> tuple[str, str]:
    """What was named, and its sentence: what stands first in the end; of a healthy system anything ever."""
    refusing = isinstance(system, Injection) and system.refusing
    library = refusing_library(directory) if refusing else None
    with WatchedSystem(database, directory, sampled=system.sampled, refusing=library) as watched:
        system.run(watched)
        told = [watched.findings] if isinstance(system, Injection) else watched.seen
        first = next((finding for findings in told for finding in findings), None)
    return (str(first.cause), first.sentence) if first else ("none", "")


def run_all(names: Sequence[str], times: int, together: int) -> list[Outcome]:
    """Run every system ``times`` times; those that cannot be run here are left out, and said so."""
    systems = [one for one in (*INJECTIONS, *HEALTHY) if not names or one.name in names]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="stem-causes-") as name, EmbeddedDatabase(Path(name)) as database:
        directory = Path(name)
        if refusing_library(directory) is None:
            left = [one.name for one in systems if isinstance(one, Injection) and one.refusing]
            print(f"not run, there is no C compiler: {', '.join(left)}", file=sys.stderr)
            systems = [one for one in systems if one.name not in left]
        outcomes = [Outcome(system) for system in systems]

        def one(outcome: Outcome) -> tuple[Outcome, str, str]:
            with tango.EnsureOmniThread():
                try:
                    return (outcome, *run_once(outcome.system, database, directory))
                except Exception as error:  # noqa: BLE001 - a system that failed is a row of the table
                    return outcome, type(error).__name__, str(error)

        with ThreadPoolExecutor(together) as pool:
            for outcome, cause, sentence in pool.map(one, [out for out in outcomes for _ in range(times)]):
                outcome.named[cause] += 1
                outcome.sentence = sentence
                print(f"{outcome.system.name}: {cause}: {sentence}", file=sys.stderr, flush=True)
    return outcomes


def main() -> int:
    """Run, print the table, and say whether it is good enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--together", type=int, default=3)
    arguments = parser.parse_args()
    tango.ApiUtil.instance()
    outcomes = run_all(arguments.names, arguments.times, arguments.together)
    print("| system | right | named | |\n|---|---|---|---|")
    for outcome in outcomes:
        print(outcome.row)
    injected = [out for out in outcomes if isinstance(out.system, Injection)]
    healthy = [out for out in outcomes if isinstance(out.system, Healthy)]
    right, all_ = (
        sum(values) for values in ([o.right for o in injected], [o.named.total() for o in injected])
    )
    alarms = sum(out.named.total() - out.right for out in healthy)
    print(
        f"\nRight cause first: {right} of {all_}. False alarms: {alarms} in {len(healthy)} healthy systems."
    )
    return 0 if right >= RIGHT_SHARE * all_ and not alarms else 1


if __name__ == "__main__":
    sys.exit(main())

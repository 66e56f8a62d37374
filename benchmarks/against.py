"""The poll cycle of this tree against that of another commit: same run, same relays, in turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

import cycle_parts
import tango
from stage import Stage, at_period, machine, table, verdict

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("ask", "parse", "account", "causes", "verdict", "record", "attributes", "whole")
LIMIT = 0.75
"""Of the whole cycle: a quarter less, although identity, books, causes and verdict are in it."""

Turns = list[dict[str, float]]
"""CPU milliseconds a poll and server by part, of each turn."""


def tree_of(commit: str, directory: Path) -> Path:
    """The package as it was then, in the directory."""
    packed = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "stem_device"],
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        sys.exit(f"no such commit here: {packed.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory


class Contestant:
    """A process that polls with the package of one tree."""

    def __init__(self, process: subprocess.Popen[str], servers: int) -> None:
        self._process = process
        self._servers = servers

    def turn(self, polls: int, period_seconds: float) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{polls} {period_seconds}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            sys.exit("a contestant ended; see above")
        return {name: value / self._servers for name, value in json.loads(line).items()}


@contextmanager
def contestant(tree: Path, directory: Path, targets: list[str]) -> Iterator[Contestant]:
    directory.mkdir()
    with subprocess.Popen(
        [sys.executable, cycle_parts.__file__, str(directory), *targets],
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Contestant(process, len(targets))  # it ends when its input does
    if process.returncode:
        sys.exit("a contestant did not do its work; see above")


def bare_calls(proxies: list[tango.DeviceProxy], polls: int, period_seconds: float) -> float:
    used = 0.0
    for _ in at_period(polls, period_seconds):
        before = time.process_time()
        for proxy in proxies:
            proxy.command_inout("QueryEventSystem")
        used += time.process_time() - before
    return used / polls / len(proxies) * 1e3


def compare(commit: str, *, targets: int, samples: int, rounds: int, polls: int, period: float) -> None:
    with Stage() as stage, ExitStack() as stack:
        there = tree_of(commit, stage.directory / "tree")
        _, names = stage.relays("busy", targets, {"SamplingAtStart": True, "Samples": samples})
        pair = {
            tree: stack.enter_context(contestant(path, stage.directory / tree, names))
            for tree, path in (("here", ROOT), ("there", there))
        }
        proxies = [tango.DeviceProxy(name) for name in names]
        turns: dict[str, Turns] = {tree: [] for tree in pair}
        floor = []
        for number in range(rounds + 1):
            floor.append(bare_calls(proxies, polls, period))
            # Who goes first changes, as the machine does not stay as it is.
            for tree in list(pair)[:: 1 if number % 2 else -1]:
                turns[tree].append(pair[tree].turn(polls, period))
    # The first turns were for warming up.
    floor, turns = floor[1:], {tree: own[1:] for tree, own in turns.items()}
    title = (
        f"{targets} targets, 50 streams, {samples} + {samples} samples in every reply, recorded; "
        f"{rounds} rounds of {polls} polls every {period:g} s, in turns; "
        f"bare calls {min(floor):.3f} ms\n  {machine()}"
    )
    report(title, commit, turns["here"], turns["there"])


def report(title: str, commit: str, here: Turns, there: Turns) -> None:
    rows = [
        ("CPU ms a poll and server", f"{commit}: min", "median", "now: min", "median", "ratio: min", "median")
    ]
    for part in ORDER:
        old, new = ([turn.get(part, 0.0) for turn in turns] for turns in (there, here))
        cells = [
            f"{value:.3f}" for value in (min(old), statistics.median(old), min(new), statistics.median(new))
        ]
        rows.append((part, *cells, _ratio(min(new), min(old)), _ratio(_median(new), _median(old))))
    table(title, rows)
    in_pairs = [new["whole"] / old["whole"] for new, old in zip(here, there, strict=True)]
    least = min(turn["whole"] for turn in here) / min(turn["whole"] for turn in there)
    table(
        "Target",
        [
            ("ratio of whole cycles", "measured", "target", ""),
            ("least turn / least turn", f"{least:.3f}", f"<= {LIMIT}", verdict(least <= LIMIT)),
            ("median of the turns in pairs", f"{_median(in_pairs):.3f}", "", ""),
        ],
    )


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _ratio(new: float, old: float) -> str:
    return f"{new / old:.2f}" if old else "new"

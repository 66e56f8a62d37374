"""All tests, one session after the other, and at the end the names of those that did not run.

``make test`` runs it, of each matrix a sample; ``make test-matrix`` runs what that leaves out. The exit code
is that of failures alone: a test that cannot run here is none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.needs import NEEDS, command, met

DOWNLOAD_SECONDS = 300
NOTHING_SELECTED = 5
"""pytest's exit code."""


@dataclass
class Outcome:
    """What became of one session. ``not_run`` has the need and the reason of each test, by its id."""

    name: str
    code: int
    passed: int = 0
    failed: int = 0
    not_run: dict[str, dict[str, str]] = field(default_factory=dict)


def sessions(arguments: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Name and command line of each session."""
    beside = ["-n", str(arguments.jobs)]
    marks = "matrix" if arguments.matrix else "not matrix"
    pytest = [sys.executable, "-m", "pytest", "-m", marks]
    if "core" in arguments.sessions:
        core = [arguments.core, "-m", "pytest", "tests/unit", "-m", f"not extras and {marks}", "-q", *beside]
        yield "unit tests without the optional parts", core
    if "unit" in arguments.sessions:
        unit = ["tests/unit", *beside, "--dist", "loadgroup"]
        if "core" in arguments.sessions:  # each test once; with the lowest versions, all run with all parts
            optional = [sys.executable, "-m", "pytest", "-m", f"extras and {marks}"]
            yield "unit tests of the optional parts", [*optional, *unit]
        else:
            yield "unit tests", [*pytest, *unit]
    if "system" not in arguments.sessions:
        return
    alone = [path for path in arguments.alone if _within(path, arguments.system)]
    others = [path for path in arguments.system if path not in alone]
    if others:
        ignored = [f"--ignore={path}" for path in alone]
        yield "system tests", [*pytest, *others, *beside, "--dist", "loadfile", *ignored]
    if alone:
        yield "system tests two at a time", [*pytest, *alone, "-n", "2", "--dist", "loadfile"]


def _within(path: str, places: list[str]) -> bool:
    return any(Path(path).is_relative_to(place) for place in places)


def run(name: str, line: list[str], scratch: Path) -> Outcome:
    """One session; what it says of itself goes to the terminal."""
    print(f"\n{name}", flush=True)
    results = scratch / "results"
    results.unlink(missing_ok=True)
    code = subprocess.run([*line, f"--results={results}"], check=False).returncode
    if code == NOTHING_SELECTED and "matrix" in line:  # not every session has such tests
        code = 0
    if not results.exists():
        return Outcome(name, code or 1)
    return Outcome(name, code, **json.loads(results.read_text()))


def fetch_browser() -> None:
    """Where there is no browser, playwright can bring one; where it cannot, its tests do not run."""
    if met("browser"):
        return
    print("No browser starts here: asking playwright for one ...", flush=True)
    fetch = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        fetched = subprocess.run(fetch, check=False, capture_output=True, timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired:
        return
    if fetched.returncode:
        print("playwright could not install one", flush=True)


def summary(outcomes: list[Outcome]) -> Iterator[str]:
    """Counts, then what did not run, then what would let it run."""
    yield ""
    yield f"{'':40}{'passed':>8}{'failed':>8}{'not run':>8}"
    for outcome in outcomes:
        ended = "" if outcome.code == 0 else f"  exit code {outcome.code}"
        yield f"{outcome.name:40}{outcome.passed:8}{outcome.failed:8}{len(outcome.not_run):8}{ended}"
    not_run = {test: why for outcome in outcomes for test, why in outcome.not_run.items()}
    if not_run:
        yield from _named(not_run)
    yield ""
    passed, failed = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("passed", "failed"))
    yield f"{passed} passed, {failed} failed, {len(not_run)} skipped"


def _named(not_run: dict[str, dict[str, str]]) -> Iterator[str]:
    needs = sorted({why["need"] for why in not_run.values()})
    yield ""
    yield f"{len(not_run)} tests did not run here:"
    for need in needs:
        tests = {test: why["reason"] for test, why in not_run.items() if why["need"] == need}
        if need:
            yield f"  {len(tests)} for want of {NEEDS[need].what}"
        yield from (f"    {test}" if need else f"  {test}: {reason}" for test, reason in tests.items())
    if any(needs):
        yield "They would run after:"
        yield f"  {command(filter(None, needs))}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", nargs="+", default=["unit"], choices=["core", "unit", "system"])
    parser.add_argument("--matrix", action="store_true", help="run what is marked matrix, and nothing else")
    parser.add_argument("--core", help="interpreter of the environment without optional parts")
    parser.add_argument("--jobs", type=int, default=2, help="tests beside each other")
    parser.add_argument(
        "--alone", nargs="*", default=[], help="files whose tests have no more than one other beside them"
    )
    parser.add_argument("--system", nargs="*", default=["tests/system"], help="system tests")
    arguments = parser.parse_args()
    if "system" in arguments.sessions:
        fetch_browser()
        met.cache_clear()
    with tempfile.TemporaryDirectory() as scratch:
        outcomes = [run(name, line, Path(scratch)) for name, line in sessions(arguments)]
    print(*summary(outcomes), sep="\n", flush=True)
    return int(any(outcome.code for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())

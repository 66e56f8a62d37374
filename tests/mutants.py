"""Rules and constants, each changed a little: a test must notice. ``make mutants``, or of some alone by name.

A mutant (tests/mutant_table.py) is one change of one line of a rule. For each, the package and its tests are
copied, the copy is changed, and the smallest set of unit tests that has to fail is run there; the checkout is
never touched. One that survives is a rule without a test: write the test, and say in the code what breaks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.mutant_table import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]
COPIED = ("stem_device", "tests", "pyproject.toml")
UNIT = Path("tests", "unit")
TEST_SECONDS = 60
"""More than any of the tests takes on a busy machine; a mutant that hangs is noticed by it."""
PASSED, FAILED = 0, 1
"""pytest's exit codes."""


def applied(mutant: Mutant, root: Path = ROOT) -> str:
    """The text of its file as the mutant has it. Raises ValueError if the original is not there just once."""
    text = (root / "stem_device" / mutant.file).read_text(encoding="utf-8")
    if (times := text.count(mutant.original)) != 1:
        raise ValueError(f"{mutant.file} has {mutant.original!r} {times} times")
    return text.replace(mutant.original, mutant.replacement)


@contextmanager
def a_copy() -> Iterator[Path]:
    """A directory with a copy of all that the unit tests need."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        for one in COPIED:
            source, target = ROOT / one, Path(name, one)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(".*_cache"))
            else:
                shutil.copy2(source, target)
        yield Path(name)


def run(tests: Sequence[str], root: Path) -> tuple[int, str]:
    """Run unit tests of a copy, until one fails; pytest's exit code, and its last lines."""
    options = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--timeout={TEST_SECONDS}",
        "--hypothesis-profile=mutants",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(str(UNIT / test) for test in tests)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, "\n".join((done.stdout + done.stderr).splitlines()[-12:])


def try_out(mutant: Mutant) -> tuple[bool, str]:
    """Whether its tests kill it, and a line about that."""
    begun = time.monotonic()
    with a_copy() as copy:
        try:
            text = applied(mutant, copy)
        except ValueError as error:
            return False, f"DOES NOT APPLY  {mutant.name}: {error}"
        changed = copy / "stem_device" / mutant.file
        changed.write_text(text, encoding="utf-8")
        for compiled in (changed.parent / "__pycache__").glob(f"{changed.stem}.*"):
            compiled.unlink()
        code, output = run(mutant.tests, copy)
    took = f"{time.monotonic() - begun:.1f} s"
    if code == FAILED:
        return True, f"killed  {mutant.name} ({took})"
    if code == PASSED:
        return False, f"SURVIVED  {mutant.name} ({took}): {mutant.file}, {mutant.replacement!r}"
    return False, f"DOES NOT RUN  {mutant.name}:\n{output}"


def tests_of(mutants: Sequence[Mutant]) -> list[str]:
    """Each test once: single ones not where their whole file is there."""
    tests = {test for mutant in mutants for test in mutant.tests}
    return sorted(test for test in tests if "::" not in test or test.partition("::")[0] not in tests)


def failure(test: str) -> str:
    """What a test says without any mutant, where it fails: then it would kill all of them. Else empty."""
    with a_copy() as copy:
        code, output = run([test], copy)
    return "" if code == PASSED else output


def chosen(names: Sequence[str]) -> list[Mutant]:
    """Those of these names, or whose file has one of them in its path; all of them for no name."""
    unknown = [name for name in names if not any(_is_meant(one, name) for one in MUTANTS)]
    if unknown:
        raise SystemExit(f"no such mutant: {', '.join(unknown)}")
    return [one for one in MUTANTS if not names or any(_is_meant(one, name) for name in names)]


def _is_meant(mutant: Mutant, name: str) -> bool:
    return name == mutant.name or name in mutant.file


def main() -> int:
    """Try the mutants out. Returns 1 if one survives or cannot be tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a mutant, or a part of its file's path")
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried beside each other")
    arguments = parser.parse_args()
    begun, mutants = time.monotonic(), chosen(arguments.names)
    alive = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        if failures := [output for output in pool.map(failure, tests_of(mutants)) if output]:
            print("Tests fail without any mutant:", *failures, sep="\n")
            return 1
        for mutant, (killed, line) in zip(mutants, pool.map(try_out, mutants), strict=True):
            print(line, flush=True)
            alive += [] if killed else [mutant.name]
    print(f"{len(mutants) - len(alive)} of {len(mutants)} killed in {time.monotonic() - begun:.0f} s", end="")
    print(f"; not killed: {', '.join(alive)}" if alive else "")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.truth``: run the matrix, print the table; exit code 1 if a row is wrong."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
from pathlib import Path

from tests.truth.processes import ROOT
from tests.truth.rows import Outcome
from tests.truth.runner import run_rows
from tests.truth.scenarios import rows
from tests.truth.table import markdown

PAGE = ROOT / "docs" / "reference" / "ground-truth.md"
BEGIN, END = "<!-- matrix -->", "<!-- end of matrix -->"


def main() -> int:
    arguments = _arguments()
    chosen = [row for row in rows().values() if any(fnmatch.fnmatch(row.name, p) for p in arguments.patterns)]
    if arguments.list:
        sys.stdout.write("".join(f"{row.name}\n" for row in chosen))
        return 0
    directory = Path(arguments.directory or tempfile.mkdtemp(prefix="stem-truth-"))
    directory.mkdir(parents=True, exist_ok=True)
    outcomes = run_rows(
        chosen, directory, jobs=arguments.jobs, slow_jobs=arguments.slow_jobs, done=_tell
    )  # fmt: skip
    table = markdown(outcomes)
    sys.stdout.write(table + "\n")
    if arguments.write:
        _write(table)
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    left_out = sum(outcome.truth is None and not outcome.wrong for outcome in outcomes)
    sys.stdout.write(
        f"{len(outcomes)} rows: {wrong} wrong, {left_out} not run. Journals and polls: {directory}\n"
    )
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("patterns", nargs="*", default=["*"], help="names of rows, with * as wildcard")
    parser.add_argument("--list", action="store_true", help="name the rows and run none")
    parser.add_argument("--jobs", type=int, default=2, help="rows side by side")
    parser.add_argument(
        "--slow-jobs", type=int, default=5, help="rows at 10 s side by side, beside the others"
    )
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--directory", help="where journals and polls go")
    return parser.parse_args()


def _write(table: str) -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")


def _tell(outcome: Outcome) -> None:
    words = outcome.not_run if outcome.truth is None else "; ".join(outcome.wrong)
    sys.stderr.write(f"{'WRONG' if outcome.wrong else 'ok'}  {outcome.row}  {words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

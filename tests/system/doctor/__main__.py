"""``python -m tests.system.doctor``: try each fault several times, print the table of verdicts."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.needs import met
from tests.system.doctor.faults import FAULTS, Fault
from tests.system.doctor.ward import Ward, broken_number, ward

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "doctor.md"
BEGIN, END = "<!-- tries -->", "<!-- end of tries -->"

HEAD = ("| fault | must name | named first, of tries | seconds, median |", "|---|---|---|---|")


def main() -> int:
    """Exit code 1 if a try was judged wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.doctor", description=__doc__)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    parser.add_argument("names", nargs="*", help="faults; all without any")
    arguments = parser.parse_args()
    chosen = [fault for fault in FAULTS if not arguments.names or fault.name in arguments.names]
    with ward(Path(tempfile.mkdtemp(prefix="stem-doctor-"))) as there:
        rows = [
            _row(fault, there, arguments.tries) for fault in chosen if not fault.needs or met(fault.needs)
        ]
    table = "\n".join(
        (
            "| fault | must name | named first, of tries | seconds, median |",
            "|---|---|---|---|",
            *(r for r, _ in rows),
        )
    )
    sys.stdout.write(table + "\n")
    if arguments.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    return 0 if all(right for _, right in rows) else 1


def _row(fault: Fault, there: Ward, tries: int) -> tuple[str, bool]:
    right, seconds = 0, []
    for _ in range(tries):
        begun = time.monotonic()
        diagnosis = fault.inject(there)
        seconds.append(time.monotonic() - begun)
        if broken_number(diagnosis) == fault.number:
            right += 1
        else:
            sys.stderr.write(f"{fault.name}: named {diagnosis.broken}\n")
    wanted = f"{fault.number} {fault.link}" if fault.number else "nothing"
    row = f"| {fault.says} | {wanted} | {right} of {tries} | {sorted(seconds)[tries // 2]:.1f} |"
    sys.stderr.write(row + "\n")
    return row, right == tries


if __name__ == "__main__":
    sys.exit(main())

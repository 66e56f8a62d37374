"""What the thread sanitizer reports, as kind and places in cppTango, one line each: ``reports.py FILE...``.

A place is the innermost function of cppTango of each of the accesses; the functions of the standard library
in which they end say little.
"""

# ruff: noqa: T201

import re
import sys
from collections import Counter
from pathlib import Path

FRAME = re.compile(r"^    #\d+ (.*?)(?:\(.*)? (?:\S+:\d+|<null>|\(.*)", re.MULTILINE)


def places(report):
    """Of the accesses, which are the first two stacks."""
    found = []
    for stack in report.split("\n\n")[:2]:
        names = [name for name in FRAME.findall(stack) if name.startswith("Tango::")]
        found.append(names[0] if names else "outside of cppTango")
    return sorted(found)


def main(paths):
    """Print each kind of report once, with how often it came."""
    counts = Counter()
    for path in paths:
        for report in Path(path).read_text().split("WARNING: ThreadSanitizer: ")[1:]:
            kind = report.split(" (pid")[0]
            counts[f"{kind}: {' and '.join(places(report))}"] += 1
    for line, count in sorted(counts.items()):
        print(f"{count:6} {line}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Tests that end differently: ``python compare_tests.py UNPATCHED.xml PATCHED.xml`` (JUnit reports)."""

# ruff: noqa: S314, T201

import sys
from collections import Counter
from xml.etree import ElementTree


def outcomes(path):
    """Outcome of each test, by its name."""
    found = {}
    for case in ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[f"{case.get('classname')}::{case.get('name')}"] = min(kinds, default="passed")
    return found


def main(before, after):
    """Print the counts and the differences; 1 if there is a difference, or no test."""
    sides = [outcomes(path) for path in (before, after)]
    for name, side in zip(("unpatched", "patched"), sides, strict=True):
        counts = sorted(Counter(side.values()).items())
        print(f"{name:10}", ", ".join(f"{count} {outcome}" for outcome, count in counts))
    names = sorted(sides[0].keys() | sides[1].keys())
    different = [name for name in names if sides[0].get(name) != sides[1].get(name)]
    for name in different:
        print(f"{name}: {sides[0].get(name)} unpatched, {sides[1].get(name)} patched")
    print(f"{len(different)} of {len(names)} tests end differently")
    return 1 if different or not names else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

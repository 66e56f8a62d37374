"""Tests that end differently: ``python compare_tests.py UNPATCHED.xml PATCHED.xml`` (JUnit reports).

``python compare_tests.py --repeated DIRECTORY`` judges the tests that did, by their repetitions:
``unpatched-*.xml``, ``patched-*.xml``. Only a test that passes on one side and never on the other is a
difference.
"""

# ruff: noqa: S314, T201

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def outcomes(path):
    """Outcome of each test, by its id."""
    found = {}
    for case in ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[_id(case)] = min(kinds, default="passed")
    return found


def _id(case):
    """As pytest takes it on its command line."""
    words = case.get("classname").split(".")
    inside = [word for word in words if word.startswith("Test")]
    file = "/".join(word for word in words if word not in inside)
    return "::".join([f"{file}.py", *inside, case.get("name")])


def compare(before, after):
    """Print the counts and, on standard error, the tests that differ; 1 if there is one, 2 without tests."""
    sides = [outcomes(path) for path in (before, after)]
    for name, side in zip(("unpatched", "patched"), sides, strict=True):
        counts = sorted(Counter(side.values()).items())
        print(f"{name:10}", ", ".join(f"{count} {outcome}" for outcome, count in counts))
    names = sorted(sides[0].keys() | sides[1].keys())
    different = [name for name in names if sides[0].get(name) != sides[1].get(name)]
    print(f"{len(different)} of {len(names)} tests ended differently")
    for name in different:
        print(name, file=sys.stderr)
    return 2 if not names else 1 if different else 0


def judge(directory):
    """Print how often each repeated test passed on each side; 1 if one side alone ever passed it."""
    passed = {"unpatched": Counter(), "patched": Counter()}
    names = set()
    for side, counter in passed.items():
        for path in Path(directory).glob(f"{side}-*.xml"):
            for name, outcome in outcomes(path).items():
                names.add(name)
                counter[name] += outcome == "passed"
    different = 0
    for name in sorted(names):
        counts = [counter[name] for counter in passed.values()]
        different += bool(max(counts)) != bool(min(counts))
        print(f"{name}: passed {counts[0]} times unpatched, {counts[1]} times patched")
    print(f"{different} tests pass on one side only")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(judge(sys.argv[2]) if sys.argv[1] == "--repeated" else compare(*sys.argv[1:]))

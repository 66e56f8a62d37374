"""The page of what was tried names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/hostile-neighbours.md"


def test_every_try_has_a_test() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][2:]
    for row in rows:
        places = re.findall(r"`([\w/]+(?:/|\.py))`", row.split("|")[3])
        assert places, row
        folder = Path()
        for place in places:
            folder = Path(place).parent if "/" in place.rstrip("/") else folder
            path = ROOT / (place if "/" in place else folder / place)
            assert path.exists(), f"{place} in {row}"

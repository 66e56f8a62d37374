"""All rows, by name."""

from __future__ import annotations

from tests.truth.rows import Row
from tests.truth.scenarios import beginnings, overflows, restarts, steady, unknown

PERIODS = (0.5, 10.0)


def rows() -> dict[str, Row]:
    """Every row: each play at each period that makes a difference to it; the slow ones first."""
    found = [
        Row(f"{name} @{period:g}s", period, play)
        for module in (steady, beginnings, restarts, overflows, unknown)
        for name, play, periods in module.PLAYS
        for period in periods or PERIODS
    ]
    return {row.name: row for row in sorted(found, key=lambda row: -row.period)}

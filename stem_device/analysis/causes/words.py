"""Numbers and names as the sentences have them."""

from __future__ import annotations

import re

_HOST = re.compile(r"tango://[^/]+/", re.IGNORECASE)


def short(name: str) -> str:
    """A name without the database that it belongs to."""
    return _HOST.sub("", name)


def events(number: int) -> str:
    """``1 event``, ``1,500 events``."""
    return f"{number:,} event" if number == 1 else f"{number:,} events"


def seconds(value: float) -> str:
    """``0.5 s``, ``41 s``, ``3 min``, ``2.5 h``."""
    if value < 120:
        return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"


def milliseconds(value_seconds: float) -> str:
    """Of a duration in seconds, with three digits that count."""
    return f"{value_seconds * 1e3:.3g} ms" if value_seconds < 1 else f"{value_seconds:.3g} s"


def rate(per_second: float) -> str:
    """Of a number a second, with as many digits as mean something."""
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.2g}"


def times(number: int) -> str:
    """``once``, ``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")

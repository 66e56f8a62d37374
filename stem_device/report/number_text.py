"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

_BARS = "▁▂▃▄▅▆▇█"
_NANOSECONDS = 1_000_000_000


def count(value: int | None) -> str:
    """``120513`` -> ``120,513``; ``-`` for a count that is not known."""
    return "-" if value is None else f"{value:,}"


def signed(value: int) -> str:
    """``20`` -> ``+20``; zero is ``+0``, so that the columns of a log keep their shape."""
    return f"{value:+d}"


def rate(value: float) -> str:
    """Events per second: whole numbers from 100 on, else three digits; ``-`` for NaN."""
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}/s" if value >= 99.95 or value == 0 else f"{value:.3g}/s"


def micros(value: float) -> str:
    """A time given in microseconds, in the unit that suits it; ``-`` for NaN."""
    if math.isnan(value):
        return "-"
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value:.3g} µs" if value else "0 µs"


def seconds(value: float) -> str:
    """A duration given in seconds: ``850 ms``, ``12.3 s``, ``4 min 10 s``, ``3 h 05 min``."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.3g} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(value: int) -> str:
    """Bytes: ``512 B``, ``34.1 kB``, ``1.2 GB`` (powers of 1000)."""
    amount = float(value)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def utc(time_utc_ns: int) -> str:
    """ISO 8601 with milliseconds: ``2026-01-31T12:00:00.123Z``."""
    whole, rest = divmod(time_utc_ns, _NANOSECONDS)
    stamp = datetime.fromtimestamp(whole, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


def clock_time(time_utc_ns: int) -> str:
    """The local time of day, ``12:00:00``: for a reader in front of the screen."""
    return f"{datetime.fromtimestamp(time_utc_ns // _NANOSECONDS, UTC).astimezone():%H:%M:%S}"


def clock_time_and_zone(time_utc_ns: int) -> str:
    """The same with its zone, ``12:00:00 CET``."""
    return f"{datetime.fromtimestamp(time_utc_ns // _NANOSECONDS, UTC).astimezone():%H:%M:%S %Z}"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as bars between 0 and their largest; NaN counts as 0; padded on the right."""
    shown = [0.0 if math.isnan(value) else value for value in values[-width:]]
    largest = max(shown, default=0.0)
    bars = (_bar(value, largest) for value in shown)
    return "".join(bars).ljust(width)


def _bar(value: float, largest: float) -> str:
    if largest <= 0 or value <= 0:
        return _BARS[0]
    # Anything above zero is told apart from zero, however tall its neighbour.
    return _BARS[max(1, min(len(_BARS) - 1, round(value / largest * (len(_BARS) - 1))))]


def common_prefix(names: Iterable[str]) -> str:
    """The ``tango://host:port/`` that all names share, or an empty string."""
    prefixes = {_database_prefix(name) for name in names}
    return prefixes.pop() if len(prefixes) == 1 else ""


def without(prefix: str, text: str) -> str:
    """``text`` without the database of all names and without the ``dserver/`` of admin devices."""
    if not prefix:
        return text.removeprefix("dserver/")
    return text.replace(f"{prefix}dserver/", "").replace(prefix, "")


def _database_prefix(name: str) -> str:
    if not name.startswith("tango://"):
        return ""
    end = name.find("/", len("tango://"))
    return name[: end + 1] if end > 0 else ""


def tight_micros(value: float) -> str:
    """A time given in microseconds in at most six characters: ``12.3µ``, ``4.56m``, ``1.2s``."""
    return micros(value).replace(" µs", "µ").replace(" ms", "m").replace(" s", "s")

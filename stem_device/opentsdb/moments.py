"""Times and durations, as OpenTSDB writes them."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stem_device.errors import TsdbQueryError

MILLISECONDS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 7 * 86_400_000,
    "n": 30 * 86_400_000,
    "y": 365 * 86_400_000,
}
"""Of each unit; a month (n) has 30 days, a year 365."""

MAX_MS = 9_214_646_400_000
"""The beginning of 2262, the last moment that 64 bits of nanoseconds can tell."""

_DURATION = re.compile(r"(\d{1,15})(ms|[smhdwny])")
_NUMBER = re.compile(r"(\d{1,19})(?:\.(\d{1,9}))?")
_MOST_DIGITS_OF_SECONDS = 10
_FORMATS = ("%Y/%m/%d-%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d-%H:%M", "%Y/%m/%d %H:%M", "%Y/%m/%d")
_FORMS = "seconds or milliseconds since 1970, as 1h-ago, or as 2026/11/27-03:30:00"


def duration_ms(text: str) -> int:
    """``30s`` -> 30000. Raises TsdbQueryError for what is no duration, or 0."""
    match = _DURATION.fullmatch(text)
    if match is None or not int(match[1]):
        raise TsdbQueryError(
            f"Invalid duration {text!r:.60}", f"a number and a unit of {', '.join(MILLISECONDS)}, as 30s"
        )
    return min(int(match[1]) * MILLISECONDS[match[2]], MAX_MS)


def moment_ms(name: str, given: str | float, now_ms: int, zone: tzinfo) -> int:
    """A time in milliseconds since 1970 UTC; ``zone`` is for times without one. Raises TsdbQueryError."""
    text = given.strip() if isinstance(given, str) else f"{given:.3f}" if given % 1 else f"{int(given)}"
    if text.lower() == "now":
        return now_ms
    if text.endswith("-ago"):
        return max(0, now_ms - duration_ms(text.removesuffix("-ago")))
    number = _NUMBER.fullmatch(text)
    moment = _counted(number) if number else _written(text, zone)
    if moment is None or not 0 <= moment <= MAX_MS:
        raise TsdbQueryError(f"Invalid {name} time {text!r:.60}", f"it must be {_FORMS}")
    return moment


def zone_of(name: str | None) -> tzinfo:
    """A time zone by its name, UTC by default. Raises TsdbQueryError."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TsdbQueryError(f"Invalid time zone {name!r:.60}", "as Europe/Paris") from error


def _counted(number: re.Match[str]) -> int:
    """More than ten digits are milliseconds, as in OpenTSDB."""
    whole, part = number[1], number[2]
    if len(whole) > _MOST_DIGITS_OF_SECONDS:
        return int(whole)
    return int(whole) * 1000 + int((part or "0").ljust(3, "0")[:3])


def _written(text: str, zone: tzinfo) -> int | None:
    for form in _FORMATS:
        try:
            return round(datetime.strptime(text, form).replace(tzinfo=zone).timestamp() * 1000)
        except (ValueError, OverflowError):
            continue
    return None

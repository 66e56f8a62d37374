"""Times as people type them: before the end of a recording, or by the clock of a zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stem_device.errors import OptionError

_RELATIVE = re.compile(r"(?P<sign>[+-])(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?")
_UNIT_SECONDS = (86_400, 3600, 60, 1)
_LOCAL = "local"


def moment_of(option: str, text: str, span_ns: Callable[[], tuple[int, int]]) -> str | int:
    """What ``Recording.select`` takes for ``text``.

    ``-1h30m`` is before the last poll and ``+10m`` after the first one, which ``span_ns`` tells; a time with
    the name of a zone is by the clock there. All else is left as it is. Raises OptionError.
    """
    found = _RELATIVE.fullmatch(text.strip())
    if not found:
        return zoned(option, text)
    sign, *numbers = found.groups()
    seconds = sum(float(number or 0) * unit for number, unit in zip(numbers, _UNIT_SECONDS, strict=True))
    first, last = span_ns()
    return last - round(seconds * 1e9) if sign == "-" else first + round(seconds * 1e9)


def zoned(option: str, text: str) -> str:
    """``2026-11-22T05:15 Europe/Berlin`` or ``... local`` -> the same with its offset; else ``text``.

    Raises OptionError for a zone that is not known, and for an hour that comes twice or never.
    """
    time, _, name = text.strip().rpartition(" ")
    if not time or not name[0].isalpha():
        return text
    try:
        naive = datetime.fromisoformat(time.strip())
        zone = None if name.lower() == _LOCAL else ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        expected = "must be a time and a zone, as 2026-11-22T05:15 Europe/Berlin, or 'local' for that of here"
        raise OptionError(option, text, expected) from error
    if naive.tzinfo is not None:
        raise OptionError(option, text, "has two zones; leave one out")
    return _only(option, text, naive, zone).isoformat()


def _only(option: str, text: str, naive: datetime, zone: tzinfo | None) -> datetime:
    early, late = (_at(naive.replace(fold=fold), zone) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return early
    if early.replace(tzinfo=None) != naive:
        raise OptionError(option, text, "the clocks were put forward then: there is no such time")
    offsets = " or ".join(f"{one:%z}"[:3] + ":" + f"{one:%z}"[3:5] for one in (early, late))
    raise OptionError(option, text, f"the clocks were put back then: say {offsets} in place of the zone")


def _at(naive: datetime, zone: tzinfo | None) -> datetime:
    """The moment by the clock of ``zone``, in which a time that does not exist becomes one that does."""
    aware = naive.astimezone() if zone is None else naive.replace(tzinfo=zone)
    return datetime.fromtimestamp(aware.timestamp(), aware.tzinfo if zone is None else zone)

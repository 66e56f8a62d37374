"""Moments as users write them, in nanoseconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np

from stem_device.errors import OptionError

Moment: TypeAlias = str | datetime | np.datetime64 | int
"""ISO 8601 (``2026-11-22T04:15:30``), a datetime, or nanoseconds since 1970 UTC. Without a zone it is UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXPECTED = (
    "must be ISO 8601 as 2026-11-22T04:15:30Z (UTC if no zone is given), a datetime, or whole nanoseconds"
)


def utc_ns(option: str, moment: Moment) -> int:
    """Nanoseconds since 1970 UTC; OptionError naming ``option`` if ``moment`` cannot be understood."""
    if isinstance(moment, str):
        return parse_iso8601(option, moment)
    if isinstance(moment, datetime):
        # pandas.Timestamp is a datetime with nanoseconds.
        return _datetime_ns(moment) + int(getattr(moment, "nanosecond", 0))
    if isinstance(moment, np.datetime64) and not np.isnat(moment):
        return int(moment.astype("datetime64[ns]").astype(np.int64))
    if isinstance(moment, int | np.integer) and not isinstance(moment, bool):
        return int(moment)
    raise OptionError(option, moment, _EXPECTED)


def parse_iso8601(option: str, text: str) -> int:
    """As :func:`utc_ns` for a text."""
    try:
        return _datetime_ns(datetime.fromisoformat(text.strip()))
    except ValueError as error:
        raise OptionError(option, text, _EXPECTED) from error


def _datetime_ns(moment: datetime) -> int:
    """Exact: floats would lose the nanoseconds."""
    elapsed = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 10**9 + elapsed.microseconds * 1000

"""The highest numbers there can be, and how much memory a reader may take, which users may change."""

from __future__ import annotations

import os

from stem_device.errors import OptionError

MAX_COUNT = 1 << 53
"""Of any number in a reply or a recording: a monitor that counts a million events a second needs 285 years,
and as many microseconds are 285 years; sums and floats are exact up to here. One limit for both, so that no
server can send what would make the recording of all others unreadable."""

MAX_READ_BYTES = "STEM_MAX_READ_BYTES"
"""The variable of the environment that says it; processes pass it on to those that read for them."""
DEFAULT_MAX_READ_BYTES = 1_000_000_000


def max_read_bytes() -> int:
    """What the environment says, or the default. Raises OptionError."""
    told = os.environ.get(MAX_READ_BYTES, "")
    if not told:
        return DEFAULT_MAX_READ_BYTES
    if not told.isascii() or not told.isdigit() or not int(told[:18]):
        raise OptionError(MAX_READ_BYTES, told, "must be a whole number of bytes, more than 0")
    return int(told[:18])


DOCTOR_WAIT_SECONDS = 12.0
"""How long the doctor waits for events: heartbeats come every 9 or 10 s."""

DOCTOR_ALL_SECONDS = 60.0
"""How long the doctor may look at all devices of a database; those not reached by then are told."""

"""How long each link may take before its call counts as hanging."""

from __future__ import annotations

from stem_device.doctor.diagnosis import LINKS

BEGIN_SECONDS = 30.0
"""Until the child process has imported Tango: 0.5 s, and 10 s on a machine that swaps."""

END_SECONDS = 3.0
"""For its way out, in which Tango ends its threads."""

_USUAL = 10.0
"""Each call of a link has a limit of its own, of 2 or 3 s, and most links make one or two."""

_SLOW = {"answers": 15.0, "subscription": 15.0, "endpoints": 15.0, "heartbeat": 25.0}
"""Several calls one after the other."""


def limit_of(number: int, wait_seconds: float) -> float:
    """Seconds that a link may take; ``heartbeat`` is the one that waits for events."""
    link = LINKS[number - 1]
    return _SLOW.get(link, _USUAL) + (wait_seconds if link == "heartbeat" else 0.0)

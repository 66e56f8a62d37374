"""What a canary has seen, as plain numbers."""

from __future__ import annotations

import math

from msgspec import Struct


class CanaryFigures(Struct, frozen=True, kw_only=True):
    """One subscription of the monitor itself, at one moment; docs/howto/canaries.md has the meanings.

    ``attribute`` is ``a/b/c/x``, ``event`` periodic or change, empty before it is subscribed.
    What is not known is None, or NaN for seconds. ``problem`` says why it does not work, empty if it does.
    """

    attribute: str
    event: str = ""
    produced: int | None = None
    received: int = 0
    lost: int | None = None
    in_flight: int | None = None
    round_trip_seconds: float = math.nan
    latency_seconds: float = math.nan
    age_seconds: float = math.nan
    problem: str = ""

    @property
    def state(self) -> str:
        """``arriving``, ``late`` (with a problem, though it is subscribed), or ``not subscribed``."""
        if not self.event:
            return "not subscribed"
        return "late" if self.problem else "arriving"

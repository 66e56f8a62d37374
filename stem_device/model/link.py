"""One publisher as it is heard from this host."""

from __future__ import annotations

from msgspec import Struct

PERIOD_SECONDS = 10.0
"""Between two heartbeats of a publisher: 9 to 10 s, measured."""

MISSED = 2
SLACK_SECONDS = 1.0
"""A link is silent once so many heartbeats in a row did not come, and this besides."""


class LinkFigures(Struct, frozen=True):
    """One publisher as heard from this host; ``age_seconds`` since its last heartbeat, None before one.

    ``waited_seconds`` is for how long it has been listened for since then.
    """

    publisher: str
    endpoint: str
    age_seconds: float | None
    waited_seconds: float

    @property
    def silent(self) -> bool:
        return self.waited_seconds > MISSED * PERIOD_SECONDS + SLACK_SECONDS

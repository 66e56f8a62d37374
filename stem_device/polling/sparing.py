"""How often a server may be asked, so that its answers take no more than a share of its time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

ANSWERS_KEPT = 10
"""The quickest of the last so many answers counts: the others may have waited, for something else that the
server did or for a processor. With half as many, a busy machine looks like a slow server; with twice as many,
a server with too many subscriptions is asked too often for twice as long after its start."""

LEAST_SECONDS = 0.002
"""A quicker answer is taken for none: by then it is the threads of the monitor that take the time. Half of
it is what an answer with 50 subscriptions takes, twice as much one with almost 1000 (both measured)."""

LONGEST_SECONDS = 60.0
"""A server is asked so often in any case: what is lost is told a minute later at most."""


class Sparing:
    """Knows how long the answers of one server take, and what follows from that.

    While a server answers it does nothing else with its clients' subscriptions: cppTango holds their lock.
    """

    def __init__(self, max_share: float) -> None:
        """``max_share``: of its time that a server may spend on answers, more than 0 and at most 1."""
        self._max_share = max_share
        self._answers: deque[float] = deque(maxlen=ANSWERS_KEPT)

    @property
    def answer_seconds(self) -> float:
        """How long one answer takes; 0 while that is not known, and where it is too short to be told."""
        if len(self._answers) < ANSWERS_KEPT:
            return 0.0
        quickest = min(self._answers)
        return quickest if quickest >= LEAST_SECONDS else 0.0

    def note(self, answer_seconds: Iterable[float]) -> None:
        """Take how long each answer took that has come in."""
        self._answers.extend(answer_seconds)

    def forget(self) -> None:
        """Another process answers now."""
        self._answers.clear()

    def polls(self, period_seconds: float) -> int:
        """At every how manieth poll to ask, from 1."""
        needed = math.ceil(self.answer_seconds / (self._max_share * period_seconds))
        return max(1, min(needed, int(LONGEST_SECONDS / period_seconds)))

    def queries(self, period_seconds: float) -> int:
        """How many times to ask within one period at most, from 1."""
        if not self.answer_seconds:
            return 2**31
        return max(1, int(self._max_share * period_seconds / self.answer_seconds))

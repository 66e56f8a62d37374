"""What :func:`stem_device.statistics.compare` finds; JSON (``stem compare --json``) has the same names."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from stem_device.statistics.evidence import Evidence

SCHEMA = "stem-device comparison"
SCHEMA_VERSION = 1
SURE_BELOW = 0.05
"""A change is sure if its adjusted p value is below this."""


class Verdict(enum.StrEnum):
    """What became of it. MORE and LESS where neither is better."""

    WORSE = "worse"
    BETTER = "better"
    MORE = "more"
    LESS = "less"
    UNSURE = "no sure change"
    UNKNOWN = "cannot be told"


class Kind(enum.StrEnum):
    """What is compared. Of the first five, more is worse; ``--fail-on`` knows them."""

    MISSED = "missed"
    OVERDUE = "overdue"
    LATENCY = "latency"
    PROCESSING = "processing"
    PUSH = "push"
    PUBLISHED = "published"
    RECEIVED = "received"
    PUSH_INTERVAL = "push_interval"
    RECEIVE_INTERVAL = "receive_interval"
    SLEEP = "sleep"


WORSE_IF_HIGHER = frozenset({Kind.MISSED, Kind.OVERDUE, Kind.LATENCY, Kind.PROCESSING, Kind.PUSH})


@dataclass(frozen=True, slots=True)
class Change:
    """One number in A and in B.

    ``server`` is empty for all servers together, ``stream`` for all streams; ``quantile`` is "median" or
    "p99" for timings. ``unit``: "share" (missed / expected), "events" (overdue, mean over polls),
    "events/s", "us". ``adjusted_p_value`` takes into account how many changes of this family were tested.
    """

    kind: Kind
    quantile: str
    server: str
    stream: str
    unit: str
    evidence: Evidence
    adjusted_p_value: float
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True)
class Side:
    """A or B: what was compared, in ``pieces`` pieces of ``polls`` polls in all.

    ``level`` and ``sentence`` are the verdict over all of it, which counts ``unaccounted`` events, and those
    ``overdue`` at the end.
    """

    label: str
    first_poll_utc_ns: int
    last_poll_utc_ns: int
    polls: int
    pieces: int
    missed: int
    expected: int
    unaccounted: int
    overdue: int
    level: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A subscription that is in one recording only."""

    server: str
    stream: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Changes, the worst first: what became worse and is sure, what became better, and the rest.

    ``overall`` has those of all servers together, ``single`` those of servers and subscriptions.
    """

    schema: str
    version: int
    a: Side
    b: Side
    overall: tuple[Change, ...]
    single: tuple[Change, ...]
    only_in_a: tuple[Subject, ...]
    only_in_b: tuple[Subject, ...]

    def newly_lost(self, *, overdue: bool = True) -> bool:
        """Whether A lost nothing and B did: from none to some needs no statistics.

        What is unaccounted counts, and with ``overdue`` what was overdue at the end.
        """
        a, b = (side.missed + side.unaccounted + overdue * side.overdue for side in (self.a, self.b))
        return a == 0 < b

    def failed(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of ``kind`` for the worse that are sure.

        Of MISSED also the overall one, sure or not, if A missed nothing and B did; see ``newly_lost`` too.
        """
        changes = (*self.overall, *self.single)
        found = tuple(change for change in changes if change.kind is kind and change.verdict is Verdict.WORSE)
        if kind is Kind.MISSED and not found and self.a.missed == 0 < self.b.missed:
            return tuple(change for change in self.overall if change.kind is kind)
        return found

"""What :func:`stem_device.statistics.compare` finds; JSON (``stem compare --json``) has the same names."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from stem_device.statistics.significance import Evidence

SCHEMA = "stem-device comparison"
SCHEMA_VERSION = 2
SURE_BELOW = 0.05
"""A change is sure if its adjusted p value is below this: one in twenty that are called sure is none. Half of
it cannot be reached with four pieces on each side; twice as much would fail each tenth good release."""


class Verdict(enum.StrEnum):
    """What became of it. MORE and LESS where neither is better."""

    WORSE = "worse"
    BETTER = "better"
    MORE = "more"
    LESS = "less"
    UNSURE = "no sure change"
    UNKNOWN = "cannot be told"


class Kind(enum.StrEnum):
    """What is compared. Of the first eight, more is worse; ``--fail-on`` knows them, UNACCOUNTED as MISSED.

    DURATION and HALT are telemetry of processes, by label: what they timed; pauses of their garbage
    collectors and lags.
    """

    MISSED = "missed"
    UNACCOUNTED = "unaccounted"
    OVERDUE = "overdue"
    LATENCY = "latency"
    PROCESSING = "processing"
    PUSH = "push"
    DURATION = "duration"
    HALT = "halt"
    PUBLISHED = "published"
    RECEIVED = "received"
    PUSH_INTERVAL = "push_interval"
    RECEIVE_INTERVAL = "receive_interval"
    SLEEP = "sleep"


LOSSES = frozenset({Kind.MISSED, Kind.UNACCOUNTED, Kind.OVERDUE})
WORSE_IF_HIGHER = frozenset({*LOSSES, Kind.LATENCY, Kind.PROCESSING, Kind.PUSH, Kind.DURATION, Kind.HALT})


@dataclass(frozen=True, slots=True)
class Change:
    """One number in A and in B.

    ``server`` is empty for all servers together, ``stream`` for all streams; ``quantile`` is "median" or
    "p99" for timings. ``label`` is that of telemetry, and empty for all else. ``unit``: "share" (missed or
    unaccounted / expected), "events" (overdue, mean over polls), "events/s", "us". ``adjusted_p_value`` takes
    into account how many changes of this family were
    tested.
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
    label: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """A or B: what was compared, in ``pieces`` pieces of ``polls`` polls in all, which cover ``seconds``.

    ``unaccounted`` is None where an older file does not tell, ``overdue_at_end`` where no subscription tells;
    ``overdue_unknown`` counts those that do not. ``bursts`` are losses that follow each other without a poll
    in between, ``burst_interval_seconds`` the median time from one to the next.
    """

    label: str
    first_poll_utc_ns: int
    last_poll_utc_ns: int
    polls: int
    pieces: int
    missed: int
    expected: int
    unaccounted: int | None
    overdue_at_end: int | None
    overdue_unknown: int
    seconds: float
    bursts: int
    burst_interval_seconds: float

    @property
    def lost(self) -> int:
        """Missed, and unaccounted as far as that is known."""
        return self.missed + max(self.unaccounted or 0, 0)


@dataclass(frozen=True, slots=True)
class Subject:
    """A subscription that is in one recording only."""

    server: str
    stream: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Changes, the worst first: what became worse and is sure, what became better, and the rest.

    ``overall`` has those of all servers together, ``single`` those of servers and subscriptions.
    ``caveats`` are sentences: why losses cannot be compared.
    """

    schema: str
    version: int
    a: Side
    b: Side
    overall: tuple[Change, ...]
    single: tuple[Change, ...]
    only_in_a: tuple[Subject, ...]
    only_in_b: tuple[Subject, ...]
    caveats: tuple[str, ...]

    def failed(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of ``kind`` for the worse that are sure; those of UNACCOUNTED belong to MISSED.

        Of MISSED also the overall ones, sure or not, if A lost nothing and B did: from none to some needs
        no statistics.
        """
        kinds = {Kind.MISSED, Kind.UNACCOUNTED} if kind is Kind.MISSED else {kind}
        changes = (*self.overall, *self.single)
        found = tuple(
            change for change in changes if change.kind in kinds and change.verdict is Verdict.WORSE
        )
        if kind is Kind.MISSED and not found and self.losses_appeared:
            return tuple(change for change in self.overall if change.kind in kinds and change.evidence.b > 0)
        return found

    @property
    def losses_appeared(self) -> bool:
        """Whether A lost nothing, and B did."""
        return self.a.lost == 0 < self.b.lost

    @property
    def overdue_appeared(self) -> bool:
        """Whether events were overdue at the end of B and, as far as is known, none at that of A."""
        return (self.a.overdue_at_end or 0) == 0 < (self.b.overdue_at_end or 0)

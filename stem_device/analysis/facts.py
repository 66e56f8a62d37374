"""What a verdict rests on: plain numbers of one span of time, and no judgement yet.

Made from Snapshots by :mod:`.live`, from the columns of a recording by :mod:`.columns`.
Server names are admin devices with their database; times are ns since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

from stem_device.model.options import VerdictOptions
from stem_device.model.poll import Failure

Key = TypeVar("Key")

MAX_LOSSES = 1000
"""Subscriptions with losses that are kept by name; the sums contain all of them. As many as a large server
has: with half of it, one that is killed would leave half of its losses without a name."""


class Loss(Struct, frozen=True, gc=False):
    """What one subscription lost in the span.

    It was lost after ``since_utc_ns``, noticed first at ``noticed_utc_ns`` and last at ``until_utc_ns``.
    ``received`` is what it received meanwhile, None where that is not counted from the same moment.
    """

    server: str
    topic: str
    stream: str
    publisher: str
    missed: int
    unaccounted: int
    at_least: bool
    received: int | None
    since_utc_ns: int
    noticed_utc_ns: int
    until_utc_ns: int

    @property
    def lost(self) -> int:
        return self.missed + self.unaccounted

    @property
    def share(self) -> float | None:
        """missed / (received + missed) of this subscription; None where that cannot be told."""
        if self.received is None or self.received + self.missed == 0:
            return None
        return self.missed / (self.received + self.missed)


class Overdue(Struct, frozen=True, gc=False):
    """A subscription with overdue events at the end of the span, for ``polls`` polls in a row.

    ``starting``: the cause is one that needs patience: the process is young, or subscribes to thousands.
    """

    server: str
    topic: str
    stream: str
    publisher: str
    overdue: int
    polls: int
    starting: bool = False


class Silence(Struct, frozen=True, gc=False):
    """A server that was not monitored at the end of the span, for ``polls`` polls in a row.

    ``failure`` says why, ``reason`` tells a person. ``seconds`` is the age of what is known of it.
    ``listeners`` are the servers with monitored subscriptions to it, a few by name, ``listening`` in all.
    """

    server: str
    failure: Failure
    reason: str
    since_utc_ns: int
    polls: int
    seconds: float
    followed: bool = False
    listeners: tuple[str, ...] = ()
    listening: int = 0


class Disconnected(Struct, frozen=True, gc=False):
    """``number`` subscriptions of a server that are being retried; ``stream`` names it if it is one."""

    server: str
    stream: str
    polls: int
    number: int = 1


class Unseen(Struct, frozen=True, gc=False):
    """A stream with subscribers that are not monitored; ``certain``: there are, else there may be."""

    stream: str
    certain: bool


class Blind(Struct, frozen=True, gc=False):
    """Where nobody counted what was pushed: to so many ``subscriptions``, for ``seconds`` at most.

    ``publisher`` is that of the longest. Subscriptions that ended meanwhile are not counted by name:
    ``subscriptions`` is then 0, and ``seconds`` the sum.
    """

    subscriptions: int
    seconds: float
    publisher: str = ""

    @classmethod
    def longest(
        cls, each: Iterable[tuple[float, Key]], total_seconds: float, publisher_of: Callable[[Key], str]
    ) -> Blind:
        """Of the seconds of each subscription that has not ended; those of 0 are not blind.

        The first of several that are equally long prevails. ``total_seconds`` is the sum over all.
        """
        blind = [one for one in each if one[0] > 0]
        if not blind:
            return cls(0, total_seconds)
        seconds, key = max(blind, key=lambda one: one[0])
        return cls(len(blind), seconds, publisher_of(key))


class Span(Struct, frozen=True, gc=False):
    """Which time is judged. ``hold_seconds``: the last so many seconds; None for a span with fixed ends."""

    begin_utc_ns: int = 0
    end_utc_ns: int = 0
    polls: int = 0
    hold_seconds: float | None = None


class Coverage(Struct, frozen=True, gc=False):
    """What is known: ``subscriptions`` of ``subscribers`` servers; ``answering`` of ``servers`` servers."""

    subscriptions: int = 0
    subscribers: int = 0
    answering: int = 0
    servers: int = 0


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that decides a verdict.

    ``missed`` and ``unaccounted`` are the sums of the span over all subscriptions, ``losses`` the worst of
    them by name, worst first, ``losers`` how many there are. ``overdue`` to ``problems`` are of its end.
    ``unobserved`` and ``missed_before`` events and ``unbalanced`` books were added in the span; ``blind`` is
    its time in which nobody counted, None if there was none.
    ``uncounted_seconds`` is the time within it whose events are in no poll. ``incomplete``: the recording
    does not tell what a verdict needs. ``once``: somebody looks once and no second poll comes, so that
    nothing can have been counted.
    """

    span: Span
    coverage: Coverage
    missed: int = 0
    unaccounted: int = 0
    at_least: bool = False
    losses: tuple[Loss, ...] = ()
    losers: int = 0
    overdue: tuple[Overdue, ...] = ()
    silences: tuple[Silence, ...] = ()
    disconnected: tuple[Disconnected, ...] = ()
    overdue_unknown: int = 0
    unseen: tuple[Unseen, ...] = ()
    unobserved: int = 0
    missed_before: int = 0
    unbalanced: int = 0
    blind: Blind | None = None
    uncounted_seconds: float = 0.0
    problems: tuple[str, ...] = ()
    incomplete: bool = False
    once: bool = False


class Patience(Struct, frozen=True, gc=False):
    """How long one waits before it is said: properties OverdueAlarmPolls and UnreachableAlarmPolls."""

    overdue_polls: int = VerdictOptions.overdue_alarm_polls
    unreachable_polls: int = VerdictOptions.unreachable_alarm_polls

    @classmethod
    def of(cls, options: VerdictOptions) -> Patience:
        return cls(options.overdue_alarm_polls, options.unreachable_alarm_polls)

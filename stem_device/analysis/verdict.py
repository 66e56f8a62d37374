"""The verdict: one function, from facts to a level with its evidence. Every place that judges uses it."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from msgspec import Struct

from stem_device.analysis.facts import Coverage, Disconnected, Facts, Loss, Overdue, Patience, Silence, Span
from stem_device.model.poll import Failure

SILENT_SECONDS = 15.0
"""A server that is silent for less is not called dead: 4000 new subscriptions block its answer for 8 s, and
clients themselves notice a frozen publisher after 24 s only."""


class Level(enum.IntEnum):
    """How bad it is; the greater, the worse."""

    CLEAR = 0
    UNKNOWN = 1
    WAITING = 2
    LOST = 3

    @property
    def word(self) -> str:
        """The name in attributes, columns and JSON."""
        return self.name.lower()

    @property
    def colour(self) -> str:
        return _COLOURS[self]


_COLOURS = {Level.CLEAR: "green", Level.UNKNOWN: "grey", Level.WAITING: "amber", Level.LOST: "red"}


class Why(enum.StrEnum):
    """Kinds of grounds."""

    OVERDUE = "overdue"
    REFUSED = "refused"
    SILENT = "silent"
    FAILING = "failing"
    DISCONNECTED = "disconnected"

    NO_POLL = "no_poll"
    ONE_POLL = "one_poll"
    NO_SUBSCRIPTION = "no_subscription"
    YOUNG_OVERDUE = "young_overdue"
    OVERDUE_UNKNOWN = "overdue_unknown"
    UNSEEN = "unseen"
    NOT_ASKED = "not_asked"
    NOT_ANSWERED = "not_answered"
    UNUSABLE = "unusable"
    CONNECTING = "connecting"
    DATABASE = "database"
    UNCOUNTED_TIME = "uncounted_time"
    UNOBSERVED = "unobserved"
    BLIND = "blind"
    UNBALANCED = "unbalanced"
    PROBLEM = "problem"
    INCOMPLETE = "incomplete"

    STOPPED = "stopped"


class Ground(Struct, frozen=True, gc=False):
    """What a verdict rests on: one thing that waits, is not covered, or is only told.

    What does not apply is empty or 0.

    ``number`` counts events (OVERDUE, UNOBSERVED), subscriptions (OVERDUE_UNKNOWN, DISCONNECTED, BLIND),
    streams (UNSEEN, ``certain`` of them for sure) or polls (UNBALANCED); ``listening`` servers depend on the
    server.
    """

    why: Why
    server: str = ""
    topic: str = ""
    stream: str = ""
    publisher: str = ""
    number: int = 0
    certain: int = 0
    seconds: float = 0.0
    since_utc_ns: int = 0
    listeners: tuple[str, ...] = ()
    listening: int = 0
    followed: bool = False
    text: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """The level, and everything that it rests on. Sentences are made of it by :mod:`.wording`.

    ``waiting`` grounds make WAITING, ``uncovered`` ones UNKNOWN; ``told`` ones change nothing.
    ``overdue`` is the sum at the end of the span, of the subscriptions where it is known. ``missed_before``
    events were pushed before monitoring began and found to be lost in the span: told, and no loss of it.
    """

    level: Level
    span: Span
    coverage: Coverage
    missed: int
    unaccounted: int
    at_least: bool
    losses: tuple[Loss, ...]
    losers: int
    overdue: int
    overdue_unknown: int
    waiting: tuple[Ground, ...]
    uncovered: tuple[Ground, ...]
    told: tuple[Ground, ...]
    missed_before: int = 0

    @property
    def colour(self) -> str:
        return self.level.colour

    @property
    def lost(self) -> int:
        """Missed and unaccounted."""
        return self.missed + self.unaccounted


def judge(facts: Facts, patience: Patience) -> Verdict:
    """Apply the rules; docs/reference/verdict.md has them."""
    waiting: list[Ground] = []
    uncovered = list(_not_known(facts))
    told: list[Ground] = []
    for overdue in facts.overdue:
        _sort_overdue(overdue, patience, waiting, uncovered)
    for silence in facts.silences:
        _sort_silence(silence, patience, waiting, uncovered, told)
    for one in facts.disconnected:
        _sort_disconnected(one, patience, waiting, uncovered)
    waiting.sort(key=lambda ground: (_ORDER.index(ground.why), -ground.number))
    return Verdict(
        level=_level(facts, waiting, uncovered),
        span=facts.span,
        coverage=facts.coverage,
        missed=facts.missed,
        unaccounted=facts.unaccounted,
        at_least=facts.at_least,
        losses=facts.losses,
        losers=facts.losers,
        overdue=sum(one.overdue for one in facts.overdue),
        overdue_unknown=facts.overdue_unknown,
        waiting=tuple(waiting),
        uncovered=tuple(uncovered),
        told=tuple(told),
        missed_before=facts.missed_before,
    )


_ORDER = (Why.REFUSED, Why.SILENT, Why.OVERDUE, Why.DISCONNECTED, Why.FAILING)
"""What is told first: a dead publisher explains the overdue events of those who listen to it."""


def _level(facts: Facts, waiting: list[Ground], uncovered: list[Ground]) -> Level:
    if facts.missed or facts.unaccounted:
        return Level.LOST
    if waiting:
        return Level.WAITING
    return Level.UNKNOWN if uncovered else Level.CLEAR


def _not_known(facts: Facts) -> Iterator[Ground]:
    """What the numbers cannot tell of."""
    yield from _nothing_to_count(facts)
    if facts.incomplete:
        yield Ground(why=Why.INCOMPLETE)
    if facts.overdue_unknown:
        yield Ground(why=Why.OVERDUE_UNKNOWN, number=facts.overdue_unknown)
    if facts.unseen:
        certain = sum(one.certain for one in facts.unseen)
        yield Ground(why=Why.UNSEEN, stream=facts.unseen[0].stream, number=len(facts.unseen), certain=certain)
    if facts.unobserved:
        yield Ground(why=Why.UNOBSERVED, number=facts.unobserved)
    if facts.blind is not None:
        blind = facts.blind
        yield Ground(
            why=Why.BLIND, publisher=blind.publisher, number=blind.subscriptions, seconds=blind.seconds
        )
    if facts.unbalanced:
        yield Ground(why=Why.UNBALANCED, number=facts.unbalanced)
    if facts.uncounted_seconds > 0:
        yield Ground(why=Why.UNCOUNTED_TIME, seconds=facts.uncounted_seconds)
    for problem in facts.problems:
        yield Ground(why=Why.PROBLEM, text=problem)


def _nothing_to_count(facts: Facts) -> Iterator[Ground]:
    if not facts.span.polls:
        yield Ground(why=Why.NO_POLL)
        return
    if facts.once:
        yield Ground(why=Why.ONE_POLL)
    if not facts.coverage.subscriptions:
        yield Ground(why=Why.NO_SUBSCRIPTION)


def _sort_overdue(one: Overdue, patience: Patience, waiting: list[Ground], uncovered: list[Ground]) -> None:
    late = one.polls >= patience.overdue_polls and not one.starting
    ground = Ground(
        why=Why.OVERDUE if late else Why.YOUNG_OVERDUE,
        server=one.server,
        topic=one.topic,
        stream=one.stream,
        publisher=one.publisher,
        number=one.overdue,
    )
    (waiting if late else uncovered).append(ground)


def _sort_silence(
    one: Silence,
    patience: Patience,
    waiting: list[Ground],
    uncovered: list[Ground],
    told: list[Ground],
) -> None:
    if one.followed and not one.listening:
        return  # it concerns only those who listen
    why = _why_silent(one, patience)
    ground = Ground(
        why=why,
        server=one.server,
        seconds=one.seconds,
        since_utc_ns=one.since_utc_ns,
        listeners=one.listeners,
        listening=one.listening,
        followed=one.followed,
        text=one.reason,
    )
    if why is Why.STOPPED:
        told.append(ground)
    elif why in _DEAD:
        waiting.append(ground)
    elif not (
        one.followed and why is Why.NOT_ASKED
    ):  # then the overdue of its listeners is unknown, and told
        uncovered.append(ground)


_DEAD = {Why.REFUSED, Why.SILENT, Why.FAILING}


def _why_silent(one: Silence, patience: Patience) -> Why:
    patient = one.polls < patience.unreachable_polls
    match one.failure:
        case Failure.NOT_EXPORTED:
            return Why.STOPPED
        case Failure.DATABASE:
            return Why.DATABASE
        case Failure.UNSUPPORTED | Failure.UNDEFINED:
            return Why.NOT_ASKED
        case Failure.REFUSED:
            # Nothing listens where a publisher was: its subscribers get nothing from now on.
            return Why.NOT_ANSWERED if patient and not one.listening else Why.REFUSED
        case Failure.ERROR | Failure.REPLY | Failure.IMPLAUSIBLE:
            return Why.UNUSABLE if patient else Why.FAILING
        case _:
            return Why.NOT_ANSWERED if patient or one.seconds < SILENT_SECONDS else Why.SILENT


def _sort_disconnected(
    one: Disconnected, patience: Patience, waiting: list[Ground], uncovered: list[Ground]
) -> None:
    late = one.polls >= patience.unreachable_polls
    why = Why.DISCONNECTED if late else Why.CONNECTING
    ground = Ground(why=why, server=one.server, stream=one.stream, number=one.number)
    (waiting if late else uncovered).append(ground)

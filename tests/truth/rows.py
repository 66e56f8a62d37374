"""A row of the matrix: what is done, what must be said, and what was."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.truth.lab import Json, Lab
from tests.truth.truth import Truth, truth_of


class Not(Exception):  # noqa: N818 - says why a row cannot be run here; nothing went wrong
    """The row needs something that this machine does not have."""


class Must(enum.Enum):
    """How narrow the interval has to be.

    HOLD: it holds the truth. EXACT: missed is the truth, and nothing is open. OVERDUE, UNACCOUNTED: missed is
    what was noticed, and that number the rest. HEALTHY: all three are 0, and State is ON.
    """

    HOLD = "holds"
    EXACT = "exact"
    OVERDUE = "overdue"
    UNACCOUNTED = "unaccounted"
    HEALTHY = "healthy"


@dataclass
class Expect:
    """``checks`` are further things that must hold, by name; ``causes``: one of them must be given.

    ``received``: compare it. ``covered``: the subscription is monitored to the end, and cppTango counts what
    is pushed to it. ``known``: so is what is overdue, of every subscription.
    ``at_least_share`` of the truth must be missed, or unaccounted, where the interval is no point.
    """

    must: Must = Must.HOLD
    received: bool = True
    covered: bool = True
    known: bool = True
    at_least_share: float = 0.0
    causes: tuple[str, ...] = ()
    checks: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """``play`` drives the servers of a Lab; what it returns is judged against the truth."""

    name: str
    period: float
    play: Callable[[Lab], Expect]


@dataclass(frozen=True)
class Outcome:
    """``wrong`` names each rule that does not hold; ``not_run`` is why there is no outcome."""

    row: str
    truth: Truth | None = None
    missed: int = 0
    unaccounted: int = 0
    overdue: int | None = 0
    at_least: bool = False
    received: int = 0
    state: str = ""
    cause: str = ""
    wrong: tuple[str, ...] = ()
    not_run: str = ""


def judge(row: Row, lab: Lab, expect: Expect) -> Outcome:
    """What the last poll says against what the journals say."""
    history = list(lab.history)  # polls go on while the journals are read
    last = history[-1]
    publishers = [life for s in lab.servers if s.role == "publisher" for life in s.lives]
    subscribers = [life for s in lab.servers if s.role == "subscriber" for life in s.lives]
    truth = truth_of(publishers, subscribers, history)
    totals = last["totals"]
    outcome = Outcome(
        row.name,
        truth,
        totals["missed"],
        totals.get("unaccounted", lab.value("totalUnaccountedEvents") or 0),
        totals["overdue"] or 0,
        any(s["missedAtLeast"] for s in _subscriptions(last)),
        totals["received"],
        last["state"],
        _cause(history),
    )
    wrong = [name for name, holds in _rules(outcome, truth, history, expect) if not holds]
    wrong += [name for name, holds in expect.checks.items() if not holds]
    return Outcome(**{**_fields(outcome), "wrong": tuple(wrong)})


def _rules(outcome: Outcome, truth: Truth, history: Sequence[Json], expect: Expect) -> list[tuple[str, bool]]:
    missed, unaccounted, overdue = outcome.missed, outcome.unaccounted, outcome.overdue or 0
    high = missed + unaccounted + overdue
    low_received, high_received = truth.received
    levels = {poll.get("verdict") or "" for poll in history}
    last = history[-1]
    rules = [
        ("missed <= truly lost", missed <= truth.lost),
        (
            "observed lost <= missed + unaccounted + overdue",
            truth.observed_lost <= high or not expect.covered,
        ),
        ("missed or unaccounted says enough", missed + unaccounted >= truth.lost * expect.at_least_share),
        ("books balance", not last["totals"].get("booksUnbalanced", 0)),
        (
            "what no number tells was not lost",
            truth.lost <= high or _unknown(last) or not expect.covered,
        ),
        ("parts add up", _adds_up(last) or not expect.covered),
    ]
    if expect.received:
        rules.append(("received", low_received <= outcome.received <= high_received))
    if expect.causes and outcome.cause:
        rules.append(
            (f"cause is {' or '.join(expect.causes)}", any(c in outcome.cause for c in expect.causes))
        )
    if levels != {""} and missed + unaccounted > 0:
        rules.append(("the verdict was lost", "lost" in levels))
    match expect.must:
        case Must.EXACT:
            rules.append(("missed is exact", (missed, high) == (truth.lost, truth.lost)))
        case Must.OVERDUE:
            said = (missed, unaccounted, overdue)
            rules.append(("overdue is exact", said == (truth.noticed, 0, truth.lost - truth.noticed)))
        case Must.UNACCOUNTED:
            said = (missed, unaccounted, overdue)
            rules.append(("unaccounted is exact", said == (truth.noticed, truth.lost - truth.noticed, 0)))
        case Must.HEALTHY:
            rules += [
                ("nothing lost is said", high == 0),
                ("no alarm at the end", outcome.state == "ON"),
                ("the verdict was never lost", "lost" not in levels),
                ("overdue is known", not last["totals"].get("overdueUnknown", 0) or not expect.known),
            ]
    return rules


def _unknown(last: Json) -> bool:
    """Whether the numbers say themselves that they do not know all."""
    doubts = ("unobserved", "missedBefore", "overdueUnknown", "blindSeconds", "booksUnbalanced")
    return any(last["totals"][name] for name in doubts)


def _adds_up(last: Json) -> bool:
    """Whether the rows of the subscriptions are the totals."""
    return all(
        sum(s.get(name) or 0 for s in _subscriptions(last)) == (last["totals"].get(name) or 0)
        for name in ("missed", "unaccounted", "overdue")
    )


def _subscriptions(poll: Json) -> list[Json]:
    return [subscription for server in poll["servers"] for subscription in server["subscriptions"]]


def _cause(history: Sequence[Json]) -> str:
    """The last causes that were given, in any poll; the longest-standing first."""
    seen: dict[str, Any] = {}
    for poll in history:
        for subscription in _subscriptions(poll):
            if cause := subscription.get("cause"):
                seen.pop(cause, None)
                seen[cause] = None
    return ", ".join(list(seen)[-2:])


def _fields(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in outcome.__dataclass_fields__}

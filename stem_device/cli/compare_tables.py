"""A comparison as tables for a person."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from stem_device.analysis.wording import WORDS
from stem_device.cli.tables import table
from stem_device.report.number_text import count, utc
from stem_device.statistics import Change, Comparison, Verdict
from stem_device.statistics.comparison_results import Side, Subject
from stem_device.statistics.sentences import amount, interval, what_of

_STYLES = {Verdict.WORSE: "bold red", Verdict.BETTER: "bold green", Verdict.UNKNOWN: "dim"}


def compare_parts(comparison: Comparison, limit: int) -> Iterator[RenderableType | None]:
    """Headline, all servers together, single ones that changed, what is in one only. 0: all rows."""
    yield Text(f"{_side('A', comparison.a)}\n{_side('B', comparison.b)}")
    yield Text("\n".join(_conclusion(comparison)), style="bold")
    told = [change for change in comparison.overall if change.verdict is not Verdict.UNKNOWN]
    yield _table("All servers together", told, 0)
    yield _untold(comparison.overall)
    sure = [change for change in comparison.single if change.verdict not in {Verdict.UNSURE, Verdict.UNKNOWN}]
    if sure:
        yield _table("Single servers, subscriptions and labels of telemetry, sure changes", sure, limit)
    else:
        tested = len(comparison.single)
        what = "a single server, subscription or label of telemetry"
        yield Text(f"No sure change of {what} ({count(tested)} numbers compared).")
    yield _only("Subscriptions that are in A only", comparison.only_in_a, limit)
    yield _only("Subscriptions that are in B only", comparison.only_in_b, limit)


def _side(name: str, side: Side) -> str:
    label = f" ({side.label})" if side.label else ""
    span = f"{utc(side.first_poll_utc_ns)} to {utc(side.last_poll_utc_ns)}" if side.polls else "no polls"
    return (
        f"{name}{label}: {span}, {count(side.polls)} polls in {count(side.pieces)} pieces; "
        f"missed {count(side.missed)} of {count(side.expected)} events, "
        f"unaccounted {'unknown' if side.unaccounted is None else count(side.unaccounted)}, "
        f"overdue at the end {_overdue(side)}"
    )


def _overdue(side: Side) -> str:
    if side.overdue_unknown and not side.overdue_at_end:
        return f"unknown of {count(side.overdue_unknown)} subscriptions"
    more = f" (unknown of {count(side.overdue_unknown)})" if side.overdue_unknown else ""
    return f"{count(side.overdue_at_end)}{more}"


def _untold(changes: Sequence[Change]) -> RenderableType | None:
    """One line for all that cannot be told: there is nothing to see in their rows."""
    names = [what_of(change) for change in changes if change.verdict is Verdict.UNKNOWN]
    if not names:
        return None
    return Text(f"Cannot be told, too little was recorded: {'; '.join(names)}.", style="dim")


def _conclusion(comparison: Comparison) -> Iterator[str]:
    """The sentences of what is sure about all servers together; else that there is nothing."""
    sure = [change for change in comparison.overall if change.verdict in {Verdict.WORSE, Verdict.BETTER}]
    yield from comparison.caveats
    if comparison.losses_appeared:
        yield f"B has {WORDS.many(comparison.b.lost, 'event')} missed or unaccounted, and A none."
    for change in sure:
        yield f"{change.verdict.capitalize()}: {change.sentence}"
    if not sure:
        what = "Nothing else" if comparison.losses_appeared else "Nothing"
        yield f"{what} became better or worse as far as can be told of all servers together."


def _table(title: str, changes: Sequence[Change], limit: int) -> RenderableType | None:
    shown = changes[:limit] if limit else changes
    rows = [
        (
            amount(change.evidence.a, change.unit),
            amount(change.evidence.b, change.unit),
            interval(change),
            _number(change.evidence.effect, "+.2f"),
            _number(change.adjusted_p_value, ".2g"),
            Text(change.verdict, style=_STYLES.get(change.verdict, "")),
            " ".join(text for text in (what_of(change), change.server, change.stream) if text),
        )
        for change in shown
    ]
    headings = ("A", "B", "B AGAINST A (95 %)", "EFFECT", "CHANCE", "VERDICT", "WHAT")
    return (
        table(title, headings, rows, numbers=5, hidden=len(changes) - len(shown), keep=(0, 1))
        if rows
        else None
    )


def _only(title: str, subjects: Sequence[Subject], limit: int) -> RenderableType | None:
    shown = subjects[:limit] if limit else subjects
    rows = [(subject.server, subject.stream) for subject in shown]
    hidden = len(subjects) - len(shown)
    return table(title, ("SUBSCRIBER", "STREAM"), rows, numbers=0, hidden=hidden) if rows else None


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else f"{value:{form}}"

"""The matrix as a table: on the terminal and in docs/reference/ground-truth.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.truth.rows import Outcome

HEADINGS = ("scenario", "lost (observed)", "interval", "received", "truth", "State", "cause", "")


def markdown(outcomes: Iterable[Outcome]) -> str:
    """One row an outcome, aligned."""
    rows = [HEADINGS, *(_cells(outcome) for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [line(row, widths) for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def line(cells: Sequence[str], widths: Sequence[int] = (52, 12, 14, 8, 12, 6, 20, 5)) -> str:
    """One line of the table."""
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _cells(outcome: Outcome) -> tuple[str, ...]:
    truth = outcome.truth
    if truth is None:
        return (outcome.row, "", "", "", "", "", "", f"not run: {outcome.not_run}")
    lost = str(truth.lost) if truth.lost == truth.observed_lost else f"{truth.lost} ({truth.observed_lost})"
    verdict = "ok" if not outcome.wrong else "WRONG: " + "; ".join(outcome.wrong)
    received = dict.fromkeys(map(str, truth.received))
    return (
        outcome.row,
        lost,
        interval(outcome),
        str(outcome.received),
        "..".join(received),
        outcome.state,
        outcome.cause,
        verdict,
    )


def interval(outcome: Outcome) -> str:
    """``missed .. missed + unaccounted + overdue``, and whether missed is a lower bound."""
    high = outcome.missed + outcome.unaccounted + (outcome.overdue or 0)
    text = str(high) if high == outcome.missed else f"{outcome.missed}..{high}"
    return text + (" at least" if outcome.at_least else "")

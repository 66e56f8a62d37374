"""What was lost, by whom and when, in a sentence or two."""

from __future__ import annotations

import numpy as np

from stem_device.report import numbers
from stem_device.report.page.findings import Findings
from stem_device.report.page.names import Naming

_NAMED_RUNS = 3


def headline(findings: Findings) -> str:
    """Plain text; names in it are not yet escaped."""
    polls = findings.evidence.polls
    if len(polls.time_utc_ns) == 0:
        return "There is no poll in this recording: nothing is known."
    if len(findings.bins) == 0:
        return "There is one poll in this recording: events are counted from one poll to the next."
    if len(findings.ledger) == 0:
        return f"Nobody subscribes to anything here: {_published(findings)} events were published."
    if findings.ledger.lossy == 0:
        return f"Nothing was missed: {_arrived(findings)} arrived.{_overdue(findings)}"
    return f"{_missed(findings)} {_worst(findings)}{_runs(findings)}{_overdue(findings)}"


def _published(findings: Findings) -> str:
    return f"{int(findings.timeline.published.sum()):,}"


def _arrived(findings: Findings) -> str:
    entries = findings.ledger
    return f"all {int(entries.received.sum()):,} events for {_many(len(entries), 'subscription')}"


def _missed(findings: Findings) -> str:
    entries = findings.ledger
    missed, received = int(entries.missed.sum()), int(entries.received.sum())
    lower = "At least " if entries.at_least.any() else ""
    lossy = entries.missed > 0
    first = int(entries.first_loss_utc_ns[lossy].min())
    last = int(entries.last_loss_utc_ns[lossy].max())
    share = missed / (missed + received) * 100
    of_all = f"{missed:,} of {missed + received:,} events ({share:.2g} %)"
    span = (
        f"noticed at {_time(first)}" if first == last else f"noticed between {_time(first)} and {_time(last)}"
    )
    who = f"{entries.lossy:,} of {_many(len(entries), 'subscription')}"
    return f"{lower}{of_all} were missed by {who}, {span} UTC."


def _worst(findings: Findings) -> str:
    naming, entries = Naming.of(findings.evidence), findings.ledger
    who, what = naming.short(entries.server[0]), naming.short(entries.stream[0])
    if entries.lossy == 1:
        return f"It was {who} that missed them, of {what}."
    return f"Most by {who}, of {what}: {int(entries.missed[0]):,}."


def _runs(findings: Findings) -> str:
    lossy = np.flatnonzero(findings.phases.runs.missed)
    if len(lossy) == 0:
        return ""
    worst = lossy[np.argsort(-findings.phases.runs.missed[lossy], kind="stable")]
    named = [
        f"{findings.phases.runs.run[run]} ({findings.phases.runs.missed[run]:,})"
        for run in worst[:_NAMED_RUNS]
    ]
    rest = len(worst) - len(named)
    return f" During {'run' if len(worst) == 1 else 'runs'} {', '.join(named)}" + (
        f" and {rest:,} more." if rest else "."
    )


def _overdue(findings: Findings) -> str:
    overdue = int(np.maximum(findings.ledger.overdue, 0).sum())
    return f" {overdue:,} more are overdue at the end." if overdue else ""


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _time(time_utc_ns: int) -> str:
    return numbers.utc(time_utc_ns)[:19].replace("T", " ")

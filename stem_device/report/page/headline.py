"""What was lost, by whom and when, in a sentence or two."""

from __future__ import annotations

import numpy as np

from stem_device.analysis.verdict import Level, Verdict
from stem_device.analysis.wording import Words, conclusion, coverage_text
from stem_device.report import number_text
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
    verdict = findings.evidence.verdict
    if verdict.coverage.subscriptions == 0 and verdict.level <= Level.UNKNOWN:
        return f"There is no subscription here: {_published(findings)} events were published."
    naming = Naming.of(findings.evidence)
    words = Words(lambda name: number_text.without(naming.prefix, name))
    arrived = f": all {_received(findings)} events arrived" if verdict.level is Level.CLEAR else ""
    return (
        f"{conclusion(verdict, words)}{arrived}; {coverage_text(verdict.coverage, words)}."
        f"{_runs(findings)}{_unknown(verdict, words)}"
    )


def _published(findings: Findings) -> str:
    return f"{int(findings.timeline.published.sum()):,}"


def _received(findings: Findings) -> str:
    return f"{int(findings.ledger.received.sum()):,}"


def _unknown(verdict: Verdict, words: Words) -> str:
    """A sum that leaves something out says so where it stands."""
    if verdict.level < Level.WAITING or not verdict.overdue_unknown:
        return ""
    return f" Overdue events of {words.many(verdict.overdue_unknown, 'subscription')} are unknown."


def _runs(findings: Findings) -> str:
    # A run that never ended goes on for ever: all that is lost later would be during it.
    runs = findings.phases.runs
    lossy = np.flatnonzero(runs.missed * runs.ended)
    if len(lossy) == 0:
        return ""
    worst = lossy[np.argsort(-runs.missed[lossy], kind="stable")]
    # What may have been lost before or after the run, or during another one, is not said to be its own.
    bound = np.where(runs.missed_at_least < runs.missed, "up to ", "")
    named = [f"{runs.run[run]} ({bound[run]}{runs.missed[run]:,})" for run in worst[:_NAMED_RUNS]]
    rest = len(worst) - len(named)
    return f" During {'run' if len(worst) == 1 else 'runs'} {', '.join(named)}" + (
        f" and {rest:,} more." if rest else "."
    )

"""Why subscriptions lost events or wait, for Status and verdictText."""

from __future__ import annotations

from stem_device.analysis.causes import by_advice, cause_of, find, losers
from stem_device.analysis.verdict import Level, Verdict, Why
from stem_device.model.finding import Cause
from stem_device.model.snapshot import Snapshot


def why(snapshot: Snapshot | None, limit: int) -> tuple[list[tuple[str, list[str]]], int]:
    """Advice, and a line for each subscription that it is for, the worst first; how many are beyond limit.

    Names are as the verdict has them.
    """
    findings = losers(snapshot.findings if snapshot else ())
    told = [
        (advice, [f"{one.server}, {one.stream}: {cause_of(one)}" for one in alike])
        for advice, alike in by_advice(findings[:limit])
    ]
    return told, max(0, len(findings) - limit)


def why_worst(snapshot: Snapshot, verdict: Verdict) -> str:
    """A sentence with the cause of what the verdict names first; empty if it has none, or says it itself."""
    if verdict.level is Level.LOST and verdict.losses:
        first = verdict.losses[0]
        finding = find(snapshot.findings, first.server, first.topic)
    elif verdict.level is Level.WAITING and verdict.waiting[0].why is Why.OVERDUE:
        finding = find(snapshot.findings, verdict.waiting[0].server, verdict.waiting[0].topic)
    else:
        finding = None
    if finding is None:
        return ""
    told = cause_of(finding)
    return f"{told[0].upper()}{told[1:]}" if finding.cause is Cause.UNKNOWN else f"Cause: {told}"

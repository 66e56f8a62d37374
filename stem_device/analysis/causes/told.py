"""A finding in words, the same wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from stem_device.model.finding import Cause, Concern, Finding


class Telling(Protocol):
    """What words need of a finding: a Finding has it, and what came back from JSON."""

    @property
    def cause(self) -> Cause: ...
    @property
    def likely(self) -> bool: ...
    @property
    def sentence(self) -> str: ...


PHRASES = {
    Cause.NOT_RUNNING: "subscriber not running",
    Cause.NEVER_CONNECTED: "never connected",
    Cause.FORMER_LIFE: "connected to a former life",
    Cause.PUBLISHER_GONE: "publisher gone",
    Cause.CONSUMER_BLOCKED: "consumer blocked",
    Cause.CALLBACK_SLOW: "callback too slow",
    Cause.BURST: "burst beyond the queue",
    Cause.RENEWED: "subscription renewed",
    Cause.RESTARTED: "restarted",
    Cause.STARTING: "just starting",
    Cause.DRAINED: "samples read by somebody else",
    Cause.DISCARDED: "duplicates discarded",
    Cause.CLOCK: "clocks differ",
    Cause.UNKNOWN: "cause unknown",
}


def cause_of(finding: Telling) -> str:
    """The cause and why: ``likely callback too slow: Callbacks take ...``."""
    likely = "likely " if finding.likely and finding.cause is not Cause.UNKNOWN else ""
    return f"{likely}{PHRASES[finding.cause]}: {finding.sentence}"


def outcome_of(finding: Finding) -> str:
    """``lost 7 of a/b/c/x.change``, ``waits for 3 of ...``, or ``waits for events of ...``."""
    what = [f"lost {finding.lost:,}"] if finding.lost else []
    what += [f"waits for {finding.overdue:,}"] if finding.overdue else []
    return f"{' and '.join(what) or 'waits for events'} of {finding.stream}"


def by_advice(findings: Iterable[Finding]) -> tuple[tuple[str, tuple[Finding, ...]], ...]:
    """What to do, and the findings that it is for, in the order of the first of each."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.advice, []).append(finding)
    return tuple((advice, tuple(alike)) for advice, alike in found.items())


def losers(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those about subscriptions, in their order: notes say that nothing is wrong."""
    return tuple(finding for finding in findings if finding.concern is not Concern.NOTE)


def find(findings: Iterable[Finding], server: str, topic: str) -> Finding | None:
    """The finding about one subscription."""
    return next((one for one in findings if one.server == server and one.topic == topic), None)

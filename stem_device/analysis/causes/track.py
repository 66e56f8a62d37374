"""What is kept of one subscription while it loses events or waits for them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from stem_device.analysis.causes.facts import Case
from stem_device.analysis.causes.history import MAX_POINTS, Point, lengthen
from stem_device.analysis.causes.named import Named, advice_for
from stem_device.analysis.causes.rules_of_lives import came_back
from stem_device.model.finding import Cause, Concern, Finding
from stem_device.model.snapshot import ServerRecord

REFRESH_SECONDS = 30.0
"""How long a sentence stays as it is while the cause is the same: numbers in it move with every poll, and
whoever is told of changes is to be told of new causes alone."""


class Track:
    """The points of one subscription, and a finding for each cause that it had within the window."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.waiting_polls = 0
        self.judged_poll = 0
        self.unjudged_loss = False
        self._findings: dict[Cause, Finding] = {}
        self._made_ns: dict[Cause, int] = {}
        self._present: Cause | None = None

    def see(self, point: Point, *, waits: bool, most: int = MAX_POINTS) -> None:
        """Take the subscription of one more poll; ``most`` is how many points are kept."""
        if not self.points or self.points[-1].monotonic_ns < point.monotonic_ns:
            lengthen(self.points, point, most)
            self.unjudged_loss = self.unjudged_loss or bool(point.lost)
        self.waiting_polls = self.waiting_polls + 1 if waits else 0
        self._present = None

    def pass_over(self, *, waits: bool) -> None:
        """A poll of which no point is kept."""
        self.waiting_polls = self.waiting_polls + 1 if waits else 0

    @property
    def story(self) -> tuple[Point, ...]:
        """The points to judge by: up to the loss that no judgement has seen yet, else all."""
        end = len(self.points)
        while self.unjudged_loss and end > 1 and not self.points[end - 1].lost:
            end -= 1
        return tuple(self.points[:end])

    def judge(self, case: Case, name_cause: Callable[[Case], Named], *, refresh_seconds: float) -> None:
        """Name the cause of what was lost in the last poll of the case, or waits then."""
        self.unjudged_loss = False
        named = name_cause(case)
        before = self._findings.get(named.cause)
        concern = Concern.LOST if case.lost or (before and before.lost) else Concern.WAITING
        still_waits = before is not None and bool(before.overdue) == bool(case.overdue)
        if before is not None and still_waits and before.concern is concern and before.likely == named.likely:
            age = (case.now.monotonic_ns - self._made_ns[named.cause]) / 1e9
            if age < refresh_seconds and not case.lost:
                self._keep(before, case)
                return
        self._findings[named.cause] = self._finding(case, named, before, concern)
        self._made_ns[named.cause] = case.now.monotonic_ns
        self._present = named.cause

    def revise(self, subscriber: ServerRecord, publisher: ServerRecord | None) -> None:
        """Say restarted of what was lost with a process that has come back meanwhile."""
        for cause, finding in list(self._findings.items()):
            named = came_back(finding, subscriber, publisher)
            if named is not None:
                del self._findings[cause]
                self._findings[named.cause] = structs.replace(
                    finding,
                    cause=named.cause,
                    sentence=named.sentence,
                    advice=advice_for(named),
                    evidence=named.evidence,
                    named=named.named,
                )
                self._made_ns[named.cause] = self.points[-1].monotonic_ns

    def forget_before(self, utc_ns: int) -> None:
        """Drop findings that were last true before then."""
        if all(finding.until_utc_ns >= utc_ns for finding in self._findings.values()):
            return
        self._findings = {
            cause: finding for cause, finding in self._findings.items() if finding.until_utc_ns >= utc_ns
        }

    @property
    def is_over(self) -> bool:
        """Nothing waits, and nothing was lost lately."""
        return not (self._findings or self.waiting_polls or self.unjudged_loss)

    @property
    def finding(self) -> Finding | None:
        """The one that explains most: of the lost and waiting events, then the latest.

        Its ``lost`` are all that were lost within the window, also those that have another cause.
        """
        if not self._findings:
            return None
        if len(self._findings) == 1:
            return next(iter(self._findings.values()))
        lost = sum(finding.lost for finding in self._findings.values())
        first = max(self._findings.values(), key=self._weight)
        return first if first.lost == lost else structs.replace(first, lost=lost, concern=Concern.LOST)

    def _weight(self, finding: Finding) -> tuple[int, int]:
        waiting = (finding.overdue or 0) if finding.cause is self._present else 0
        return (finding.lost + waiting, finding.until_utc_ns)

    def _keep(self, finding: Finding, case: Case) -> None:
        self._findings[finding.cause] = structs.replace(
            finding,
            overdue=case.subscription.overdue,
            standing=case.standing,
            until_utc_ns=case.now.time_utc_ns,
        )
        self._present = finding.cause

    def _finding(self, case: Case, named: Named, before: Finding | None, concern: Concern) -> Finding:
        subscription = case.subscription
        since = case.episode[0].time_utc_ns
        if case.lost and subscription.lost_since_utc_ns:
            since = min(since, subscription.lost_since_utc_ns)
        return Finding(
            server=case.subscriber.name,
            topic=subscription.topic,
            stream=subscription.stream,
            publisher=subscription.publisher,
            concern=concern,
            cause=named.cause,
            likely=named.likely,
            standing=case.standing,
            lost=case.lost + (before.lost if before else 0),
            overdue=subscription.overdue,
            since_utc_ns=min(since, before.since_utc_ns) if before else since,
            until_utc_ns=case.now.time_utc_ns,
            sentence=named.sentence,
            advice=advice_for(named),
            evidence=named.evidence,
            named=named.named,
        )

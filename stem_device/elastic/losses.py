"""What each subscription was found to have lost in one poll."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from stem_device.model.finding import Concern, Finding
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts, Snapshot, SubscriptionRecord


class Loss(Struct, frozen=True, gc=False):
    """Events of one subscription that a poll found to be lost.

    ``missed`` certainly are; with ``unaccounted`` it can never be known. Below 0: what was unaccounted has
    arrived after all. So the sums over all losses are the totals.
    ``at_least``: unobserved events may have been lost besides. They were lost after ``onset_utc_ns`` and by
    ``notice_utc_ns``. ``subscriber`` and what follows it are empty where the sums alone tell it: of servers
    that are no targets any more. ``likely`` is None where no cause is known.
    """

    subscriber: str
    publisher: str
    stream: str
    topic: str
    missed: int
    unaccounted: int
    at_least: bool
    onset_utc_ns: int
    notice_utc_ns: int
    cause: str = ""
    likely: bool | None = None
    sentence: str = ""
    advice: str = ""


class LossFinder:
    """Finds the losses of one Snapshot after the other."""

    def __init__(self) -> None:
        self._before: Snapshot | None = None

    def of(self, snapshot: Snapshot) -> list[Loss]:
        """The losses that this poll brought."""
        before, self._before = self._before, snapshot
        if before is not None and before.monitoring_since_utc_ns != snapshot.monitoring_since_utc_ns:
            before = None  # ResetCounters
        previous = before.time_utc_ns if before else snapshot.monitoring_since_utc_ns
        found = list(_losses(snapshot, previous))
        if before is not None and before.poll + 1 == snapshot.poll:
            found += _nameless(before.counts, snapshot, found, previous)
        return found


def _losses(snapshot: Snapshot, previous_utc_ns: int) -> Iterator[Loss]:
    why = {(one.server, one.topic): one for one in snapshot.findings if one.concern is Concern.LOST}
    for server in snapshot.servers:
        answered = server.state is ServerState.MONITORED
        for row in server.subscriptions:
            # The record of a server that did not answer stays as it was; what ended may be told then.
            if (row.missed_delta or row.unaccounted_delta) and (answered or row.ended):
                finding = why.get((server.name, row.topic))
                yield _loss(server.name, row, finding, snapshot, previous_utc_ns)


def _loss(
    server: str, row: SubscriptionRecord, finding: Finding | None, snapshot: Snapshot, previous_utc_ns: int
) -> Loss:
    since = row.lost_since_utc_ns
    return Loss(
        subscriber=server,
        publisher=row.publisher,
        stream=row.stream,
        topic=row.topic,
        missed=row.missed_delta,
        unaccounted=row.unaccounted_delta,
        at_least=row.missed_at_least,
        onset_utc_ns=previous_utc_ns if since is None else since,
        notice_utc_ns=snapshot.time_utc_ns,
        cause=str(finding.cause) if finding else row.cause,
        likely=finding.likely if finding else None,
        sentence=finding.sentence if finding else "",
        advice=finding.advice if finding else "",
    )


def _nameless(before: Counts, snapshot: Snapshot, found: list[Loss], previous_utc_ns: int) -> Iterator[Loss]:
    """What the sums tell and no row does."""
    missed = snapshot.counts.missed - before.missed - sum(one.missed for one in found)
    unaccounted = snapshot.counts.unaccounted - before.unaccounted - sum(one.unaccounted for one in found)
    if missed > 0 or unaccounted > 0:
        yield Loss(
            subscriber="",
            publisher="",
            stream="",
            topic="",
            missed=max(0, missed),
            unaccounted=max(0, unaccounted),
            at_least=False,
            onset_utc_ns=previous_utc_ns,
            notice_utc_ns=snapshot.time_utc_ns,
        )

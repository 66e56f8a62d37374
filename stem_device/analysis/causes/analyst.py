"""The analyst: takes one Snapshot after the other, and says in each why subscriptions lost events or wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from msgspec import structs

from stem_device.analysis.causes.concern import Concerned, Key, concerned_in
from stem_device.analysis.causes.facts import Case
from stem_device.analysis.causes.history import SeenPoll, points_of, remember, see
from stem_device.analysis.causes.notes import notes_of
from stem_device.analysis.causes.rules import name_cause
from stem_device.analysis.causes.track import REFRESH_SECONDS, Track
from stem_device.model.finding import Concern, Finding
from stem_device.model.snapshot import ServerRecord, Snapshot

QUEUE_EVENTS = 2000
"""High-water marks of both sides together, unless somebody set them: 1000 each."""

MAX_JUDGED = 200
"""Subscriptions judged anew in one poll, those that were judged longest ago first; the others keep their
finding. A server that hangs with 10,000 subscriptions costs a poll no more than that."""

MAX_FOLLOWED = 1000
"""Subscriptions that get a new point in one poll; if there are more, each gets one every few polls. Points
have totals, so nothing is lost by it; a poll that tells of a loss is never left out."""


class Analyst:
    """Completes Snapshots with causes. Not thread-safe: its owner serialises the calls.

    ``hold_seconds`` is how long a loss stays told, ``waiting_polls`` after how many polls in a row overdue
    events are more than late.
    """

    def __init__(
        self,
        *,
        hold_seconds: float = 300.0,
        waiting_polls: int = 2,
        refresh_seconds: float = REFRESH_SECONDS,
        queue_events: int = QUEUE_EVENTS,
    ) -> None:
        self._hold_ns = round(hold_seconds * 1e9)
        self._waiting_polls = waiting_polls
        self._refresh_seconds = refresh_seconds
        self._queue_events = queue_events
        self._seen: list[SeenPoll] = []
        self._tracks: dict[Key, Track] = {}
        self._watched_since_utc_ns = 0
        self._since_utc_ns = 0

    def complete(self, snapshot: Snapshot) -> Snapshot:
        """The Snapshot with its findings, and the cause in each subscription concerned."""
        if not self._watched_since_utc_ns:
            self._watched_since_utc_ns = snapshot.time_utc_ns
        if self._since_utc_ns != snapshot.monitoring_since_utc_ns:
            self._tracks.clear()  # the totals begin anew: what was lost before is told no more
            self._since_utc_ns = snapshot.monitoring_since_utc_ns
        poll = see(snapshot, self._seen[-1] if self._seen else None)
        self._seen = remember(self._seen, poll)
        concerned = list(concerned_in(snapshot, self._tracks))
        self._follow(concerned, poll, snapshot.poll)
        self._judge(concerned, snapshot)
        self._forget(snapshot, {one.key for one in concerned})
        return self._completed(snapshot)

    def _follow(self, concerned: list[Concerned], poll: SeenPoll, number: int) -> None:
        stride = 1 + len(concerned) // MAX_FOLLOWED
        for index, one in enumerate(concerned):
            track = self._tracks.get(one.key)
            if track is not None and not one.lost and (index + number) % stride:
                track.pass_over(waits=one.waits)
                continue
            points = points_of([poll] if track else self._seen, one.server.name, one.record)
            if not points:
                continue
            if track is None:
                track = self._tracks[one.key] = Track()
                for point in points[:-1]:
                    track.see(point, waits=False)
            track.see(points[-1], waits=one.waits)
            track.revise(one.server, one.publisher)

    def _judge(self, concerned: list[Concerned], snapshot: Snapshot) -> None:
        due = [one for one in concerned if one.key in self._tracks and self._is_due(self._tracks[one.key])]
        due.sort(key=lambda one: self._tracks[one.key].judged_poll)
        facts = self._seen[-1].servers
        for one in due[:MAX_JUDGED]:
            track = self._tracks[one.key]
            track.judged_poll = snapshot.poll
            case = Case(
                subscription=one.record,
                subscriber=one.server,
                publisher=one.publisher,
                points=tuple(track.points),
                watched_since_utc_ns=self._watched_since_utc_ns,
                queue_events=self._queue_events,
                last_processed=facts[one.server.name.lower()].last_processed,
            )
            track.judge(case, name_cause, refresh_seconds=self._refresh_seconds)

    def _is_due(self, track: Track) -> bool:
        return bool(track.points[-1].lost) or track.waiting_polls >= self._waiting_polls

    def _forget(self, snapshot: Snapshot, present: set[Key]) -> None:
        for key, track in list(self._tracks.items()):
            track.forget_before(snapshot.time_utc_ns - self._hold_ns)
            if key not in present:
                track.waiting_polls = 0
            if track.finding is None and not track.waiting_polls:
                del self._tracks[key]

    def _told(self) -> Iterator[tuple[Key, Finding]]:
        """What is to be told now: losses of the window, and who waits."""
        for key, track in self._tracks.items():
            finding = track.finding
            if finding is not None and (finding.lost or track.waiting_polls >= self._waiting_polls):
                yield key, finding

    def _completed(self, snapshot: Snapshot) -> Snapshot:
        told = dict(self._told())
        findings = (*worst_first(told.values()), *notes_of(snapshot))
        if not findings:
            return snapshot
        named = {key[0] for key, finding in told.items() if finding.concern is not Concern.NOTE}
        servers = tuple(
            _with_causes(server, told) if server.name in named else server for server in snapshot.servers
        )
        return replace(snapshot, servers=servers, findings=findings)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Most lost first, then most overdue, then by name."""
    return sorted(findings, key=lambda one: (-one.lost, -(one.overdue or 0), one.server, one.topic))


def _with_causes(server: ServerRecord, told: Mapping[Key, Finding]) -> ServerRecord:
    records = []
    for record in server.subscriptions:
        finding = told.get((server.name, record.topic))
        records.append(record if finding is None else structs.replace(record, cause=finding.cause.value))
    return structs.replace(server, subscriptions=tuple(records))

"""The analyst: takes one Snapshot after the other, and says in each why subscriptions lost events or wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import nsmallest

from msgspec import structs

from stem_device.analysis import worst
from stem_device.analysis.causes.concern import Concerned, Key, concerned_in
from stem_device.analysis.causes.facts import Case
from stem_device.analysis.causes.history import MAX_POINTS, SeenPoll, points_of, remember, see
from stem_device.analysis.causes.notes import notes_of
from stem_device.analysis.causes.pauses import Pauses
from stem_device.analysis.causes.rules import name_cause
from stem_device.analysis.causes.track import REFRESH_SECONDS, Track
from stem_device.model.finding import Concern, Finding
from stem_device.model.snapshot import ServerRecord, Snapshot

QUEUE_EVENTS = 2000
"""High-water marks of both sides together, unless somebody set them: 1000 each."""

MAX_JUDGED = 200
"""Subscriptions judged anew in one poll, those that were judged longest ago first; the others keep their
finding, or get theirs in the next polls. A server that hangs with 10,000 subscriptions costs a poll no more
than that."""

MAX_FOLLOWED = 1000
"""Subscriptions that get a new point in one poll; if there are more, each gets one every few polls. Points
have totals, so nothing is lost by it; a poll that tells of a loss is never left out."""


MAX_BEGUN = 500
"""Subscriptions of which the history is looked up in one poll, when they begin to wait or to lose: of others
that wait it is done in the next polls; those that lose begin with the poll before."""

POINTS_KEPT = 100_000
"""Points of all subscriptions together, 35 MB: where more than 1500 are concerned, each has fewer."""

LEAST_POINTS = 8
"""Of one subscription: what went before, how it began, and the last polls."""


class Analyst:
    """Completes Snapshots with causes. Not thread-safe: its owner serialises the calls.

    ``hold_seconds`` is how long a loss stays told, ``waiting_polls`` after how many polls in a row overdue
    events are more than late. ``pauses`` are known beforehand: of a recording, in which telemetry may
    come with a later poll than what it explains.
    """

    def __init__(
        self,
        *,
        hold_seconds: float = 300.0,
        waiting_polls: int = 2,
        refresh_seconds: float = REFRESH_SECONDS,
        queue_events: int = QUEUE_EVENTS,
        pauses: Pauses | None = None,
    ) -> None:
        self._hold_ns = round(hold_seconds * 1e9)
        self._waiting_polls = waiting_polls
        self._refresh_seconds = refresh_seconds
        self._queue_events = queue_events
        self._pauses = pauses or Pauses()
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
        self._pauses.take(snapshot.telemetry)
        concerned = list(concerned_in(snapshot, self._tracks))
        self._follow(concerned, poll, snapshot.poll)
        self._judge(concerned, snapshot)
        self._forget(snapshot, {one.key for one in concerned})
        return self._completed(snapshot)

    def _follow(self, concerned: list[Concerned], poll: SeenPoll, number: int) -> None:
        stride = 1 + len(concerned) // MAX_FOLLOWED
        most = max(LEAST_POINTS, min(MAX_POINTS, POINTS_KEPT // max(1, len(concerned))))
        begun = 0
        for index, one in enumerate(concerned):
            track = self._tracks.get(one.key)
            if track is None:
                if begun < MAX_BEGUN or one.lost:
                    self._begin(one, self._seen if begun < MAX_BEGUN else self._seen[-2:])
                    begun += 1
            elif not one.lost and (index + number) % stride:
                track.pass_over(waits=one.waits)
            else:
                for point in points_of([poll], one.server.name, one.record):
                    track.see(point, waits=one.waits, most=most)
                    track.revise(one.server, one.publisher)

    def _begin(self, one: Concerned, polls: list[SeenPoll]) -> None:
        """Follow a subscription from now on, with what is known of the polls before."""
        points = points_of(polls, one.server.name, one.record)
        if points:
            track = self._tracks[one.key] = Track()
            for point in points[:-1]:
                track.see(point, waits=False)
            track.see(points[-1], waits=one.waits)
            track.revise(one.server, one.publisher)

    def _judge(self, concerned: list[Concerned], snapshot: Snapshot) -> None:
        tracks = [(self._tracks.get(one.key), one) for one in concerned]
        due = [(track, one) for track, one in tracks if track is not None and self._is_due(track)]
        facts, doubtful = self._seen[-1].servers, _doubtful_pids(snapshot)
        for track, one in nsmallest(MAX_JUDGED, due, key=lambda pair: pair[0].judged_poll):
            track.judged_poll = snapshot.poll
            story = track.story
            pid, times = one.server.identity.pid, (story[0].time_utc_ns, story[-1].time_utc_ns)
            if pid in doubtful or pid in self._pauses.monitors:
                pid = None
            case = Case(
                subscription=one.record,
                subscriber=one.server,
                publisher=one.publisher,
                points=story,
                watched_since_utc_ns=self._watched_since_utc_ns,
                queue_events=self._queue_events,
                last_processed=facts[one.server.name.lower()].last_processed,
                pauses=self._pauses.of(pid, *times),
            )
            track.judge(case, name_cause, refresh_seconds=self._refresh_seconds)

    def _is_due(self, track: Track) -> bool:
        return track.waiting_polls >= self._waiting_polls or track.unjudged_loss

    def _forget(self, snapshot: Snapshot, present: set[Key]) -> None:
        for key, track in list(self._tracks.items()):
            track.forget_before(snapshot.time_utc_ns - self._hold_ns)
            if key not in present:
                track.waiting_polls = 0
            if track.is_over:
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
    """See :mod:`stem_device.analysis.worst`."""
    return worst.worst_first(
        findings,
        lambda one: worst.Badness(one.lost, one.overdue or 0),
        lambda one: (one.server, one.topic),
    )


def _with_causes(server: ServerRecord, told: Mapping[Key, Finding]) -> ServerRecord:
    records = []
    for record in server.subscriptions:
        finding = told.get((server.name, record.topic))
        records.append(record if finding is None else structs.replace(record, cause=finding.cause.value))
    return structs.replace(server, subscriptions=tuple(records))


def _doubtful_pids(snapshot: Snapshot) -> frozenset[int]:
    """Numbers of more than one process, as on several hosts, or in containers, where many are process 1.

    Telemetry does not tell on which host it was written, so whose it is of these nobody knows.
    """
    pids = Counter(one.identity.pid for one in snapshot.servers if one.identity.pid and not one.ended)
    return frozenset(pid for pid, servers in pids.items() if servers > 1)

"""What rules ask of one subscription and its last polls, each computed in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from msgspec import Struct

from stem_device.analysis.causes.history import Load, Point, between, grown
from stem_device.analysis.causes.pauses import Pause
from stem_device.model.finding import Standing
from stem_device.model.poll import Failure, ServerState
from stem_device.model.snapshot import Link, ServerRecord, SubscriptionRecord

ENOUGH_SAMPLES = 10
"""Fewer say little: the first one after sampling was switched on in the midst of a callback of 0.5 s said
19 us (measured)."""

GONE = frozenset({Failure.NOT_EXPORTED, Failure.UNDEFINED, Failure.REFUSED})
"""Nothing runs there any more."""


class Processing(Struct, frozen=True):
    """How long the consumer takes for one event, in seconds.

    ``samples`` are the timing samples it was measured with; 0 where it follows from what was received while
    events waited, ``received`` events in all.
    """

    seconds: float
    samples: int
    received: int


class Stall(Struct, frozen=True):
    """A time in which the subscription received nothing while events waited.

    ``published`` were pushed on its stream meanwhile, ``others`` received by other subscriptions of the
    process, ``samples`` taken there; ``before`` and ``after`` were received by it in the episode.
    """

    seconds: float
    polls: int
    published: int
    others: int
    samples: int
    before: int
    after: int


@dataclass(frozen=True)
class Case:
    """A subscription that lost events in this poll, or waits: everything that a rule may look at.

    ``publisher`` is None where it is not asked. ``points`` are the last polls, oldest
    first, the present one last. ``watched_since_utc_ns`` is the first poll of all, ``queue_events`` how many
    events the queues of both sides hold, as far as that is known. ``last_processed`` is the
    attribute of the subscriber's newest sample, empty without samples. ``pauses`` are those of
    its garbage collector while the points came, if its process tells telemetry.
    """

    subscription: SubscriptionRecord
    subscriber: ServerRecord
    publisher: ServerRecord | None
    points: Sequence[Point]
    watched_since_utc_ns: int
    queue_events: int
    last_processed: str = ""
    pauses: Sequence[Pause] = ()

    @property
    def now(self) -> Point:
        return self.points[-1]

    @property
    def lost(self) -> int:
        """Missed or unaccounted in this poll."""
        return self.now.lost

    @property
    def overdue(self) -> int:
        return self.subscription.overdue or 0

    @cached_property
    def episode(self) -> Sequence[Point]:
        """From the last moment at which all was well to the present poll.

        A poll without overdue events says that what had been pushed by the poll before has arrived: so it is
        the poll before.
        """
        for index in range(len(self.points) - 2, -1, -1):
            point = self.points[index]
            if not point.overdue and not point.lost:
                return self.points[max(0, index - 1) :]
        return self.points

    @cached_property
    def episode_pauses(self) -> Sequence[Pause]:
        """Those that ended in the episode."""
        begin = self.episode[0].time_utc_ns
        return [one for one in self.pauses if begin <= one.end_utc_ns <= self.now.time_utc_ns]

    def came_during(self, pause: Pause) -> float:
        """Events that came for the consumer while it was stopped; those between two polls came evenly."""
        begin_utc_ns = pause.end_utc_ns - round(pause.seconds * 1e9)
        came = 0.0
        for earlier, later in pairwise(self.points):
            both = min(later.time_utc_ns, pause.end_utc_ns) - max(earlier.time_utc_ns, begin_utc_ns)
            if both > 0:
                share = both / (later.time_utc_ns - earlier.time_utc_ns)
                came += share * ((grown(earlier, later) or 0) + max(0, later.others - earlier.others))
        return came

    @cached_property
    def processing(self) -> Processing | None:
        return _processing(self.points, self.episode)

    @cached_property
    def load(self) -> Load | None:
        """The busiest ``AVERAGE_SECONDS`` that end in the episode; None where it is not known."""
        loads = [point.arrivals for point in self.episode if point.arrivals is not None]
        return max(loads, key=lambda load: load.rate, default=None)

    @cached_property
    def largest_push(self) -> int | None:
        """The most events that were pushed from one poll to the next; None where that is not known."""
        return max((point.pushed for point in self.episode if point.pushed is not None), default=None)

    @property
    def silent(self) -> bool:
        """Whether the subscriber is there and does not answer."""
        return self.subscriber.state is ServerState.UNREACHABLE and self.subscriber.failure not in GONE

    @property
    def age_seconds(self) -> float:
        """How long the subscription exists at least; what was there at the first poll may be older."""
        first_seen = self.subscription.first_seen_utc_ns or self.watched_since_utc_ns
        return (self.now.time_utc_ns - first_seen) / 1e9

    @property
    def standing(self) -> Standing:
        return standing_of(self)


def stalls(points: Sequence[Point]) -> list[Stall]:
    """Every time within the points in which nothing arrived though events waited, oldest first."""
    found: list[Stall] = []
    begin = 0
    for index in range(1, len(points) + 1):
        if index < len(points) and points[index].counter == points[begin].counter:
            continue
        if index - begin > 1 and points[index - 1].overdue:
            found.append(_stall(points, begin, index - 1))
        begin = index
    return found


def trailing_stall(points: Sequence[Point]) -> Stall | None:
    """The one that has not ended."""
    found = stalls(points)
    return found[-1] if found and points[-1].counter == points[-2].counter else None


def _stall(points: Sequence[Point], begin: int, end: int) -> Stall:
    first, last = points[begin], points[end]
    return Stall(
        seconds=between(first, last),
        polls=sum(point.polls for point in points[begin + 1 : end + 1]),
        published=grown(first, last) or 0,
        others=max(0, last.others - first.others),
        samples=sum(point.samples for point in points[begin + 1 : end + 1]),
        before=max(0, first.received - points[0].received),
        after=max(0, points[-1].received - last.received),
    )


def _processing(points: Sequence[Point], episode: Sequence[Point]) -> Processing | None:
    """Measured by samples if there are any; else by how fast events were received while others waited.

    Others wait from poll to poll if events are overdue at both, or if both tell of losses. The fastest of
    those times counts: in others the queue was empty for a part, and what is missing was lost.
    """
    samples = sum(point.samples for point in points)
    sampled = None
    if samples:
        sampled = Processing(sum(point.process_micros for point in points) / samples / 1e6, samples, 0)
    if samples >= ENOUGH_SAMPLES:
        return sampled
    best: Processing | None = None
    for earlier, later in pairwise(episode):
        received = later.received - earlier.received
        busy = (earlier.overdue and later.overdue) or (earlier.lost and later.lost)
        if busy and received > 0 and earlier.answered and later.answered:
            received += max(0, later.others - earlier.others)
            seconds = between(earlier, later) / received
            if best is None or seconds < best.seconds:
                best = Processing(seconds, 0, received)
    return best or sampled


def standing_of(case: Case) -> Standing:
    """How the subscription keeps up, after Burrow: no threshold but the window."""
    if case.subscription.ended or case.subscriber.state is not ServerState.MONITORED:
        return Standing.STOPPED
    if case.subscription.link is Link.FORMER:
        return Standing.STALLED
    waiting: list[Point] = []
    for point in reversed(case.points):
        if not point.overdue:
            break
        waiting.insert(0, point)
    if not waiting or (len(waiting) == 1 and waiting[0].polls == 1):
        return Standing.OK
    stall = trailing_stall(waiting)
    if stall is not None and stall.polls > 1:
        return Standing.STALLED
    falls = any((later.overdue or 0) < (earlier.overdue or 0) for earlier, later in pairwise(waiting))
    return Standing.RECOVERING if falls else Standing.SLOW

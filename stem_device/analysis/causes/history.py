"""What is remembered of the last polls: little of everything, more of subscriptions that lose or wait.

Of a healthy system nothing is computed and nothing copied: a remembered poll holds references to records that
the Snapshots share anyway. Only a subscription that loses events or waits gets a row of points of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from msgspec import Struct, structs

from stem_device.model.sample_timings import PROCESSING, counted
from stem_device.model.snapshot import Link, Snapshot, StreamRecord, SubscriptionRecord

RECENT_POLLS = 3
"""Polls remembered in full: events are overdue at the second poll after they were pushed, and what happened
before has to be there still. With one poll less, a burst would be seen without its beginning."""

SPACING_SECONDS = 10.0
"""Older polls are remembered this far apart: totals lose nothing by it, rates are averages over as long."""

REACH_SECONDS = 60.0
"""How far back older polls are remembered. With half of it, the rate before a story that went on for half a
minute would be forgotten when it is first judged; twice as much doubles the memory and tells no more."""

MAX_POINTS = 64
"""Points of one subscription. What went on unchanged takes one, however long it lasted; where there would be
more, the older ones are put together by twos, so that the beginning of a long story is still there."""

AVERAGE_SECONDS = 10.0
"""Over how long a consumer has to keep up. Half of it would call the work of a burst of 50,000 events with
a callback of 0.1 ms too slow; twice as long lets two seconds of hanging behind a 20 ms callback pass."""


@dataclass(slots=True)
class ServerFacts:
    """What one remembered poll tells of a server.

    ``samples`` are those of events that callbacks saw, and ``process_micros`` the sum of the time that these
    took; ``last_processed`` is the attribute of the newest one there is, of this poll or of one before; empty
    if there never was one.
    """

    streams: Sequence[StreamRecord]
    subscriptions: Sequence[SubscriptionRecord]
    received: int
    samples: int
    process_micros: int
    last_processed: str
    life: int
    answered: bool
    _streams: dict[str, StreamRecord] | None = None
    _live: dict[str, SubscriptionRecord] | None = None
    _ended: dict[str, SubscriptionRecord] = field(default_factory=dict)

    def stream(self, name: str) -> StreamRecord | None:
        """The stream of that name, which is in lower case."""
        if self._streams is None:
            self._streams = {stream.name.lower(): stream for stream in self.streams}
        return self._streams.get(name)

    def subscription(self, topic: str, *, ended: bool) -> SubscriptionRecord | None:
        """The subscription to a topic; the one that ended, where it has ended by then."""
        if self._live is None:
            self._live = {one.topic: one for one in self.subscriptions if not one.ended}
            self._ended = {one.topic: one for one in self.subscriptions if one.ended}
        return (self._ended.get(topic) if ended else None) or self._live.get(topic)


@dataclass(frozen=True, slots=True)
class SeenPoll:
    """One remembered poll."""

    time_utc_ns: int
    monotonic_ns: int
    servers: dict[str, ServerFacts]


class Load(Struct, frozen=True, gc=False):
    """Events that came for a consumer, and within how many seconds."""

    events: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds


class Point(Struct, frozen=True, gc=False):
    """One subscription at one poll, or at several in a row that told the same: ``polls`` many.

    ``published`` and ``received`` are totals of the stream and of the subscription, ``others`` what all other
    subscriptions of the process received; None where the publisher is not asked. ``missed`` and
    ``unaccounted`` are what this poll added. The lives are 0 where they are not known.
    ``samples`` and ``process_micros`` are of all events of the subscriber. ``pushed`` were pushed since the
    poll before, ``arrivals`` came for the consumer in the ``AVERAGE_SECONDS`` before, or since the poll
    before if that is longer; of several polls the most, None where it is not known.
    """

    time_utc_ns: int
    monotonic_ns: int
    published: int | None
    counter: int
    received: int
    others: int
    overdue: int | None
    lag_seconds: float | None
    missed: int
    unaccounted: int
    discarded: int
    resets: int
    link: Link
    samples: int
    process_micros: int
    subscriber_life: int
    publisher_life: int
    answered: bool
    polls: int = 1
    pushed: int | None = None
    arrivals: Load | None = None

    @property
    def lost(self) -> int:
        return self.missed + max(0, self.unaccounted)

    def goes_on_from(self, other: Point) -> bool:
        """Whether nothing happened since ``other``."""
        return (
            self.counter == other.counter
            and self.published == other.published
            and self.others == other.others
            and self.overdue == other.overdue
            and self.lost == other.lost == 0
            and self.resets == other.resets
            and self.discarded == other.discarded
            and self.link == other.link
            and self.subscriber_life == other.subscriber_life
            and self.publisher_life == other.publisher_life
            and self.answered == other.answered
            and not self.samples
        )


def see(snapshot: Snapshot, before: SeenPoll | None = None) -> SeenPoll:
    """Remember a poll; ``before`` is the one before."""
    samples, servers = snapshot.subscriber_samples, snapshot.servers
    kept, processed = counted(PROCESSING, partial(getattr, samples))
    rows = np.flatnonzero(kept)
    counts = np.bincount(samples.server[rows], minlength=len(servers))
    micros = np.bincount(samples.server[rows], weights=processed, minlength=len(servers))
    facts: dict[str, ServerFacts] = {}
    ends = np.cumsum(counts).tolist()  # samples are in the order of the servers
    for server, count, total, end in zip(servers, counts.tolist(), micros.tolist(), ends, strict=True):
        name = server.name.lower()
        known = before.servers.get(name) if before else None
        last = samples.attr_name[rows[end - 1]] if count else known.last_processed if known else ""
        facts[name] = ServerFacts(
            server.streams,
            server.subscriptions,
            server.counts.received,
            int(count),
            int(total),
            last,
            server.identity.life or 0,
            server.answered,
        )
    return SeenPoll(snapshot.time_utc_ns, snapshot.monotonic_ns, facts)


def remember(seen: list[SeenPoll], poll: SeenPoll) -> list[SeenPoll]:
    """The polls to remember after one more, oldest first."""
    kept = [*seen, poll]
    recent, older = kept[-RECENT_POLLS:], kept[:-RECENT_POLLS]
    spaced: list[SeenPoll] = []
    for one in older:
        age = (poll.monotonic_ns - one.monotonic_ns) / 1e9
        apart = (one.monotonic_ns - spaced[-1].monotonic_ns) / 1e9 if spaced else SPACING_SECONDS
        if age <= REACH_SECONDS and apart >= SPACING_SECONDS:
            spaced.append(one)
    return spaced + recent


def point_at(poll: SeenPoll, server: str, record: SubscriptionRecord) -> Point | None:
    """The subscription of ``record`` at a remembered poll; None where it was not there."""
    subscriber = poll.servers.get(server.lower())
    then = subscriber.subscription(record.topic, ended=record.ended) if subscriber else None
    if subscriber is None or then is None:
        return None
    publisher = poll.servers.get(record.publisher.lower())
    stream = publisher.stream(record.stream) if publisher else None
    return Point(
        time_utc_ns=poll.time_utc_ns,
        monotonic_ns=poll.monotonic_ns,
        published=stream.published_total if stream else None,
        counter=then.server_counter,
        received=then.received_total,
        others=subscriber.received - then.received_total,
        overdue=then.overdue,
        lag_seconds=then.lag_seconds,
        missed=then.missed_delta,
        unaccounted=then.unaccounted_delta or 0,  # None in recordings that do not tell
        discarded=then.discarded_total,
        resets=then.resets_total,
        link=then.link,
        samples=subscriber.samples,
        process_micros=subscriber.process_micros,
        subscriber_life=subscriber.life,
        publisher_life=publisher.life if publisher else 0,
        answered=subscriber.answered,
    )


def points_of(polls: Iterable[SeenPoll], server: str, record: SubscriptionRecord) -> list[Point]:
    """The subscription at every remembered poll that knows it, oldest first."""
    found = (point_at(poll, server, record) for poll in polls)
    return [point for point in found if point is not None]


def lengthen(points: list[Point], point: Point, most: int = MAX_POINTS) -> None:
    """Append a point in place; one that tells the same as the last two takes the place of the last.

    ``most`` is how many there may be afterwards, at least 4.
    """
    if points:
        point = structs.replace(point, pushed=grown(points[-1], point), arrivals=_arrivals(points, point))
    if len(points) > 1 and point.goes_on_from(points[-1]) and points[-1].goes_on_from(points[-2]):
        points[-1] = _together(points[-1], point)
    else:
        points.append(point)
    while len(points) > most:
        half = len(points) // 4 * 2
        points[:half] = [_together(*points[index : index + 2]) for index in range(0, half, 2)]


def grown(earlier: Point, later: Point) -> int | None:
    """Events pushed on the stream between two polls."""
    if earlier.published is None or later.published is None:
        return None
    return max(0, later.published - earlier.published)


def between(earlier: Point, later: Point) -> float:
    """Seconds between two polls."""
    return (later.monotonic_ns - earlier.monotonic_ns) / 1e9


def _arrivals(points: list[Point], point: Point) -> Load | None:
    """What others of the same process received belongs to it: one thread calls the callbacks of all."""
    begin = next((one for one in reversed(points) if between(one, point) >= AVERAGE_SECONDS), points[0])
    events = grown(begin, point)
    if events is None:
        return None
    return Load(events + max(0, point.others - begin.others), max(AVERAGE_SECONDS, between(begin, point)))


def _together(earlier: Point, later: Point) -> Point:
    """Two points in a row as one: how things were in the end, and what happened in both."""
    pushed = [one.pushed for one in (earlier, later) if one.pushed is not None]
    arrivals = [one.arrivals for one in (earlier, later) if one.arrivals is not None]
    return structs.replace(
        later,
        polls=earlier.polls + later.polls,
        missed=earlier.missed + later.missed,
        unaccounted=earlier.unaccounted + later.unaccounted,
        samples=earlier.samples + later.samples,
        process_micros=earlier.process_micros + later.process_micros,
        pushed=max(pushed, default=None),
        arrivals=max(arrivals, key=lambda load: load.rate, default=None),
    )

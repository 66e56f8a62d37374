"""Whom to tap, as the answers to queries tell it, and what is made of what was heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from stem_device.model.options.polling import TAP_ALL
from stem_device.model.poll import Answer, ServerState, TapFigures
from stem_device.model.topics import stream_of
from stem_device.polling.names import host_of
from stem_device.wire.counting import TopicCounts
from stem_device.wire.tap import TapCounts

MAX_TAPPED = 500
"""As many as publishers are followed."""


class Publisher(Struct, frozen=True):
    """One life of a publisher, and where it publishes."""

    server: str
    life: int
    events: tuple[str, ...]
    heartbeats: tuple[str, ...]

    @property
    def key(self) -> str:
        """Another one for each life: what was heard of two is never mixed."""
        return f"{self.life} {' '.join(self.events)} {self.server}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """How its topics spell its database, perhaps."""
        return (host_of(self.server),)


def to_tap(answers: Iterable[Answer], which: str) -> dict[str, Publisher]:
    """The publishers to tap, by their keys: those that tell where they publish."""
    found: dict[str, Publisher] = {}
    states = {ServerState.UNSUPPORTED} | ({ServerState.MONITORED} if which == TAP_ALL else set())
    for answer in answers:
        if answer.state in states and answer.event_endpoints and len(found) < MAX_TAPPED:
            one = Publisher(
                answer.server, answer.identity.life, answer.event_endpoints, answer.heartbeat_endpoints
            )
            found[one.key] = one
    return found


def counters_of(topics: Mapping[str, TopicCounts]) -> dict[str, tuple[int, int]]:
    """By stream: how often it has been pushed, at least, and how often before the first event heard.

    Topics whose events carry no number tell nothing of that.
    """
    found: dict[str, tuple[int, int]] = {}
    for topic in topics.values():
        if not topic.counter:
            continue
        stream = stream_of(topic.topic)
        pushed, before = topic.counter, max(0, topic.first - 1)
        if stream in found:  # sent to clients of two versions of the IDL
            pushed, before = max(pushed, found[stream][0]), min(before, found[stream][1])
        found[stream] = (pushed, before)
    return found


def figures_of(
    counts: TapCounts, topics: Mapping[str, TopicCounts], before: tuple[TapFigures, int] | None, now_ns: int
) -> TapFigures:
    """The sums; ``before`` is what they were at the poll before, and when that was (monotonic)."""
    values = tuple(topics.values())
    heard, size = sum(one.heard for one in values), sum(one.size for one in values)
    seconds = (now_ns - before[1]) / 1e9 if before is not None else 0.0
    told = before[0] if before is not None else None
    return TapFigures(
        connected=counts.connected,
        endpoint=counts.endpoint,
        topics=len(values),
        unnumbered=sum(not one.counter for one in values),
        pushed=_pushed(values),
        heard=heard,
        size=size,
        duplicates=sum(one.duplicates for one in values),
        lost_here=sum(one.lost_here for one in values),
        lost_on_the_way=sum(one.lost_on_the_way for one in values),
        others=counts.others,
        restarts=sum(one.series - 1 for one in values),
        heartbeats=counts.heartbeats,
        heartbeat_age_seconds=max(0.0, (now_ns - counts.last_heartbeat_ns) / 1e9)
        if counts.last_heartbeat_ns
        else None,
        events_per_second=(heard - told.heard) / seconds if told is not None and seconds > 0 else None,
        bytes_per_second=(size - told.size) / seconds if told is not None and seconds > 0 else None,
    )


def _pushed(topics: Iterable[TopicCounts]) -> int | None:
    """Over all series of counters; None where no event carries a number."""
    told = [one.heard + one.lost_here + one.lost_on_the_way for one in topics if one.counter]
    return sum(told) if told else None

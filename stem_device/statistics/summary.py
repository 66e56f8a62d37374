"""A recording in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stem_device.analysis.verdict import Verdict
from stem_device.analysis.wording import sentence
from stem_device.reading import Recording
from stem_device.statistics.availability import Availability, not_covered
from stem_device.statistics.counting import (
    Groups,
    count_streams,
    count_subscriptions,
    match_streams,
    shared_streams,
    with_losses,
    with_published,
)
from stem_device.statistics.polls import Integers, Polls
from stem_device.statistics.results import (
    LOSSES_TOLD,
    SCHEMA,
    SCHEMA_VERSION,
    RecordedVerdict,
    ServerStatistics,
    SourceSummary,
    Statistics,
    StreamStatistics,
    SubscriptionStatistics,
    Totals,
)
from stem_device.statistics.source_choice import Choice
from stem_device.statistics.sums import Sums, group_sum
from stem_device.statistics.telemetry import describe_telemetry
from stem_device.statistics.timing import Timings, describe_timings
from stem_device.statistics.verdict import recorded_verdict


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the numbers are made of."""

    recording: Recording
    polls: Polls
    choice: Choice
    availability: Availability
    streams: Groups
    subscriptions: Groups

    def name(self, code: int) -> str:
        return str(self.recording.names[code]) if code >= 0 else ""


def summarise(recording: Recording) -> Statistics:
    """Count and describe everything in ``recording``, or in a selection of it.

    Raises RecordingError where a file cannot be read, NoPollError where no poll is there.
    """
    recording.check_polls()
    polls = Polls(recording)
    choice = Choice(recording, polls)
    timings = describe_timings(recording, polls, choice)
    streams = count_streams(recording, polls, choice)
    subscriptions, by_server, whole = count_subscriptions(recording, polls, choice)
    lower = [str(name).lower() for name in recording.names]
    match = match_streams(lower, streams, subscriptions, choice)
    shared = shared_streams(lower, streams, subscriptions, match)
    parts = _Parts(
        recording,
        polls,
        choice,
        Availability(recording, polls, choice),
        replace(streams, sums=with_losses(streams.sums, subscriptions.sums, match, shared)),
        replace(subscriptions, sums=with_published(subscriptions.sums, streams.sums, match)),
    )
    return Statistics(
        schema=SCHEMA,
        version=SCHEMA_VERSION,
        sources=_sources(parts),
        totals=_totals(parts, _with_streams(whole, streams, np.zeros_like(streams.server))),
        timings=timings.overall,
        servers=_servers(parts, _with_streams(by_server, streams, streams.server), timings),
        streams=_streams(parts),
        subscriptions=_subscriptions(parts),
        not_covered=not_covered(recording, parts.availability, polls, choice),
        verdict=_verdict(recorded_verdict(recording, polls, choice)),
        telemetry=describe_telemetry(recording),
    )


def _verdict(verdict: Verdict) -> RecordedVerdict:
    return RecordedVerdict(
        level=verdict.level.word,
        sentence=sentence(verdict),
        missed=verdict.missed,
        unaccounted=verdict.unaccounted,
        at_least=verdict.at_least,
        overdue=verdict.overdue,
        overdue_unknown=verdict.overdue_unknown,
        known_subscriptions=verdict.coverage.subscriptions,
        losers=verdict.losers,
        losses=verdict.losses[:LOSSES_TOLD],
        waiting=verdict.waiting[:LOSSES_TOLD],
        uncovered=verdict.uncovered[:LOSSES_TOLD],
        told=verdict.told[:LOSSES_TOLD],
    )


def _with_streams(sums: Sums, streams: Groups, into: Integers) -> Sums:
    """What the streams published and how often they began anew belongs to their server and to the whole."""
    size = len(sums.published)
    return replace(
        sums,
        published=group_sum(into, streams.sums.published, size),
        resets=sums.resets + group_sum(into, streams.sums.resets, size),
    )


def _sources(parts: _Parts) -> tuple[SourceSummary, ...]:
    polls = parts.polls
    return tuple(
        SourceSummary(
            id=source.id,
            label=source.label,
            host=source.host,
            first_poll_utc_ns=int(times[0]) if len(times) else 0,
            last_poll_utc_ns=int(times[-1]) if len(times) else 0,
            polls=len(times),
            seconds=polls.seconds_of(index),
            usual_interval_seconds=float(polls.usual[index]),
        )
        for index, source in enumerate(parts.recording.sources)
        for times in [polls.time_utc_ns[polls.source == index]]
    )


def _totals(parts: _Parts, whole: Sums) -> Totals:
    seconds = _covered_seconds(parts.polls)
    disconnected, worst = parts.availability.total_disconnected()
    return Totals(
        seconds=seconds,
        polls=len(parts.polls),
        servers=int(np.count_nonzero(~parts.availability.followed)),
        followed=int(np.count_nonzero(parts.availability.followed)),
        streams=int(np.count_nonzero(~parts.availability.followed[parts.streams.server])),
        subscriptions=int(np.count_nonzero(parts.subscriptions.lived)),
        ended=int(np.count_nonzero(parts.subscriptions.ended)),
        disconnected=disconnected,
        worst_disconnected=worst,
        counts=whole.counted(np.array([seconds]))[0],
        coverage=parts.availability.coverage()[0],
    )


def _covered_seconds(polls: Polls) -> float:
    """Time that any source covers: sources that overlap are not counted twice."""
    ends = polls.time_utc_ns / 1e9
    begins = ends - polls.interval_seconds
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], ends[order]
    reached = np.maximum.accumulate(ends) if len(ends) else ends
    before = np.concatenate([begins[:1], reached[:-1]])
    if len(set(polls.source.tolist())) <= 1:
        return float(polls.interval_seconds.sum())
    return float(np.maximum(ends - np.maximum(begins, before), 0.0).sum())


def _servers(parts: _Parts, sums: Sums, timings: Timings) -> tuple[ServerStatistics, ...]:
    names, availability = parts.choice.names, parts.availability
    counted, states, coverage = (
        sums.counted(availability.seconds),
        availability.states(),
        availability.coverage()[1],
    )
    own_streams = np.bincount(parts.streams.server, minlength=len(names))
    own_subscriptions = np.bincount(
        parts.subscriptions.server[parts.subscriptions.lived], minlength=len(names)
    )
    return tuple(
        ServerStatistics(
            server=names[row],
            followed=bool(availability.followed[row]),
            seconds=float(availability.seconds[row]),
            streams=int(own_streams[row]),
            subscriptions=int(own_subscriptions[row]),
            disconnected=int(availability.disconnected[row]),
            worst_disconnected=int(availability.worst_disconnected[row]),
            counts=counted[row],
            coverage=coverage[row],
            states=states[row],
            timings=timings.servers[row],
        )
        for row in sums.worst_first()
    )


def _streams(parts: _Parts) -> tuple[StreamStatistics, ...]:
    groups = parts.streams
    counted = groups.sums.counted(parts.availability.seconds[groups.server])
    return tuple(
        StreamStatistics(
            server=parts.choice.names[groups.server[row]],
            stream=parts.name(groups.name[row]),
            counts=counted[row],
        )
        for row in groups.sums.worst_first()
    )


def _subscriptions(parts: _Parts) -> tuple[SubscriptionStatistics, ...]:
    groups = parts.subscriptions
    counted = groups.sums.counted(parts.availability.seconds[groups.server])
    return tuple(
        SubscriptionStatistics(
            server=parts.choice.names[groups.server[row]],
            topic=parts.name(groups.name[row]),
            stream=parts.name(groups.stream[row]),
            publisher=parts.name(groups.publisher[row]),
            ended=bool(groups.ended[row]),
            counts=counted[row],
        )
        for row in groups.sums.worst_first()
    )

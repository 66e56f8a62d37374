"""What the recording does not cover: where its numbers say nothing, or less than one would think."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.analysis.verdict import Verdict, Why
from stem_device.analysis.wording import Words, ground_text
from stem_device.report import number_text
from stem_device.report.page.bins import Integers
from stem_device.report.page.losses import Ledger
from stem_device.report.page.report_data import ReportData
from stem_device.report.page.servers import ServerSummaries
from stem_device.report.page.timings import Distribution
from stem_device.statistics.polls import INTERVALS_TOLD, is_long


@dataclass(frozen=True, slots=True)
class Gaps:
    """Times at which nothing was recorded: ``begin`` and ``end`` are the polls around them.

    ``between`` is true where one recording ended and another began: what happened meanwhile was not counted.
    Within one recording it was, with the poll after the gap.
    """

    begin_utc_ns: Integers
    end_utc_ns: Integers
    between: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.begin_utc_ns)


@dataclass(frozen=True, slots=True)
class Uncovered:
    """One thing that is not covered: ``subject``, and what about it, as a sentence."""

    subject: str
    sentence: str


def recording_gaps(evidence: ReportData) -> Gaps:
    """Gaps between successive polls, of all sources together: where one has none, another may have some."""
    order = np.argsort(evidence.polls.time_utc_ns, kind="stable")
    times, source = evidence.polls.time_utc_ns[order], evidence.polls.source[order]
    usual = evidence.polls.usual_seconds[order]
    long = np.flatnonzero(is_long(np.diff(times) / 1e9, np.maximum(usual[:-1], usual[1:])))
    between = ~evidence.polls.counted[order][long + 1]
    other = source[long] != source[long + 1]
    return Gaps(times[long], times[long + 1], tuple((between & other).tolist()))


def uncovered(
    evidence: ReportData,
    entries: Ledger,
    servers: ServerSummaries,
    gaps: Gaps,
    timings: dict[str, Distribution],
) -> tuple[Uncovered, ...]:
    """Everything that a reader must know before trusting the numbers."""
    return (
        *_verdict(evidence),
        *_recordings(evidence),
        *_gaps(gaps),
        *_silent(evidence, servers),
        *_samples(evidence, servers, timings),
        *_bounds(entries, evidence.verdict),
        *(Uncovered("targets", problem) for problem in evidence.problems),
    )


def _verdict(evidence: ReportData) -> tuple[Uncovered, ...]:
    """What the verdict says is not covered, but for what the lists below say in more detail."""
    prefix = number_text.common_prefix(evidence.named(evidence.servers.server))
    words = Words(lambda name: number_text.without(prefix, name))
    told_below = {Why.PROBLEM, Why.NO_POLL, Why.UNCOUNTED_TIME, Why.OVERDUE_UNKNOWN}
    return tuple(
        Uncovered("verdict", f"{ground_text(ground, words)}.")
        for ground in evidence.verdict.uncovered
        if ground.why not in told_below
    )


def _recordings(evidence: ReportData) -> tuple[Uncovered, ...]:
    if len(evidence.polls.time_utc_ns) == 0:
        return (Uncovered("recording", "There is no poll in it: nothing is known."),)
    found = [
        Uncovered(
            source.label or "recording",
            "It was not closed: the monitor still records, or it ended unexpectedly. What it wrote is here.",
        )
        for source in evidence.sources
        if not source.complete
    ]
    if not evidence.polls.counted.any():
        found.append(Uncovered("recording", "One poll counts nothing: counts are what happens between two."))
    return tuple(found)


def _gaps(gaps: Gaps) -> tuple[Uncovered, ...]:
    longest = np.argsort(gaps.begin_utc_ns - gaps.end_utc_ns, kind="stable")[:INTERVALS_TOLD]
    told = np.isin(np.arange(len(gaps)), longest)
    found = tuple(
        Uncovered(
            "gap",
            f"Nothing was recorded for {number_text.seconds((end - begin) / 1e9)} "
            f"from {number_text.utc(begin)} on. "
            + (
                "What happened meanwhile is not counted."
                if between
                else "What happened meanwhile is counted with the poll that follows."
            ),
        )
        for begin, end, between, is_told in zip(
            gaps.begin_utc_ns.tolist(),
            gaps.end_utc_ns.tolist(),
            gaps.between,
            told.tolist(),
            strict=True,
        )
        if is_told
    )
    others = len(gaps) - len(found)
    return (*found, *([Uncovered("gap", f"{others:,} shorter ones are not listed.")] if others else []))


def _silent(evidence: ReportData, servers: ServerSummaries) -> tuple[Uncovered, ...]:
    return tuple(
        Uncovered(
            evidence.name(int(servers.server[i])),
            f"It could not be monitored in {servers.unanswered[i]:,} of {servers.polls[i]:,} polls. "
            + _reason(evidence.name(int(servers.reason[i]))),
        )
        for i in np.flatnonzero(servers.unanswered)
    )


def _reason(reason: str) -> str:
    return f"Last reason: {' '.join(reason.split())}" if reason else "No reason was told."


def _samples(
    evidence: ReportData, servers: ServerSummaries, timings: dict[str, Distribution]
) -> tuple[Uncovered, ...]:
    samples, events = int(servers.samples.sum()), int(servers.sampled_events.sum())
    found: list[Uncovered] = []
    if not any(timing.samples for timing in timings.values()):
        found.append(Uncovered("timings", "No event was sampled: nothing is known about latency."))
    elif events > samples:
        found.append(
            Uncovered(
                "timings",
                f"{events - samples:,} of {events:,} events have no sample: "
                "servers keep the last 256 a poll. "
                "The distributions are those of the events that do.",
            )
        )
    found.extend(
        Uncovered(
            kind,
            f"{timing.unknown:,} of {timing.unknown + timing.samples:,} samples do not tell it.",
        )
        for kind, timing in timings.items()
        if timing.unknown and timing.samples
    )
    found.extend(
        Uncovered(
            evidence.name(int(servers.server[i])),
            f"Somebody else took samples away in {servers.drained[i]:,} polls.",
        )
        for i in np.flatnonzero(servers.drained)
    )
    return tuple(found)


def _bounds(entries: Ledger, verdict: Verdict) -> tuple[Uncovered, ...]:
    found = []
    lower = int(np.count_nonzero(entries.at_least))
    if lower:
        found.append(
            Uncovered(
                "missed",
                f"Of {lower:,} subscriptions it is a lower bound (≥): events around a restart, which cannot "
                "be followed, may have been lost besides.",
            )
        )
    untold = verdict.overdue_unknown
    if untold:
        found.append(
            Uncovered(
                "overdue",
                f"It is unknown of {untold:,} of {verdict.coverage.subscriptions:,} subscriptions: "
                "their publishers are not asked, or do not tell.",
            )
        )
    return tuple(found)

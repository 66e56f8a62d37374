"""Everything the page shows, computed. Drawing and writing only read this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report.page import limits
from stem_device.report.page.bins import Integers, TimeBins, time_bins
from stem_device.report.page.coverage import Gaps, Uncovered, recording_gaps, uncovered
from stem_device.report.page.evidence import Evidence
from stem_device.report.page.graph import Graph, graph
from stem_device.report.page.losses import Ledger, LossGrid, ledger, loss_grid
from stem_device.report.page.phases import Phases, phases
from stem_device.report.page.servers import ServerGrid, ServerSummaries, server_grid, server_summaries
from stem_device.report.page.timeline import Timeline, timeline
from stem_device.report.page.timings import Bands, Distribution, bands, distribution


@dataclass(frozen=True, slots=True)
class Findings:
    """One report. ``timings`` and ``timing_bands`` are by latency, processing and push."""

    evidence: Evidence
    bins: TimeBins
    timeline: Timeline
    ledger: Ledger
    losses: LossGrid
    timings: dict[str, Distribution]
    timing_bands: dict[str, Bands]
    servers: ServerSummaries
    server_grid: ServerGrid
    graph: Graph
    phases: Phases
    run_missed: Integers
    gaps: Gaps
    uncovered: tuple[Uncovered, ...]

    @property
    def begin_utc_ns(self) -> int:
        """The first poll that is shown; 0 without polls."""
        times = self.evidence.polls.time_utc_ns
        return int(times.min()) if len(times) else 0

    @property
    def end_utc_ns(self) -> int:
        times = self.evidence.polls.time_utc_ns
        return int(times.max()) if len(times) else 0


def find(evidence: Evidence) -> Findings:
    """Compute all of it."""
    bins = _bins(evidence)
    entries = ledger(evidence)
    kinds = {"latency": evidence.latency, "processing": evidence.processing, "push": evidence.push}
    timings = {kind: distribution(samples) for kind, samples in kinds.items()}
    servers = server_summaries(evidence)
    gaps = recording_gaps(evidence)
    stages = phases(evidence)
    return Findings(
        evidence=evidence,
        bins=bins,
        timeline=timeline(evidence, bins),
        ledger=entries,
        losses=loss_grid(evidence, entries, bins, limits.LOSSY_SUBSCRIPTIONS),
        timings=timings,
        timing_bands={kind: bands(samples, bins) for kind, samples in kinds.items()},
        servers=servers,
        server_grid=server_grid(evidence, servers, bins, limits.SERVERS),
        graph=graph(entries, limits.GRAPH_SERVERS),
        phases=stages,
        run_missed=_missed_between(evidence, stages.begin_utc_ns, stages.end_utc_ns),
        gaps=gaps,
        uncovered=uncovered(evidence, entries, servers, gaps, timings),
    )


def _bins(evidence: Evidence) -> TimeBins:
    polls = evidence.polls
    first = np.argmin(polls.time_utc_ns) if len(polls.time_utc_ns) else 0
    before = len(polls.counted) > 0 and bool(polls.counted[first])
    return time_bins(
        polls.time_utc_ns, limit=limits.TIME_BINS, before=before, sources=_side_by_side(evidence)
    )


def _side_by_side(evidence: Evidence) -> int:
    """How many sources recorded at the same time, at most; 1 if one came after the other."""
    polls = evidence.polls
    sources = np.unique(polls.source)
    begins = np.array([polls.time_utc_ns[polls.source == source].min() for source in sources])
    ends = np.array([polls.time_utc_ns[polls.source == source].max() for source in sources])
    return max((int(np.count_nonzero((begins <= begin) & (ends >= begin))) for begin in begins), default=1)


def _missed_between(evidence: Evidence, begin_utc_ns: Integers, end_utc_ns: Integers) -> Integers:
    """Missed events that polls after each begin noticed, up to the first poll at or after each end."""
    rows = evidence.subscriptions
    lossy = np.flatnonzero(rows.missed_delta)
    order = np.argsort(rows.time_utc_ns[lossy], kind="stable")
    times = rows.time_utc_ns[lossy][order]
    sums = np.concatenate(([0], np.cumsum(rows.missed_delta[lossy][order])))
    polls = np.unique(evidence.polls.time_utc_ns)
    if len(polls) == 0:
        return np.zeros(len(begin_utc_ns), dtype=np.int64)
    closing = polls[np.minimum(np.searchsorted(polls, end_utc_ns, side="left"), len(polls) - 1)]
    last = np.searchsorted(times, closing, side="right")
    first = np.searchsorted(times, begin_utc_ns, side="right")
    missed: Integers = np.maximum(sums[last] - sums[first], 0)
    return missed

"""Everything the page shows, computed. Drawing and writing only read this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report.page import limits
from stem_device.report.page.bins import TimeBins, time_bins
from stem_device.report.page.coverage import Gaps, Uncovered, recording_gaps, uncovered
from stem_device.report.page.graph import Graph, graph
from stem_device.report.page.lag import Lags, lags
from stem_device.report.page.losses import Ledger, LossGrid, ledger, loss_grid
from stem_device.report.page.own_polls import OwnPolls, own_polls
from stem_device.report.page.phases import Phases, phases
from stem_device.report.page.process_times import Processes, processes
from stem_device.report.page.report_data import ReportData
from stem_device.report.page.servers import ServerGrid, ServerSummaries, server_grid, server_summaries
from stem_device.report.page.timeline import Timeline, timeline
from stem_device.report.page.timings import Bands, Distribution, bands, distribution


@dataclass(frozen=True, slots=True)
class Findings:
    """One report. ``timings`` and ``timing_bands`` are by latency, processing and push."""

    evidence: ReportData
    bins: TimeBins
    timeline: Timeline
    ledger: Ledger
    losses: LossGrid
    lags: Lags
    timings: dict[str, Distribution]
    timing_bands: dict[str, Bands]
    servers: ServerSummaries
    server_grid: ServerGrid
    graph: Graph
    phases: Phases
    own_polls: OwnPolls
    processes: Processes
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


def find(evidence: ReportData) -> Findings:
    """Compute all of it."""
    bins = _bins(evidence)
    entries = ledger(evidence)
    kinds = {"latency": evidence.latency, "processing": evidence.processing, "push": evidence.push}
    timings = {kind: distribution(samples) for kind, samples in kinds.items()}
    servers = server_summaries(evidence)
    gaps = recording_gaps(evidence)
    return Findings(
        evidence=evidence,
        bins=bins,
        timeline=timeline(evidence, bins),
        ledger=entries,
        losses=loss_grid(evidence, entries, bins, limits.LOSSY_SUBSCRIPTIONS),
        lags=lags(evidence, entries, bins, limits.LAGGING_SUBSCRIPTIONS),
        timings=timings,
        timing_bands={kind: bands(samples, bins) for kind, samples in kinds.items()},
        servers=servers,
        server_grid=server_grid(evidence, servers, bins, limits.SERVERS),
        graph=graph(entries, limits.GRAPH_SERVERS),
        phases=phases(evidence, limits.STAGE_KINDS),
        own_polls=own_polls(evidence.phases),
        processes=processes(evidence, bins, limits.PROCESS_LABELS),
        gaps=gaps,
        uncovered=uncovered(evidence, entries, servers, gaps, timings),
    )


def _bins(evidence: ReportData) -> TimeBins:
    polls = evidence.polls
    first = np.argmin(polls.time_utc_ns) if len(polls.time_utc_ns) else 0
    before = len(polls.counted) > 0 and bool(polls.counted[first])
    return time_bins(
        polls.time_utc_ns, limit=limits.TIME_BINS, before=before, sources=_side_by_side(evidence)
    )


def _side_by_side(evidence: ReportData) -> int:
    """How many sources recorded at the same time, at most; 1 if one came after the other."""
    polls = evidence.polls
    sources = np.unique(polls.source)
    begins = np.array([polls.time_utc_ns[polls.source == source].min() for source in sources])
    ends = np.array([polls.time_utc_ns[polls.source == source].max() for source in sources])
    return max((int(np.count_nonzero((begins <= begin) & (ends >= begin))) for begin in begins), default=1)

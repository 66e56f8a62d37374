"""What a run of the monitor amounts to."""

from __future__ import annotations

from msgspec import Struct

from stem_device.analysis.causes import losers
from stem_device.analysis.verdict import Verdict
from stem_device.model.finding import Finding
from stem_device.model.snapshot import Counts, Snapshot
from stem_device.report.overview import SubscriptionRow, subscription_rows


class Summary(Struct, frozen=True):
    """Totals since monitoring began; ``lossy`` are the subscriptions that lack events, worst first.

    ``findings`` say why.
    """

    time_utc_ns: int
    polls: int
    seconds: float
    servers_total: int
    total: Counts
    lossy: tuple[SubscriptionRow, ...]
    verdict: Verdict
    findings: tuple[Finding, ...] = ()


def summarise(snapshot: Snapshot, verdict: Verdict) -> Summary:
    """Sum up a run by its last Snapshot and the verdict over all of it."""
    return Summary(
        time_utc_ns=snapshot.time_utc_ns,
        polls=snapshot.poll,
        seconds=max(0, snapshot.time_utc_ns - snapshot.monitoring_since_utc_ns) / 1e9,
        servers_total=sum(not server.followed for server in snapshot.servers),
        total=snapshot.counts,
        lossy=tuple(row for row in subscription_rows(snapshot) if row.lost or row.overdue),
        verdict=verdict,
        findings=losers(snapshot.findings),
    )

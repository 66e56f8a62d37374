"""Which tables the page has, and what is in them."""

from __future__ import annotations

from stem_device.report import numbers
from stem_device.report.page import limits
from stem_device.report.page.findings import Findings
from stem_device.report.page.names import UNKNOWN, Naming
from stem_device.report.page.tables import Cell, TableOfCells, number


def tables(findings: Findings) -> tuple[TableOfCells, ...]:
    """In the order of the page; a table without rows is not among them."""
    made = (
        subscriptions_table(findings),
        servers_table(findings),
        runs_table(findings),
    )
    return tuple(table for table in made if table.rows)


def subscriptions_table(findings: Findings) -> TableOfCells:
    """One row a subscription."""
    entries, naming = findings.ledger, Naming.of(findings.evidence)
    seconds = max((findings.end_utc_ns - findings.begin_utc_ns) / 1e9, 1e-9)
    shown = min(len(entries), limits.TABLE_ROWS)
    rows = tuple(
        (
            Cell(naming.short(entries.server[i])),
            Cell(naming.short(entries.stream[i])),
            Cell(naming.short(entries.publisher[i])),
            _missed(int(entries.missed[i]), at_least=bool(entries.at_least[i])),
            number(int(entries.unaccounted[i])),
            number(float(entries.missed_share[i]), f"{entries.missed_share[i] * 100:.3g} %"),
            number(int(entries.gaps[i])),
            _overdue(int(entries.overdue[i])),
            number(int(entries.received[i])),
            number(float(entries.received[i]) / seconds, numbers.rate(entries.received[i] / seconds)),
            _time(int(entries.lost_after_utc_ns[i]), findings),
            _time(int(entries.noticed_utc_ns[i]), findings),
            Cell(entries.cause[i]),
        )
        for i in range(shown)
    )
    return TableOfCells(
        "subscriptions",
        "Subscriptions",
        (
            "subscriber",
            "stream",
            "publisher",
            "missed",
            "unaccounted",
            "share",
            "gaps",
            "overdue",
            "received",
            "rate",
            "lost after",
            "noticed by",
            "cause",
        ),
        rows,
        "The worst first. Share: of what was meant for the subscription, missed / (received + missed). "
        "A loss is noticed when a later event arrives, or a life ends: it happened between the two times.",
        len(entries) - shown,
    )


def servers_table(findings: Findings) -> TableOfCells:
    """One row a server."""
    servers, naming = findings.servers, Naming.of(findings.evidence)
    shown = min(len(servers), limits.TABLE_ROWS)
    rows = tuple(
        (
            Cell(naming.short(servers.server[i])),
            number(int(servers.missed[i])),
            number(int(servers.received[i])),
            number(int(servers.published[i])),
            number(int(servers.unanswered[i]), f"{servers.unanswered[i]:,} of {servers.polls[i]:,}"),
            _micros(servers.latency_median_micros[i]),
            _micros(servers.latency_p99_micros[i]),
            _micros(servers.processing_p99_micros[i]),
            _micros(servers.push_p99_micros[i]),
            number(int(servers.samples[i])),
        )
        for i in range(shown)
    )
    return TableOfCells(
        "servers",
        "Servers",
        (
            "server",
            "missed",
            "received",
            "published",
            "polls without answer",
            "latency, median",
            "latency, 99 %",
            "processing, 99 %",
            "push, 99 %",
            "samples",
        ),
        rows,
        "The one that missed most first.",
        len(servers) - shown,
    )


def runs_table(findings: Findings) -> TableOfCells:
    """One row a run."""
    runs = findings.phases.runs
    shown = min(len(runs.run), limits.TABLE_ROWS)
    counts = findings.phases.stages_of_run
    seconds = (runs.last_utc_ns - runs.first_utc_ns) / 1e9
    rows = tuple(
        (
            Cell(runs.run[i] or UNKNOWN),
            _time(int(runs.first_utc_ns[i]), findings),
            number(float(seconds[i]), numbers.seconds(float(seconds[i]))),
            number(int(counts[i])),
            Cell(_state(ended=bool(runs.ended[i]), failed=bool(runs.failed[i]))),
            number(int(runs.missed[i])),
            number(int(runs.missed_at_least[i])),
        )
        for i in range(shown)
    )
    return TableOfCells(
        "runs",
        "Runs",
        ("run", "first mark", "from first to last mark", "stages", "state", "missed", "missed, at least"),
        rows,
        "In the order of their first marks. Missed: all losses whose interval, from onset to notice, "
        "overlaps the run, so that runs may share one; at least: those whose interval lies within it.",
        len(runs.run) - shown,
    )


def _state(*, ended: bool, failed: bool) -> str:
    if not ended:
        return "no end"
    return "ended in error" if failed else "ended"


def _missed(missed: int, *, at_least: bool) -> Cell:
    return number(missed, f"{'≥ ' if at_least else ''}{missed:,}")


def _overdue(overdue: int) -> Cell:
    return number(overdue, "unknown" if overdue < 0 else f"{overdue:,}")


def _micros(value: float) -> Cell:
    return number(float(value), numbers.micros(float(value)))


def _time(time_utc_ns: int, findings: Findings) -> Cell:
    """The time of day; with its date if the recording is of several days. Empty for 0."""
    if time_utc_ns == 0:
        return Cell("", 0.0)
    date, time = numbers.utc(time_utc_ns)[:19].split("T")
    one_day = numbers.utc(findings.begin_utc_ns)[:10] == numbers.utc(findings.end_utc_ns)[:10] == date
    return Cell(time if one_day else f"{date} {time}", time_utc_ns / 1e9)

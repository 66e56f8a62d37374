"""Which tables the page has, and what is in them."""

from __future__ import annotations

import math

from stem_device.report import number_text
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
        processes_table(findings),
        own_polls_table(findings),
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
            number(float(entries.received[i]) / seconds, number_text.rate(entries.received[i] / seconds)),
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
            *(
                _count(int(counts[i]), known=bool(servers.unanswered[i] < servers.polls[i]))
                for counts in (servers.missed, servers.received, servers.published)
            ),
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
        "The one that missed most first; of one that never answered no count is known.",
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
            number(float(seconds[i]), number_text.seconds(float(seconds[i]))),
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


def processes_table(findings: Findings) -> TableOfCells:
    """One row a label of telemetry: what took long in processes, and when."""
    times = findings.processes.times
    rows = tuple(
        (
            Cell(one.label),
            number(one.processes),
            number(one.count),
            _seconds(one.median_seconds),
            _seconds(one.p99_seconds),
            _seconds(one.worst_seconds),
            _time(one.worst_utc_ns, findings),
        )
        for one in times[: limits.TABLE_ROWS]
    )
    return TableOfCells(
        "processes",
        "Times of processes",
        ("what", "processes", "count", "median", "99 %", "longest", "at"),
        rows,
        "Telemetry of processes, put into the recording by stem import: durations, pauses of Python's "
        "garbage collector of a millisecond or more, and how late threads and callbacks came. The longest "
        "first; compare when that was with when events were lost.",
        max(0, len(times) - limits.TABLE_ROWS),
    )


def own_polls_table(findings: Findings) -> TableOfCells:
    """One row a phase of the monitor's own polls."""
    polls = findings.own_polls
    rows = tuple(
        (
            Cell(phase.name),
            number(phase.polls),
            _seconds(phase.median_seconds),
            _seconds(phase.p99_seconds),
            _seconds(phase.worst_seconds),
            _time(phase.worst_utc_ns, findings),
        )
        for phase in (*polls.phases, *([polls.whole] if polls.whole else []))
    )
    slowest = ", ".join(f"{name} {_seconds(seconds).text}" for name, seconds in polls.worst)
    return TableOfCells(
        "polls",
        "How long the monitor's own polls took",
        ("phase", "polls", "median", "99 %", "worst", "at"),
        rows,
        "Resolve: take up targets. Ask: from the first question to the last answer or time limit. Parse the "
        "replies. Account: count and judge. Record: wait for the disk. Publish: attributes and events. "
        + (f"The poll that took longest: {slowest}." if slowest else ""),
    )


def _seconds(value: float) -> Cell:
    return number(value, number_text.micros(value * 1e6))


def _state(*, ended: bool, failed: bool) -> str:
    if not ended:
        return "no end"
    return "ended in error" if failed else "ended"


def _count(value: int, *, known: bool) -> Cell:
    """Of a server that never answered nothing is known."""
    return number(value if known else math.nan, None if known else "-")


def _missed(missed: int, *, at_least: bool) -> Cell:
    return number(missed, f"{'≥ ' if at_least else ''}{missed:,}")


def _overdue(overdue: int) -> Cell:
    return number(overdue, "unknown" if overdue < 0 else f"{overdue:,}")


def _micros(value: float) -> Cell:
    return number(float(value), number_text.micros(float(value)))


def _time(time_utc_ns: int, findings: Findings) -> Cell:
    """The time of day; with its date if the recording is of several days. Empty for 0."""
    if time_utc_ns == 0:
        return Cell("", 0.0)
    date, time = number_text.utc(time_utc_ns)[:19].split("T")
    one_day = number_text.utc(findings.begin_utc_ns)[:10] == number_text.utc(findings.end_utc_ns)[:10] == date
    return Cell(time if one_day else f"{date} {time}", time_utc_ns / 1e9)

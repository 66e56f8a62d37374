"""Statistics as tables for a person."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.text import Text

from stem_device.analysis.causes import by_advice, cause_of, outcome_of
from stem_device.analysis.verdict import Why
from stem_device.analysis.wording import WORDS, ground_text
from stem_device.cli.tables import table
from stem_device.model.finding import Finding
from stem_device.report.number_text import common_prefix, count, micros, rate, seconds, utc, without
from stem_device.statistics.results import Counted, ServerStatistics, Statistics
from stem_device.telemetry import DURATION_FILE_PREFIX, RUNTIME_FILE_PREFIX

_Row = TypeVar("_Row")
STYLES = {"clear": "bold green", "unknown": "bold", "waiting": "bold yellow", "lost": "bold red"}
"""By level."""
_SHOWN_TIMINGS = ("push", "processing", "latency")
_NUMBERS = {
    "count": "count",
    "mean": "mean",
    "standard_deviation": "standard deviation",
    "standard_error": "standard error",
    "minimum": "minimum",
    "p1": "1 %",
    "p10": "10 %",
    "p25": "25 %",
    "median": "median",
    "p75": "75 %",
    "p90": "90 %",
    "p99": "99 %",
    "p99_9": "99.9 %",
    "maximum": "maximum",
}


TOLD_BELOW = frozenset({Why.NO_POLL, Why.PROBLEM, Why.UNCOUNTED_TIME, Why.NOT_ASKED, Why.NOT_ANSWERED})
"""What the list of what is not covered says in more detail."""


def stats_parts(statistics: Statistics, limit: int) -> Iterator[RenderableType | None]:
    """Headline, subscriptions, servers, streams, timings, what was not covered. ``limit`` 0: all rows."""
    prefix = common_prefix(
        [server.server for server in statistics.servers] + [stream.stream for stream in statistics.streams]
    )
    yield _headline(statistics, prefix)
    yield why_part(statistics.findings, prefix, limit)
    yield _subscriptions(statistics, prefix, limit)
    yield _servers(statistics, prefix, limit)
    yield _streams(statistics, prefix, limit)
    yield _timings(statistics)
    yield _server_timings(statistics, prefix, limit)
    yield _telemetry(statistics, DURATION_FILE_PREFIX, limit)
    yield _telemetry(statistics, RUNTIME_FILE_PREFIX, limit)
    yield _not_covered(statistics, prefix, limit)


def why_part(findings: Sequence[Finding], prefix: str, limit: int) -> RenderableType | None:
    """Why, and what to do: a paragraph for each subscription, worst first; advice that they share once."""
    if not findings:
        return None
    shown = _shown(findings, limit)
    hidden = len(findings) - len(shown)
    more = [Text(f"... and {hidden:,} more (--limit 0 shows all)", style="dim")] if hidden else []
    told = (
        Text(line)
        for advice, alike in by_advice(shown)
        for line in (*(_why(finding, prefix) for finding in alike), f"What to do: {advice}")
    )
    return Group(Text("Why", style="bold"), *told, *more)


def _why(finding: Finding, prefix: str) -> str:
    span = f"{utc(finding.since_utc_ns)} to {utc(finding.until_utc_ns)}"
    return without(prefix, f"{finding.server} {outcome_of(finding)} ({span}): {cause_of(finding)}")


def _headline(statistics: Statistics, prefix: str) -> Text:
    totals, text = statistics.totals, Text()
    for source in statistics.sources:
        label = f"{source.label}, " if source.label else ""
        span = f"{utc(source.first_poll_utc_ns)} to {utc(source.last_poll_utc_ns)}" if source.polls else "-"
        interval = seconds(source.usual_interval_seconds)
        text.append(f"{label}{source.host}: {span}, {count(source.polls)} polls every {interval}\n")
    text.append(
        f"{WORDS.many(totals.servers, 'server')}, {WORDS.many(totals.streams, 'stream')}, "
        f"{WORDS.many(totals.subscriptions, 'subscription')}, {seconds(totals.seconds)} covered\n"
    )
    counts, verdict = totals.counts, statistics.verdict
    text.append(f"{without(prefix, verdict.sentence)}\n", style=STYLES[verdict.level])
    text.append(f"published {count(counts.published)} ({rate(counts.published_rate)}), ")
    text.append(f"received {count(counts.received)} ({rate(counts.received_rate)}), ")
    text.append(f"missed {_missed(counts)}", style="bold red" if counts.missed else "bold")
    text.append(f" ({share(counts.loss_share)}) in {count(counts.gaps)} gaps, ")
    text.append(
        f"unaccounted {_known(counts.unaccounted)}\n", style="bold red" if counts.unaccounted else "bold"
    )
    text.append(
        f"overdue {_overdue(counts, totals.subscriptions)} at the end, "
        f"{_known(counts.worst_overdue)} at worst; "
        f"{count(counts.resets)} counters began anew; "
        f"subscriptions disconnected: {count(totals.disconnected)} at the end, "
        f"{count(totals.worst_disconnected)} at worst; "
        f"samples cover {share(totals.coverage.share)} of the events"
    )
    return text


def _known(value: int | None) -> str:
    return "unknown" if value is None else count(value)


def _subscriptions(statistics: Statistics, prefix: str, limit: int) -> RenderableType | None:
    rows = [
        (
            *_losses(one.counts),
            count(one.counts.received),
            rate(one.counts.received_rate),
            without(prefix, one.server),
            without(prefix, one.topic) + (" (ended)" if one.ended else ""),
        )
        for one in _shown(statistics.subscriptions, limit)
    ]
    headings = (*_LOSSES, "RECEIVED", "RATE", "SUBSCRIBER", "TOPIC")
    hidden = len(statistics.subscriptions) - len(rows)
    title = "Subscriptions, those that missed most first"
    return table(title, headings, rows, numbers=9, hidden=hidden) if rows else None


def _servers(statistics: Statistics, prefix: str, limit: int) -> RenderableType | None:
    rows = [
        (*_server_counts(one), share(_answered(one)), without(prefix, one.server))
        for one in _shown(statistics.servers, limit)
    ]
    headings = (*_LOSSES, "PUBLISHED", "RECEIVED", "ANSWERED", "SERVER")
    hidden = len(statistics.servers) - len(rows)
    title = "Servers, those whose subscriptions missed most first"
    return table(title, headings, rows, numbers=10, hidden=hidden) if rows else None


def _answered(server: ServerStatistics) -> float:
    return server.states.get("monitored", 0.0)


def _server_counts(server: ServerStatistics) -> tuple[str | Text, ...]:
    """Losses and rates. Of a server that never answered none is known."""
    cells = (
        *_losses(server.counts),
        rate(server.counts.published_rate),
        rate(server.counts.received_rate),
    )
    return cells if _answered(server) or not server.states else ("unknown",) * len(cells)


def _server_timings(statistics: Statistics, prefix: str, limit: int) -> RenderableType | None:
    sampled = [one for one in statistics.servers if any(found.count for found in one.timings.values())]
    sampled.sort(key=_worst_latency, reverse=True)
    rows = [
        (
            share(one.coverage.share),
            *(
                micros(value)
                for name in _SHOWN_TIMINGS
                for value in (one.timings[name].median, one.timings[name].p99)
            ),
            without(prefix, one.server),
        )
        for one in _shown(sampled, limit)
    ]
    headings = ("SAMPLED", "PUSH", "99 %", "CALLBACKS", "99 %", "LATENCY", "99 %", "SERVER")
    title = "Timings of servers, median and 99 % quantile, the highest latency first"
    return table(title, headings, rows, numbers=7, hidden=len(sampled) - len(rows)) if rows else None


def _worst_latency(server: ServerStatistics) -> float:
    latency = server.timings["latency"].p99
    return -math.inf if math.isnan(latency) else latency


def _streams(statistics: Statistics, prefix: str, limit: int) -> RenderableType | None:
    rows = [
        (
            count(one.counts.published),
            rate(one.counts.published_rate),
            _missed(one.counts),
            share(one.counts.loss_share),
            count(one.counts.resets),
            without(prefix, one.server),
            without(prefix, one.stream),
        )
        for one in _shown(statistics.streams, limit)
    ]
    headings = ("PUBLISHED", "RATE", "MISSED BY ALL", "SHARE", "RESETS", "PUBLISHER", "STREAM")
    hidden = len(statistics.streams) - len(rows)
    title = "Streams, those of which most was missed first"
    return table(title, headings, rows, numbers=5, hidden=hidden) if rows else None


def _timings(statistics: Statistics) -> RenderableType | None:
    """Timings are columns: so the table fits a narrow terminal."""
    described = {name: asdict(one) for name, one in statistics.timings.items() if one.count}
    if not described:
        return Text("No timing samples.")
    rows = [
        (label, *(count(one[key]) if key == "count" else micros(one[key]) for one in described.values()))
        for key, label in _NUMBERS.items()
    ]
    headings = ("", *(name.replace("_", " ").upper() for name in described))
    keep = [0, *(column for column, name in enumerate(described, 1) if name in _SHOWN_TIMINGS)]
    return table("Timings of all servers", headings, rows, numbers=len(headings), keep=keep)


def _telemetry(statistics: Statistics, kind: str, limit: int) -> RenderableType | None:
    """Durations; or runtime metrics, each in its own unit."""
    own = [one for one in statistics.telemetry if one.kind == kind]
    durations = kind == DURATION_FILE_PREFIX
    rows = [
        (
            *(
                micros(value * 1e6) if durations else f"{value:,.6g}"
                for value in (one.values.median, one.values.p99, one.values.maximum)
            ),
            count(one.values.count),
            count(one.processes),
            one.label,
        )
        for one in _shown(own, limit)
    ]
    headings = ("MEDIAN", "99 %", "MAXIMUM", "COUNT", "PROCESSES", "LABEL")
    title = "Durations in processes, those that took most time first" if durations else "Runtime of processes"
    return table(title, headings, rows, numbers=5, hidden=len(own) - len(rows)) if rows else None


def _not_covered(statistics: Statistics, prefix: str, limit: int) -> RenderableType:
    lines = [without(prefix, line) for line in _not_covered_lines(statistics)]
    shown = _shown(lines, limit)
    if not lines:
        return Text("All servers answered in all polls, and were sampled all the time", style="bold")
    more = (
        [f"... and {len(lines) - len(shown):,} more (--limit 0 shows all)"] if len(shown) < len(lines) else []
    )
    return Group(Text("Not covered", style="bold"), *map(Text, (*shown, *more)))


def _not_covered_lines(statistics: Statistics) -> Iterator[str]:
    gaps = statistics.not_covered
    for ground in (*statistics.verdict.waiting, *statistics.verdict.uncovered):
        if ground.why not in TOLD_BELOW:
            yield ground_text(ground)
    for silent in gaps.silent_servers:
        yield (
            f"{silent.server} did not answer in {count(silent.silent_polls)} of {count(silent.polls)} polls "
            f"({seconds(silent.silent_seconds)}): {silent.state}: {silent.reason}"
        )
    for interval in gaps.long_intervals:
        missing = f"; {_polls(interval.polls_missing)} missing" if interval.polls_missing else ""
        yield f"no poll for {seconds(interval.seconds)} from {utc(interval.begin_utc_ns)} on{missing}"
    for one in gaps.unsampled_servers:
        if one.unsampled_share:
            yield f"{one.server} was not sampled for {share(one.unsampled_share)} of the time"
        if one.drained_polls:
            yield f"{one.server} lost samples to somebody else in {_polls(one.drained_polls)}"
    for left in gaps.left_out:
        host = statistics.sources[left.source].host
        yield f"{left.server} as {host} saw it does not count: another monitor saw it longer at that time"
    for problem in gaps.problems:
        yield f"{problem.problem} ({_polls(problem.polls)})"


def _overdue(counts: Counted, subscriptions: int) -> str:
    """The sum, and of how many subscriptions it does not speak."""
    if not counts.overdue_unknown:
        return count(counts.overdue)
    if not counts.overdue:
        return f"unknown of {count(counts.overdue_unknown)} of {count(subscriptions)} subscriptions"
    return f"{count(counts.overdue)} (and unknown of {count(counts.overdue_unknown)} subscriptions)"


_LOSSES = ("MISSED", "SHARE", "UNACCOUNTED", "GAPS", "OVERDUE", "AT WORST", "RESETS")


def _losses(counts: Counted) -> tuple[Text | str, ...]:
    style = "bold red" if counts.missed else ""
    return (
        Text(_missed(counts), style=style),
        share(counts.loss_share),
        Text(count(counts.unaccounted), style="bold red" if counts.unaccounted else ""),
        count(counts.gaps),
        _known(counts.overdue),
        _known(counts.worst_overdue),
        count(counts.resets),
    )


def _missed(counts: Counted) -> str:
    return f"{'>=' if counts.missed_at_least else ''}{count(counts.missed)}"


def share(value: float) -> str:
    """``0.0123`` -> ``1.23 %``; ``-`` for NaN."""
    if math.isnan(value):
        return "-"
    return f"{value * 100:.3g} %" if value < 0.9995 else "100 %"


def _polls(number: int) -> str:
    return "1 poll" if number == 1 else f"{count(number)} polls"


def _shown(rows: Sequence[_Row], limit: int) -> Sequence[_Row]:
    return rows[:limit] if limit else rows

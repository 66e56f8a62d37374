"""Plain lines: one fact a line, the same words in the same order, made for grep and for logs.

Every line is ``TIME KIND key=value ...``; documented in docs/reference/command-line.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from stem_device.analysis.wording import sentence
from stem_device.model.finding import Finding
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.snapshot import Counts
from stem_device.report import number_text
from stem_device.report.changes import (
    Change,
    ConnectionChange,
    PollReport,
    ServerChange,
    StreamChange,
    SubscriptionChange,
)
from stem_device.report.summary import Summary
from stem_device.report.timing import TimingStatistics

_STREAM_KINDS = {
    Change.NEW: "stream-new",
    Change.REMOVED: "stream-removed",
    Change.RESTARTED: "stream-restarted",
    Change.ACTIVE: "published",
}
_SUBSCRIPTION_KINDS = {
    Change.NEW: "subscription-new",
    Change.REMOVED: "subscription-removed",
    Change.RESTARTED: "subscription-restarted",
    Change.ACTIVE: "received",
    Change.OVERDUE: "overdue",
    Change.UNACCOUNTED: "unaccounted",
    Change.MISSED: "missed",
}


def poll_lines(report: PollReport) -> Iterator[str]:
    """The lines of one poll, the ``poll`` line first."""
    stamp = number_text.utc(report.time_utc_ns)
    for text in _facts(report):
        yield f"{stamp} {text}"


def summary_lines(summary: Summary) -> Iterator[str]:
    """The last lines: totals of the run, then every subscription that missed or lacks events."""
    stamp = number_text.utc(summary.time_utc_ns)
    yield (
        f"{stamp} summary polls={summary.polls} seconds={summary.seconds:.1f} servers={summary.servers_total}"
        f" {_counts(summary.total)} overdue={_overdue(summary.total)}"
    )
    yield f"{stamp} verdict level={summary.verdict.level.word} text={quoted(sentence(summary.verdict))}"
    for row in summary.lossy:
        yield (
            f"{stamp} lossy server={row.subscriber} stream={row.stream} received={row.received_total}"
            f" missed={_at_least(row.missed_total, row.missed_at_least)}"
            f" unaccounted={row.unaccounted_total} gaps={row.gaps_total}"
            f" overdue={known(row.overdue)}"
        )
    for finding in summary.findings:
        yield f"{stamp} {_why(finding)}"


def _facts(report: PollReport) -> Iterator[str]:
    yield _poll(report)
    yield from (f"problem {quoted(problem)}" for problem in report.problems)
    yield from (_outlet(outlet) for outlet in report.outlets)
    yield from (_server(change) for change in report.servers)
    yield from (_connection(change) for change in report.connections)
    yield from (_stream(change) for change in report.streams)
    yield from (_subscription(change) for change in report.subscriptions)
    yield from (_timing(timing) for timing in report.timings)


def _why(finding: Finding) -> str:
    return (
        f"why server={finding.server} stream={finding.stream} cause={finding.cause}"
        f" likely={'yes' if finding.likely else 'no'} standing={finding.standing} lost={finding.lost}"
        f" since={number_text.utc(finding.since_utc_ns)} until={number_text.utc(finding.until_utc_ns)}"
        f" sentence={quoted(finding.sentence)} advice={quoted(finding.advice)}"
    )


def _poll(report: PollReport) -> str:
    delta = report.delta
    coverage = "" if math.isnan(report.sample_coverage) else f" coverage={report.sample_coverage:.3f}"
    return (
        f"poll number={report.poll} monitored={report.monitored}/{report.servers_total}"
        f" published={number_text.signed(delta.published)} received={number_text.signed(delta.received)}"
        f" missed={number_text.signed(delta.missed)} unaccounted={number_text.signed(delta.unaccounted)}"
        f" gaps={number_text.signed(delta.gaps)}"
        f" discarded={number_text.signed(delta.discarded)} overdue={_overdue(report.total)}"
        f" missed_total={report.total.missed} unaccounted_total={report.total.unaccounted}"
        f" seconds={report.duration_seconds:.4f}"
        f" spread={report.spread_seconds:.4f} overruns={report.overruns_total}{coverage}"
    )


def _counts(counts: Counts) -> str:
    return (
        f"published={counts.published} received={counts.received} missed={counts.missed}"
        f" unaccounted={counts.unaccounted} gaps={counts.gaps} discarded={counts.discarded}"
    )


def _server(change: ServerChange) -> str:
    kind = {Change.NEW: "server-new", Change.REMOVED: "server-removed"}.get(change.change, "server")
    version = f" tango={change.tango_version}" if change.tango_version else ""
    reason = f" reason={quoted(change.reason)}" if change.reason else ""
    every = f" asked_every={change.asked_every}" if change.asked_every > 1 else ""
    return f"{kind} server={change.server} state={quoted(change.state)}{version}{every}{reason}"


def _outlet(outlet: OutletHealth) -> str:
    error = f" error={quoted(outlet.last_error)}" if outlet.last_error else ""
    return (
        f"outlet name={quoted(outlet.name)} sent={outlet.sent} dropped={outlet.dropped}"
        f" failed={outlet.failed} waiting={outlet.waiting}{error}"
    )


def _connection(change: ConnectionChange) -> str:
    kind = "connected" if change.connected else "disconnected"
    return (
        f"{kind} server={change.server} stream={change.stream} last_heartbeat={quoted(change.last_heartbeat)}"
    )


def _stream(change: StreamChange) -> str:
    return (
        f"{_STREAM_KINDS[change.change]} server={change.server} stream={change.stream}"
        f" pushed={change.pushed} delta={number_text.signed(change.published_delta)}"
        f" total={change.published_total}"
    )


def _subscription(change: SubscriptionChange) -> str:
    callbacks = str(change.callbacks)
    if change.callbacks != change.callbacks_before:
        callbacks = f"{change.callbacks_before}->{change.callbacks}"
    return (
        f"{_SUBSCRIPTION_KINDS[change.change]} server={change.server} topic={change.topic}"
        f" received={number_text.signed(change.received_delta)}"
        f" missed={number_text.signed(change.missed_delta)}"
        f" unaccounted={number_text.signed(change.unaccounted_delta)}"
        f" gaps={number_text.signed(change.gaps_delta)}"
        f" discarded={number_text.signed(change.discarded_delta)}"
        f" overdue={known(change.overdue)} received_total={change.received_total}"
        f" missed_total={_at_least(change.missed_total, change.missed_at_least)}"
        f" unaccounted_total={change.unaccounted_total} callbacks={callbacks}{_cause(change.cause)}"
    )


def _timing(timing: TimingStatistics) -> str:
    return (
        f"timing server={timing.server} name={timing.timing.replace(' ', '-')} count={timing.count}"
        f" mean_us={timing.mean:.1f} error_us={timing.standard_error:.1f} median_us={timing.median:.1f}"
        f" min_us={timing.minimum:.0f} max_us={timing.maximum:.0f} q01_us={timing.quantile_01:.1f}"
        f" q10_us={timing.quantile_10:.1f} q90_us={timing.quantile_90:.1f} q99_us={timing.quantile_99:.1f}"
    )


def quoted(text: str) -> str:
    """One word as it is; anything else in double quotes and on one line."""
    if text and not any(character.isspace() or character == '"' for character in text):
        return text
    return '"' + " ".join(text.replace('"', "'").split()) + '"'


def _overdue(counts: Counts) -> str:
    """The sum, and of how many subscriptions nothing is known: 0 alone would say that all is well."""
    unknown = f" overdue_unknown={counts.overdue_unknown}" if counts.overdue_unknown else ""
    return f"{known(counts.known_overdue)}{unknown}"


def _cause(code: str) -> str:
    return f" cause={quoted(code)}" if code else ""


def known(value: int | None) -> str:
    """``unknown`` for None."""
    return "unknown" if value is None else str(value)


def _at_least(value: int, lower_bound: bool) -> str:
    return f">={value}" if lower_bound else str(value)

"""What happened, in sentences for a reader in front of the screen; the worst of it only."""

from __future__ import annotations

from collections.abc import Iterator

from stem_device.model.outlet_health import OutletHealth
from stem_device.report.changes import (
    Change,
    ConnectionChange,
    PollReport,
    ServerChange,
    StreamChange,
    SubscriptionChange,
)
from stem_device.report.number_text import clock_time, common_prefix, count, without


def messages(report: PollReport) -> tuple[str, ...]:
    """Losses, restarts, disconnections, and what appeared or vanished. Ordinary traffic is no message."""
    stamp = clock_time(report.time_utc_ns)
    named = [change.server for change in report.servers]
    named += [change.server for change in report.subscriptions]
    prefix = common_prefix(named)
    return tuple(f"{stamp} {without(prefix, text)}" for text in _sentences(report))


def _sentences(report: PollReport) -> Iterator[str]:
    yield from report.problems
    for outlet in report.outlets:
        yield _outlet(outlet)
    for server in report.servers:
        yield _server(server)
    for connection in report.connections:
        yield _connection(connection)
    for stream in report.streams:
        yield from _stream(stream)
    for subscription in report.subscriptions:
        yield from _subscription(subscription)


def _server(change: ServerChange) -> str:
    if change.change is Change.REMOVED:
        return f"{change.server} is no longer monitored"
    if change.state.is_counted:
        return f"{change.server} is {change.state}"
    return f"{change.server} {change.state}: {change.reason}"


def _outlet(outlet: OutletHealth) -> str:
    lost = outlet.dropped + outlet.failed
    reason = f": {outlet.last_error}" if outlet.failed else ""
    return f"{outlet.name} lacks {lost} poll{'s' if lost != 1 else ''}, {outlet.waiting} waiting{reason}"


def _connection(change: ConnectionChange) -> str:
    if change.connected:
        return f"{change.server} is connected to {change.stream} again"
    return f"{change.server} has lost the connection to {change.stream}"


def _stream(change: StreamChange) -> Iterator[str]:
    if change.change is Change.NEW:
        yield f"new stream {change.stream}"
    elif change.change is Change.REMOVED:
        yield f"stream {change.stream} is gone"
    elif change.change is Change.RESTARTED:
        yield f"stream {change.stream} began anew"


def _subscription(change: SubscriptionChange) -> Iterator[str]:
    if change.change is Change.NEW:
        yield f"{change.server} subscribes to {change.stream}"
    elif change.change is Change.REMOVED:
        yield f"{change.server} no longer subscribes to {change.stream}"
    if change.missed_delta:
        least = "at least " if change.missed_at_least else ""
        yield f"{change.server} missed {least}{count(change.missed_delta)} of {change.stream}"
    if change.unaccounted_delta > 0:
        yield f"{change.server} has {count(change.unaccounted_delta)} of {change.stream} unaccounted"
    if not change.missed_delta and change.overdue and change.change is Change.OVERDUE:
        yield f"{change.server} lacks {count(change.overdue)} of {change.stream}"

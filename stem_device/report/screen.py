"""The live screen: an Overview as rich tables, cut to the height of the terminal. Needs the extra "cli"."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stem_device.analysis.verdict import Level
from stem_device.model.poll import ServerState
from stem_device.report import numbers
from stem_device.report.layout import share_rows
from stem_device.report.overview import Judgement, Overview, ServerRow, SubscriptionRow
from stem_device.report.timing import TimingStatistics

# The heading, the blank line below it, the four counters that are always there.
_FIXED_ROWS = 6
STYLES = {
    Level.CLEAR: "bold green",
    Level.UNKNOWN: "bold bright_black",
    Level.WAITING: "bold yellow",
    Level.LOST: "bold red",
}
"""As the colours of the levels: grey and amber in the words of a terminal."""
# The blank line and the header of each table.
_TABLE_ROWS = 2
_GRAPH_COLUMNS = 40


def screen(overview: Overview, width: int = 100, height: int = 30) -> RenderableType:
    """Render ``overview`` for a terminal of ``width`` columns and ``height`` rows."""
    prefix = numbers.common_prefix(row.name for row in overview.servers)
    sections = [
        (_servers_table(prefix), [_server_cells(row, prefix) for row in overview.servers]),
        (_subscriptions_table(), [_subscription_cells(row, prefix) for row in overview.subscriptions]),
        (_timings_table(), [_timing_cells(timing, prefix) for timing in overview.timings]),
    ]
    shown = [(table, rows) for table, rows in sections if rows]
    # The footer has a blank line above it.
    words = bool(overview.story) + 2 * bool(overview.footer)
    words += bool(overview.verdict) + bool(overview.counts.unaccounted)
    available = height - _FIXED_ROWS - words - _TABLE_ROWS * len(shown)
    reasons = len(overview.why) + bool(overview.why)
    *granted, for_reasons, for_messages = share_rows(
        [*(len(rows) for _, rows in shown), reasons, len(overview.messages) + 1], available
    )
    parts: list[RenderableType] = [_heading(overview, width)]
    if overview.story:
        parts.append(Text(overview.story, style="italic cyan", no_wrap=True, overflow="ellipsis"))
    if overview.verdict:
        parts.append(_verdict(overview.verdict))
    parts += [Text(), _counters(overview, width)]
    for (table, rows), room in zip(shown, granted, strict=True):
        parts += [Text(), _filled(table, rows, room)]
    parts += _why(overview.why, prefix, for_reasons - 1)
    # One of the rows granted to the messages is the blank line above them.
    parts += _messages(overview.messages, for_messages - 1)
    if overview.footer:
        parts += [Text(), Text(overview.footer, style="dim", no_wrap=True, overflow="ellipsis")]
    return Group(*parts)


def _heading(overview: Overview, width: int) -> Text:
    right = f"poll {overview.poll}  {numbers.clock_time(overview.time_utc_ns)}"
    heading = Text(overview.heading, style="bold", no_wrap=True, overflow="ellipsis")
    heading.truncate(max(1, width - len(right) - 1), overflow="ellipsis", pad=True)
    return heading.append(f" {right}", style="dim not bold")


def _verdict(verdict: Judgement) -> Text:
    return Text(
        " ".join(verdict.sentence.split()), style=STYLES[verdict.level], no_wrap=True, overflow="ellipsis"
    )


def _counters(overview: Overview, width: int) -> Table:
    counts, trend = overview.counts, overview.trend
    graph = max(0, min(_GRAPH_COLUMNS, width - 44))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=11)
    grid.add_column(justify="right", width=13)
    grid.add_column(justify="right", width=10)
    grid.add_column(width=graph, no_wrap=True)
    rows: list[tuple[str, int, str, tuple[float, ...], str]] = [
        ("published", counts.published, numbers.rate(overview.published_rate), trend.published, "cyan"),
        ("received", counts.received, numbers.rate(overview.received_rate), trend.received, "green"),
        ("overdue", counts.overdue, _unknown(counts.overdue_unknown), trend.overdue, "bold yellow"),
        ("missed", counts.missed, _gaps(counts.gaps), trend.missed, "bold red"),
    ]
    if counts.unaccounted:
        rows.append(("unaccounted", counts.unaccounted, "", (), "bold red"))
    for label, total, beside, values, style in rows:
        now = style if total else "dim"
        bars = Text(numbers.sparkline(values, graph), style=style if any(values[-graph:]) else "dim")
        grid.add_row(Text(label, style=now), Text(numbers.count(total), style=now), beside, bars)
    return grid


def _gaps(gaps: int) -> str:
    return "" if not gaps else f"{numbers.count(gaps)} gap" if gaps == 1 else f"{numbers.count(gaps)} gaps"


def _unknown(subscriptions: int) -> str:
    return f"+{numbers.count(subscriptions)} unknown" if subscriptions else ""


def _table(*columns: tuple[str, str]) -> Table:
    """A borderless table of (heading, "left" or "right"); the left ones share the room that is left."""
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True, header_style="bold dim", pad_edge=False)
    for heading, side in columns:
        if side == "left":
            # Streams have the longest names.
            ratio = 3 if heading == "STREAM" else 2
            table.add_column(heading, no_wrap=True, overflow="ellipsis", ratio=ratio)
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    return table


def _servers_table(prefix: str) -> Table:
    where = f"SERVER at {prefix.removeprefix('tango://').rstrip('/')}" if prefix else "SERVER"
    return _table((where, "left"), ("STATE", "left"), *_right("PUBLISHED", "RECEIVED", "OVERDUE", "MISSED"))


def _subscriptions_table() -> Table:
    return _table(
        ("SUBSCRIBER", "left"), ("STREAM", "left"), *_right("RECEIVED", "OVERDUE", "GAPS", "MISSED")
    )


def _timings_table() -> Table:
    quantiles = ("1%", "10%", "MEDIAN", "90%", "99%")
    return _table(("TIMING", "left"), *_right("N", "MEAN", "± ERR", "MIN", *quantiles, "MAX"))


def _right(*headings: str) -> tuple[tuple[str, str], ...]:
    return tuple((heading, "right") for heading in headings)


def _server_cells(row: ServerRow, prefix: str) -> tuple[Text, ...]:
    monitored = row.state is ServerState.MONITORED
    state = Text(row.state, style="green" if monitored else "bold red")
    if row.reason and not monitored:
        state.append(f": {' '.join(row.reason.split())}", style="red not bold")
    return (
        Text(numbers.without(prefix, row.name)),
        state,
        Text(numbers.count(row.published_total)),
        Text(numbers.count(row.received_total)),
        _overdue(row.overdue),
        _missed(row.missed_total, lower_bound=False),
    )


def _subscription_cells(row: SubscriptionRow, prefix: str) -> tuple[Text, ...]:
    style = "bold red" if row.lost else "bold yellow" if row.overdue else ""
    return (
        Text(numbers.without(prefix, row.subscriber), style=style),
        Text(numbers.without(prefix, row.stream), style=style),
        Text(numbers.count(row.received_total)),
        _overdue(row.overdue),
        Text(numbers.count(row.gaps_total) if row.gaps_total else "-"),
        _missed(row.missed_total, lower_bound=row.missed_at_least),
    )


def _timing_cells(timing: TimingStatistics, prefix: str) -> tuple[Text, ...]:
    values = (
        timing.mean,
        timing.standard_error,
        timing.minimum,
        timing.quantile_01,
        timing.quantile_10,
        timing.median,
        timing.quantile_90,
        timing.quantile_99,
        timing.maximum,
    )
    name = Text(f"{timing.timing} ").append(numbers.without(prefix, timing.server), style="dim")
    return (name, Text(numbers.count(timing.count)), *(Text(numbers.tight_micros(value)) for value in values))


def _overdue(value: int | None) -> Text:
    if value is None:
        return Text("unknown", style="dim")
    return Text(numbers.count(value) if value else "-", style="bold yellow" if value else "")


def _missed(value: int, *, lower_bound: bool) -> Text:
    sign = "≥" if lower_bound else ""
    return Text(f"{sign}{numbers.count(value)}" if value else "-", style="bold red" if value else "")


def _filled(table: Table, rows: Sequence[tuple[Text, ...]], room: int) -> Table:
    complete = len(rows) <= room
    for cells in rows if complete else rows[: max(0, room - 1)]:
        table.add_row(*cells)
    if not complete and room > 0:
        table.add_row(Text(f"… and {len(rows) - room + 1} more", style="dim"))
    return table


def _why(sentences: Sequence[str], prefix: str, room: int) -> list[RenderableType]:
    if room <= 0:
        return []
    lines = [
        Text(numbers.without(prefix, text), style="yellow", no_wrap=True, overflow="ellipsis")
        for text in sentences[:room]
    ]
    return [Text(), *lines] if lines else []


def _messages(sentences: Sequence[str], room: int) -> list[RenderableType]:
    if room <= 0 or not sentences:
        return []
    lines = [Text(" ".join(text.split()), no_wrap=True, overflow="ellipsis") for text in sentences[-room:]]
    return [Text(), *lines]

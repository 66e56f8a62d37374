"""The live screen: an Overview as rich tables, cut to the height of the terminal. Needs the extra "cli"."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stem_device.analysis.verdict import Level
from stem_device.model.snapshot import Counts
from stem_device.report import number_text
from stem_device.report.fitting import Name
from stem_device.report.layout import share_rows
from stem_device.report.overview import Judgement, Overview, ServerRow, SubscriptionRow
from stem_device.report.timing import TimingStatistics

_ROOMY_ROWS = 20
"""From here on there are blank lines between the parts, and a line for each counter."""
_LEAST_TABLE_ROWS = 3
"""The header, the worst row, and how many more there are: what a table needs to say something."""
_WIDE_COLUMNS = 76
"""From here on there are columns of what is no loss."""
STYLES = {
    Level.CLEAR: "bold green",
    Level.UNKNOWN: "bold bright_black",
    Level.WAITING: "bold yellow",
    Level.LOST: "bold red",
}
"""As the colours of the levels: grey and amber in the words of a terminal."""
_GRAPH_COLUMNS = 40


def screen(overview: Overview, width: int = 100, height: int = 30) -> RenderableType:
    """Render ``overview`` for a terminal of ``width`` columns and ``height`` rows.

    Subscriptions and servers come worst first, and the worst one stays on a screen of 60 columns and 12 rows.
    """
    prefix = number_text.common_prefix(row.name for row in overview.servers)
    blank = int(height >= _ROOMY_ROWS)
    above = _above(overview, width, blank)
    below = _below(overview, blank)
    subscriptions = [_subscription_cells(row, prefix, width) for row in overview.subscriptions]
    sections = [
        (_subscriptions_table(width), subscriptions),
        (_servers_table(prefix, width), [_server_cells(row, prefix, width) for row in overview.servers]),
        (_timings_table(width), [_timing_cells(timing, prefix, width) for timing in overview.timings]),
    ]
    available = height - len(below) - sum(rows for rows, _ in above)
    shown: list[tuple[Table, list[tuple[RenderableType, ...]]]] = []
    for table, rows in sections:
        if rows and available >= blank + _LEAST_TABLE_ROWS * (1 + len(shown)):
            shown.append((table, rows))
            available -= blank + 1
    *granted, for_reasons, for_messages = share_rows(
        [*(len(rows) for _, rows in shown), _rows(overview.why), _rows(overview.messages)], available
    )
    parts: list[RenderableType] = [part for _, part in above]
    for (table, rows), room in zip(shown, granted, strict=True):
        parts += [Text()] * blank + [_filled(table, rows, room)]
    # One of the rows granted to sentences is the blank line above them.
    parts += _why(overview.why, prefix, for_reasons - 1)
    parts += _messages(overview.messages, for_messages - 1)
    return Group(*parts, *below)


def _rows(sentences: Sequence[str]) -> int:
    """With the blank line above them."""
    return len(sentences) + 1 if sentences else 0


def _above(overview: Overview, width: int, blank: int) -> list[tuple[int, RenderableType]]:
    """What is always on top, and how many rows each part takes."""
    parts: list[tuple[int, RenderableType]] = [(1, _heading(overview, width))]
    if overview.story and blank:
        parts.append((1, Text(overview.story, style="italic cyan", no_wrap=True, overflow="ellipsis")))
    if overview.verdict:
        parts.append((1, _verdict(overview.verdict)))
    if not blank:
        return [*parts, (1, _counters_in_a_line(overview))]
    counters = _counters(overview, width)
    return [*parts, (1, Text()), (counters.row_count, counters)]


def _below(overview: Overview, blank: int) -> list[RenderableType]:
    if not overview.footer:
        return []
    footer = Text(overview.footer, style="dim", no_wrap=True, overflow="ellipsis")
    return [Text(), footer] if blank else [footer]


def _counters_in_a_line(overview: Overview) -> Text:
    """The losses first: the end may not fit."""
    counts = overview.counts
    line = Text(no_wrap=True, overflow="ellipsis")
    for label, total, style in (
        ("missed", counts.missed, "bold red"),
        ("unaccounted", counts.unaccounted, "bold red"),
        ("overdue", counts.known_overdue, "bold yellow"),
        ("received", counts.received, "green"),
        ("published", counts.published, "cyan"),
    ):
        if total or label != "unaccounted":
            line.append(f"{label} {_told(total)}  ", style=style if total else "dim")
    return line


def _heading(overview: Overview, width: int) -> Text:
    right = f"poll {overview.poll}  {number_text.clock_time_and_zone(overview.time_utc_ns)}"
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
    rows: list[tuple[str, int | None, str, tuple[float, ...], str]] = [
        ("published", counts.published, number_text.rate(overview.published_rate), trend.published, "cyan"),
        ("received", counts.received, number_text.rate(overview.received_rate), trend.received, "green"),
        ("overdue", counts.known_overdue, _unknown(counts), trend.overdue, "bold yellow"),
        ("missed", counts.missed, _gaps(counts.gaps), trend.missed, "bold red"),
    ]
    if counts.unaccounted:
        rows.append(("unaccounted", counts.unaccounted, "", (), "bold red"))
    for label, total, beside, values, style in rows:
        now = style if total else "dim"
        bars = Text(number_text.sparkline(values, graph), style=style if any(values[-graph:]) else "dim")
        grid.add_row(Text(label, style=now), Text(_told(total), style=now), beside, bars)
    return grid


def _gaps(gaps: int) -> str:
    return (
        ""
        if not gaps
        else f"{number_text.count(gaps)} gap"
        if gaps == 1
        else f"{number_text.count(gaps)} gaps"
    )


def _unknown(counts: Counts) -> str:
    """Of how many subscriptions the overdue events are not known."""
    if not counts.overdue_unknown:
        return ""
    subscriptions = number_text.count(counts.overdue_unknown)
    return f"of {subscriptions}" if counts.known_overdue is None else f"+{subscriptions} unknown"


def _told(total: int | None) -> str:
    return "unknown" if total is None else number_text.count(total)


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


def _servers_table(prefix: str, width: int) -> Table:
    where = f"SERVER at {prefix.removeprefix('tango://').rstrip('/')}" if prefix else "SERVER"
    more = ("PUBLISHED", "RECEIVED") if width >= _WIDE_COLUMNS else ()
    return _table((where, "left"), ("STATE", "left"), *_right(*more, "OVERDUE", "MISSED"))


def _subscriptions_table(width: int) -> Table:
    received, gaps = (("RECEIVED",), ("GAPS",)) if width >= _WIDE_COLUMNS else ((), ())
    return _table(("SUBSCRIBER", "left"), ("STREAM", "left"), *_right(*received, "OVERDUE", *gaps, "MISSED"))


_FEW_TIMINGS = ("N", "MEAN", "MEDIAN", "99%", "MAX")
_TIMINGS = ("N", "MEAN", "± ERR", "MIN", "1%", "10%", "MEDIAN", "90%", "99%", "MAX")
_TIMINGS_COLUMNS = 96
"""From here on all of them stand beside a name that can be read."""


def _timings_table(width: int) -> Table:
    return _table(("TIMING", "left"), *_right(*(_TIMINGS if width >= _TIMINGS_COLUMNS else _FEW_TIMINGS)))


def _right(*headings: str) -> tuple[tuple[str, str], ...]:
    return tuple((heading, "right") for heading in headings)


def _server_cells(row: ServerRow, prefix: str, width: int) -> tuple[RenderableType, ...]:
    monitored = row.state.is_counted
    state = Text(row.state, style="green" if monitored else "bold red")
    if row.asked_every > 1:
        state.append(f", asked every {row.asked_every} polls", style="not bold")
    if row.reason and not monitored:
        state.append(f": {' '.join(row.reason.split())}", style="red not bold")
    name, wide = Name(number_text.without(prefix, row.name)), width >= _WIDE_COLUMNS
    if not row.answered:
        return (name, state, *(_overdue(None) for _ in range(4 if wide else 2)))
    more = (Text(number_text.count(row.published_total)), Text(number_text.count(row.received_total)))
    return (
        name,
        state,
        *(more if wide else ()),
        _overdue(row.overdue),
        _missed(row.missed_total, lower_bound=False),
    )


def _subscription_cells(row: SubscriptionRow, prefix: str, width: int) -> tuple[RenderableType, ...]:
    style = "bold red" if row.lost else "bold yellow" if row.overdue else ""
    wide = width >= _WIDE_COLUMNS
    return (
        Name(number_text.without(prefix, row.subscriber), style),
        Name(number_text.without(prefix, row.stream), style),
        *((Text(number_text.count(row.received_total)),) if wide else ()),
        _overdue(row.overdue),
        *((Text(number_text.count(row.gaps_total) if row.gaps_total else "-"),) if wide else ()),
        _missed(row.missed_total, lower_bound=row.missed_at_least),
    )


def _timing_cells(timing: TimingStatistics, prefix: str, width: int) -> tuple[RenderableType, ...]:
    values = {
        "MEAN": timing.mean,
        "± ERR": timing.standard_error,
        "MIN": timing.minimum,
        "1%": timing.quantile_01,
        "10%": timing.quantile_10,
        "MEDIAN": timing.median,
        "90%": timing.quantile_90,
        "99%": timing.quantile_99,
        "MAX": timing.maximum,
    }
    name = Name(f"{timing.timing} {number_text.without(prefix, timing.server)}")
    headings = _TIMINGS if width >= _TIMINGS_COLUMNS else _FEW_TIMINGS
    shown = (Text(number_text.tight_micros(values[one])) for one in headings if one in values)
    return (name, Text(number_text.count(timing.count)), *shown)


def _overdue(value: int | None) -> Text:
    if value is None:
        return Text("unknown", style="dim")
    return Text(number_text.count(value) if value else "-", style="bold yellow" if value else "")


def _missed(value: int, *, lower_bound: bool) -> Text:
    sign = "≥" if lower_bound else ""
    return Text(f"{sign}{number_text.count(value)}" if value else "-", style="bold red" if value else "")


def _filled(table: Table, rows: Sequence[tuple[RenderableType, ...]], room: int) -> Table:
    """The worst row even where there is room for one alone; then how many more there are."""
    complete = len(rows) <= room
    for cells in rows if complete else rows[: max(1, room - 1)]:
        table.add_row(*cells)
    if not complete and room > 1:
        table.add_row(Text(f"… and {len(rows) - room + 1} more", style="dim"))
    return table


def _why(sentences: Sequence[str], prefix: str, room: int) -> list[RenderableType]:
    if room <= 0:
        return []
    lines = [
        Text(number_text.without(prefix, text), style="yellow", no_wrap=True, overflow="ellipsis")
        for text in sentences[:room]
    ]
    return [Text(), *lines] if lines else []


def _messages(sentences: Sequence[str], room: int) -> list[RenderableType]:
    if room <= 0 or not sentences:
        return []
    lines = [Text(" ".join(text.split()), no_wrap=True, overflow="ellipsis") for text in sentences[-room:]]
    return [Text(), *lines]

"""Runs as tables for a person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from stem_device.report.fitting import Fitted
from stem_device.report.number_text import common_prefix, count, seconds, utc, without
from stem_device.runs import Counts, Losses, Moments, Run, RunState, SpanEvents, occurrences
from stem_device.runs.document import RunsReport
from stem_device.runs.during import EVER
from stem_device.runs.marks import Integers

_STATE_STYLES = {RunState.ENDED: "", RunState.ONGOING: "yellow", RunState.QUEUED: "dim"}


def runs_tables(report: RunsReport, limit: int) -> RenderableType:
    """Groups, requestors, stages, durations, losses, runs: what there is of them. ``limit`` 0: all rows."""
    if not len(report.table):
        return Text("No marks of runs in this recording. Marks are sent with: stem mark RUN EVENT")
    parts = [
        _groups(report),
        _requestors(report, limit),
        _marks(report, limit),
        _stages(report, limit),
        *(_durations(report, number, limit) for number in range(len(report.durations))),
        _losses(report, limit),
        _runs(report, limit),
    ]
    spaced = [piece for part in parts if part is not None for piece in (part, Text())]
    return Group(*spaced, Text(_resolution(report), style="dim"))


def _groups(report: RunsReport) -> RenderableType:
    rows = (
        (
            _name(group.device_group),
            count(group.runs),
            _share(group.ended, group.runs),
            _share(group.ongoing, group.runs),
            _share(group.queued, group.runs),
            _share(group.failed, group.runs),
            *_moments(group.whole),
        )
        for group in report.groups
    )
    headings = ("GROUP", "RUNS", "ENDED", "ONGOING", "QUEUED", "IN ERROR", *_MOMENTS)
    return _table("Device groups, and whole runs from begin to end", headings, rows, 0)


def _requestors(report: RunsReport, limit: int) -> RenderableType | None:
    rows = [
        (_name(group.device_group), one.name, count(one.requests), count(one.runs))
        for group in report.groups
        for one in group.requestors
    ]
    return _table("Requestors", ("GROUP", "REQUESTOR", "REQUESTS", "RUNS"), rows, limit) if rows else None


def _marks(report: RunsReport, limit: int) -> RenderableType:
    """How often each mark occurs, those of most runs first."""
    table = report.table
    found = occurrences(table)
    own = np.isin(found.run, report.runs)
    codes, kind = np.unique(found.name[own], return_inverse=True)
    number = np.bincount(kind)
    rows = [
        (str(table.names[codes[i]]), count(int(number[i])), count(int(times.sum())), count(int(times.max())))
        for i in np.argsort(-number, kind="stable")
        for times in [found.count[own][kind == i]]
    ]
    return _table("Marks", ("MARK", "IN RUNS", "OCCURRENCES", "MOST IN A RUN"), rows, limit)


def _stages(report: RunsReport, limit: int) -> RenderableType | None:
    rows = [
        (_name(group.device_group), f"{one.later} - {one.earlier}", *_moments(one.seconds))
        for group in report.groups
        for one in group.stages
    ]
    return _table("Stages", ("GROUP", "STAGE", *_MOMENTS), rows, limit) if rows else None


def _durations(report: RunsReport, number: int, limit: int) -> RenderableType:
    found = report.durations[number]
    title = f"{found.later} - {found.earlier}: {_sentence(found.moments)}"
    unpaired = int(found.unpaired_earlier.sum()), int(found.unpaired_later.sum())
    if any(unpaired):
        title += f"; without a partner: {unpaired[0]} {found.earlier}, {unpaired[1]} {found.later}"
    longest = np.argsort(-found.seconds, kind="stable")
    rows = [
        (
            str(found.run_id[row]),
            "-" if found.iteration[row] < 0 else str(found.iteration[row]),
            utc(int(found.begin_utc_ns[row])),
            _seconds(found.seconds[row]),
        )
        for row in longest
    ]
    return _table(title, ("RUN", "ITERATION", found.earlier.upper(), "DURATION"), rows, limit)


def _losses(report: RunsReport, limit: int) -> RenderableType | None:
    """One row a run, phase and subscription: runs that ended first, worst first."""
    losses, sums = report.losses, dict[tuple[bool, tuple[str, ...]], list[int]]()
    table = report.table
    prefix = common_prefix([*losses.server, *losses.publisher])
    for row in np.flatnonzero(np.isin(losses.run, report.runs)).tolist():
        run = int(losses.run[row])
        names = (without(prefix, str(text)) for text in (losses.server[row], losses.stream[row]))
        key = (str(table.ids[run]), _phase(losses, row), *names, _shared(int(losses.runs[row])))
        found = sums.setdefault((not table.ended[run], key), [0, 0, EVER, 0])
        found[0] += int(losses.missed[row])
        found[1] += int(losses.unaccounted[row])
        found[2] = int(losses.since_utc_ns[row]) if found[2] == EVER else found[2]
        found[3] = int(losses.until_utc_ns[row])
    rows = [
        (*key, count(missed), _told(report, unaccounted), _moment(since), utc(until))
        for (_, key), (missed, unaccounted, since, until) in sorted(
            sums.items(), key=lambda item: (item[0][0], -item[1][0] - item[1][1])
        )
    ]
    headings = (
        "RUN", "PHASE", "SUBSCRIBER", "OF STREAM", "SHARED", "MISSED", "UNACCOUNTED", "LOST AFTER", "NOTICED",
    )  # fmt: skip
    return _table("What was lost", headings, rows, limit) if rows else None


def _phase(losses: Losses, row: int) -> str:
    """Where the interval of the loss reaches over marks, the phases share it."""
    first, last = losses.first_after[row], losses.after[row]
    return _after(last) if first == last else f"{_after(first)} or later, to {_after(last)}"


def _shared(runs: int) -> str:
    return "" if runs == 1 else f"by {runs} runs"


def _moment(utc_ns: int) -> str:
    return "-" if utc_ns == EVER else utc(utc_ns)


def _told(report: RunsReport, unaccounted: int) -> str:
    return "unknown" if "unaccounted" in report.unknown else count(unaccounted)


def _runs(report: RunsReport, limit: int) -> RenderableType:
    """Those that ended first, for others have whatever came until now; then by losses, then the latest."""
    most = report.events.at_most
    lost = most.missed + most.unaccounted
    latest, ended = report.table.last_utc_ns, report.table.ended
    order = sorted(report.runs, key=lambda number: (not ended[number], -lost[number], -latest[number]))
    shown = order[:limit] if limit else order
    table = report.table
    rows = [_run(report, table[number], number) for number in shown]
    headings = (
        "RUN", "GROUP", "STATE", "BEGUN", "TOOK", "PUBLISHED", "RECEIVED", "MISSED", "UNACCOUNTED", "ERROR",
    )  # fmt: skip
    title = "Runs, those that lost most first, those that never ended last"
    return _table(title, headings, rows, 0, hidden=len(order) - len(shown))


def _run(report: RunsReport, run: Run, number: int) -> tuple[Text | str, ...]:
    events = report.events
    state = Text("in error", style="bold red") if run.error else Text(run.state, _STATE_STYLES[run.state])
    counted = (_count(events, name, number) for name in ("published", "received"))
    missed = _lost(events.at_least.missed, events.at_most.missed, number)
    unaccounted = _lost(events.at_least.unaccounted, events.at_most.unaccounted, number)
    return (
        run.id,
        _name(run.device_group),
        state,
        "never" if run.begun_utc_ns is None else utc(run.begun_utc_ns),
        "-" if run.seconds is None else _seconds(run.seconds),
        *counted,
        missed,
        "unknown" if "unaccounted" in report.unknown else unaccounted,
        (run.error or "")[:80],
    )


def _count(events: SpanEvents, name: str, row: int) -> str:
    """The number; where no poll ended within the run, only what it can be at most."""

    def of(counts: Counts) -> int:
        return int(getattr(counts, name)[row])

    return count(of(events.ended_within)) if events.polls[row] else f"0..{count(of(events.at_most))}"


def _lost(at_least: Integers, at_most: Integers, row: int) -> str:
    """What was certainly lost during the run, and what may have been."""
    low, high = int(at_least[row]), int(at_most[row])
    return count(low) if low == high else f"{count(low)}..{count(high)}"


def _resolution(report: RunsReport) -> str:
    if math.isnan(report.poll_seconds):
        return "Fewer than two polls: nothing is known of events."
    return (
        f"Events are known from poll to poll, here every {seconds(report.poll_seconds)}. They count for the "
        "run in which their poll ended; 0..N: no poll ended during the run, so it had at most N. "
        "A loss lies between the last moment at which nothing was lost yet and its notice: every run that "
        "overlaps this interval has it, and runs at the same time share it; L..M: L within the run "
        "for certain, M at most."
    )


_NAMES = {"RUN", "GROUP", "REQUESTOR", "MARK", "STAGE", "PHASE", "SUBSCRIBER", "OF STREAM", "ERROR", "STATE"}
_KEPT = {"MISSED", "UNACCOUNTED"}
"""What was lost stays on the narrowest terminal."""
_MOMENTS = ("COUNT", "MIN", "MEAN", "MAX", "STD DEV")


def _moments(moments: Moments) -> tuple[str, ...]:
    values = (moments.minimum, moments.mean, moments.maximum, moments.standard_deviation)
    return (count(moments.count), *map(_seconds, values))


def _sentence(moments: Moments) -> str:
    if not moments.count:
        return "no pair"
    spread = "" if math.isnan(moments.standard_deviation) else f" ± {_seconds(moments.standard_deviation)}"
    return (
        f"{count(moments.count)} pairs, mean {_seconds(moments.mean)}{spread}, "
        f"{_seconds(moments.minimum)} to {_seconds(moments.maximum)}"
    )


def _seconds(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"-{seconds(-value)}" if value < 0 else seconds(value)


def _share(number: int, of: int) -> str:
    return f"{number:,} ({number / of:.0%})"


def _name(name: str | None) -> str:
    return "-" if name is None else name


def _after(name: str | None) -> str:
    return "before its first mark" if name is None else f"after {name}"


def _table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Text | str]],
    limit: int,
    *,
    hidden: int = 0,
) -> RenderableType:
    """Names may hold anything: nothing of them is markup."""
    every = list(rows)
    shown = every[:limit] if limit else every
    hidden += len(every) - len(shown)
    names = [column for column, heading in enumerate(headings) if heading in _NAMES]
    keep = [column for column, heading in enumerate(headings) if heading in _KEPT]
    table = Fitted(headings, shown, names=names, keep=keep)
    more = [Text(f"... and {hidden:,} more (--limit 0 shows all)", style="dim")] if hidden else []
    return Group(Text(title, style="bold"), table, *more)

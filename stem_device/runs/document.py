"""All that is known of the runs of a recording, computed at once, and as JSON (docs/reference/runs.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stem_device.errors import OptionError
from stem_device.runs.between_marks import Durations, durations
from stem_device.runs.during import (
    Counts,
    SpanEvents,
    StageEvents,
    events_per_run,
    events_per_stage,
    polls_of,
)
from stem_device.runs.groups import GroupStatistics, group_statistics
from stem_device.runs.losses import Losses, losses
from stem_device.runs.moments import Moments
from stem_device.runs.source import Tables, runs_of
from stem_device.runs.table import QUEUED_MARKS, Run, RunTable

SCHEMA = "stem-device.runs"
SCHEMA_VERSION = 2

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunsReport:
    """The runs that were asked for and everything computed from them.

    ``runs`` are numbers of runs in ``table``. ``poll_seconds`` is the median time from poll to poll, NaN if
    there are not two; events cannot be placed in time more closely. ``unknown`` are kinds of events that an
    older file does not tell.
    """

    table: RunTable
    runs: tuple[int, ...]
    groups: tuple[GroupStatistics, ...]
    durations: tuple[Durations, ...]
    events: SpanEvents
    stages: StageEvents
    losses: Losses
    poll_seconds: float
    unknown: frozenset[str]


def runs_report(
    recording: Tables,
    expressions: Sequence[str] = (),
    *,
    queued_marks: Sequence[str] = QUEUED_MARKS,
    device_group: str | None = None,
) -> RunsReport:
    """Compute everything. Raises OptionError for expressions that mean nothing, and for an unknown group."""
    table, polls = runs_of(recording, queued_marks=queued_marks), polls_of(recording)
    groups = group_statistics(table)
    known = [group.device_group for group in groups if group.device_group is not None]
    if device_group is not None and device_group not in known:
        raise OptionError("group", device_group, f"no run is of it; there are {', '.join(known) or 'none'}")
    of_run = table.texts(table.codes("device_group"))
    chosen = [number for number in range(len(table)) if device_group in {None, of_run[number]}]
    return RunsReport(
        table=table,
        runs=tuple(chosen),
        groups=tuple(group for group in groups if device_group in {None, group.device_group}),
        durations=tuple(_only(durations(table, expression), chosen) for expression in expressions),
        events=events_per_run(recording, table, polls),
        stages=events_per_stage(recording, table, polls),
        losses=losses(recording, table, polls),
        poll_seconds=polls.period_seconds,
        unknown=polls.unknown,
    )


def document(report: RunsReport) -> Json:
    """What ``stem runs --json`` prints. NaN becomes null."""
    table = report.table
    stages, lost = _stages(report), _losses(report)
    return {
        "schema": SCHEMA,
        "version": SCHEMA_VERSION,
        "poll_seconds": report.poll_seconds,
        "groups": [_group(group) for group in report.groups],
        "durations": [_durations(found) for found in report.durations],
        "runs": [
            {
                **_run(table[number]),
                "events": _events(report, report.events, number),
                "stages": stages[number],
                "losses": lost[number],
            }
            for number in report.runs
        ],
    }


def _only(found: Durations, runs: Sequence[int]) -> Durations:
    """Those of some runs; the others have no marks then."""
    own = np.isin(found.run, runs)
    other = np.ones(len(found.unpaired_later), dtype=bool)
    other[list(runs)] = False
    return Durations(
        earlier=found.earlier,
        later=found.later,
        run=found.run[own],
        run_id=found.run_id[own],
        iteration=found.iteration[own],
        begin_utc_ns=found.begin_utc_ns[own],
        seconds=found.seconds[own],
        unpaired_earlier=np.where(other, 0, found.unpaired_earlier),
        unpaired_later=np.where(other, 0, found.unpaired_later),
    )


def _group(group: GroupStatistics) -> Json:
    numbers = {name: getattr(group, name) for name in ("ended", "ongoing", "queued", "failed", "never_begun")}
    return {
        "device_group": group.device_group,
        "runs": group.runs,
        **{name: {"number": number, "share": group.share(number)} for name, number in numbers.items()},
        "requestors": [
            {"name": one.name, "requests": one.requests, "runs": one.runs} for one in group.requestors
        ],
        "seconds": _moments(group.whole),
        "stages": [
            {"later": one.later, "earlier": one.earlier, "seconds": _moments(one.seconds)}
            for one in group.stages
        ],
    }


def _durations(found: Durations) -> Json:
    rows = zip(found.run_id, found.iteration, found.begin_utc_ns, found.seconds, strict=True)
    return {
        "later": found.later,
        "earlier": found.earlier,
        "seconds": _moments(found.moments),
        "unpaired_earlier": int(found.unpaired_earlier.sum()),
        "unpaired_later": int(found.unpaired_later.sum()),
        "pairs": [
            {
                "run": run,
                "iteration": None if iteration < 0 else int(iteration),
                "begin_utc_ns": int(begin),
                "seconds": float(seconds),
            }
            for run, iteration, begin, seconds in rows
        ],
    }


def _moments(moments: Moments) -> Json:
    return {
        "count": moments.count,
        "minimum": moments.minimum,
        "maximum": moments.maximum,
        "mean": moments.mean,
        "standard_deviation": moments.standard_deviation,
    }


def _run(run: Run) -> Json:
    return {
        "id": run.id,
        "state": str(run.state),
        "begun_utc_ns": run.begun_utc_ns,
        "ended_utc_ns": run.ended_utc_ns,
        "seconds": run.seconds,
        "error": run.error,
        "device_group": run.device_group,
        "queue": run.queue,
        "configuration": run.configuration,
        "host": run.host,
        "worker": run.worker,
        "requestor": run.requestor,
        "request_id": run.request_id,
        "occurrences": run.occurrences,
        "marks": [
            {
                "name": mark.name,
                "emitted_utc_ns": mark.emitted_utc_ns,
                "received_utc_ns": mark.received_utc_ns,
                "iteration": mark.iteration,
                "error": mark.error,
            }
            for mark in run.marks
        ],
    }


def _events(report: RunsReport, events: SpanEvents, row: int) -> Json:
    """``ended_within`` is null where the span is too short."""
    resolved = bool(events.polls[row])
    return {
        "polls": int(events.polls[row]),
        "ended_within": _counts(report, events.ended_within, row) if resolved else None,
        "at_least": _counts(report, events.at_least, row),
        "at_most": _counts(report, events.at_most, row),
    }


def _counts(report: RunsReport, counts: Counts, row: int) -> Json:
    """Null for what an older file does not tell."""
    return {
        name: None if name in report.unknown else int(getattr(counts, name)[row])
        for name in ("published", "received", "missed", "unaccounted")
    }


def _stages(report: RunsReport) -> defaultdict[int, list[Json]]:
    names, stages = report.table.names, report.stages
    spans = stages.events
    found: defaultdict[int, list[Json]] = defaultdict(list)
    for row, run in enumerate(spans.run.tolist()):
        found[run].append(
            {
                "later": names[stages.later[row]],
                "earlier": names[stages.earlier[row]],
                "begin_utc_ns": int(spans.begin_utc_ns[row]),
                "seconds": float(spans.end_utc_ns[row] - spans.begin_utc_ns[row]) / 1e9,
                "events": _events(report, spans, row),
            }
        )
    return found


def _losses(report: RunsReport) -> defaultdict[int, list[Json]]:
    losses = report.losses
    found: defaultdict[int, list[Json]] = defaultdict(list)
    for row, run in enumerate(losses.run.tolist()):
        found[run].append(
            {
                "since_utc_ns": int(losses.since_utc_ns[row]),
                "until_utc_ns": int(losses.until_utc_ns[row]),
                "shared_by_runs": int(losses.runs[row]),
                "first_after": losses.first_after[row],
                "after": losses.after[row],
                "server": losses.server[row],
                "publisher": losses.publisher[row],
                "stream": losses.stream[row],
                "missed": int(losses.missed[row]),
                "unaccounted": None if "unaccounted" in report.unknown else int(losses.unaccounted[row]),
            }
        )
    return found

"""From a recording to the arrays that the page is computed from.

Which rows count is what the statistics say: deltas of the first poll of a source precede it, and a server
that several monitors saw at the same time counts once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stem_device.analysis.columns import SubscriptionColumns, facts_of
from stem_device.analysis.verdict import judge
from stem_device.model.sample_timings import LATENCY, PROCESSING, PUSH, SampleTiming, concerned
from stem_device.reading import Recording
from stem_device.report.page.bins import Floats
from stem_device.report.page.report_data import (
    PHASES,
    PhaseRows,
    PollRows,
    ProcessRows,
    ReportData,
    RunRows,
    Samples,
    ServerRows,
    Source,
    StageRows,
    StreamRows,
    SubscriptionRows,
)
from stem_device.runs import RunTable, events_per_run, runs_of, stages
from stem_device.statistics import Choice, CountedRows, Polls
from stem_device.statistics.verdict import PATIENCE, recorded_columns
from stem_device.statistics.why import findings_of
from stem_device.telemetry import DURATION_FILE_PREFIX


def gather(recording: Recording) -> ReportData:
    """Read what the page needs, and nothing else."""
    polls = Polls(recording)
    choice = Choice(recording, polls)
    subscriber = CountedRows(recording, "subscriber_samples", polls, choice)
    publisher = CountedRows(recording, "publisher_samples", polls, choice)
    runs = runs_of(recording)
    columns = recorded_columns(recording, polls, choice)
    return ReportData(
        names=recording.names,
        sources=tuple(
            Source(source.label, source.host, source.complete, tuple(map(_file_name, source.paths)))
            for source in recording.sources
        ),
        polls=PollRows(polls.time_utc_ns, polls.source, polls.counts, polls.usual[polls.source]),
        phases=_phases(recording, polls),
        processes=_processes(recording),
        streams=_streams(CountedRows(recording, "streams", polls, choice), polls),
        subscriptions=_subscriptions(
            CountedRows(recording, "subscriptions", polls, choice),
            polls,
            columns.subscriptions,
            knows_lag=recording["subscriptions"].knows("lag_seconds"),
        ),
        servers=_servers(CountedRows(recording, "servers", polls, choice), polls),
        latency=_samples(subscriber, polls, LATENCY),
        processing=_samples(subscriber, polls, PROCESSING),
        push=_samples(publisher, polls, PUSH),
        runs=_runs(recording, runs),
        stages=_stages(runs),
        problems=_problems(recording),
        verdict=judge(facts_of(columns, PATIENCE), PATIENCE),
        why=findings_of(recording),
    )


def _file_name(path: Path) -> str:
    return path.name


def _phases(recording: Recording, polls: Polls) -> PhaseRows:
    """Files of before format 1.2 do not tell."""
    table = recording["polls"]
    unknown = np.full(len(polls), np.nan)
    return PhaseRows(
        time_utc_ns=polls.time_utc_ns,
        source=polls.source,
        poll=table["poll"],
        seconds={
            name: table[f"{name}_seconds"] if table.knows(f"{name}_seconds") else unknown for name in PHASES
        },
    )


def _processes(recording: Recording) -> ProcessRows:
    """Measurements without a value are none. Files of before format 1.2 have no row."""
    table = recording["telemetry"]
    if not len(table):
        none = np.empty(0, np.int64)
        return ProcessRows(none, np.empty(0), none, np.empty(0, np.bool_), none)
    told = np.isfinite(table["value"])
    columns = {name: table[name][told] for name in ("at_utc_ns", "value", "pid")}
    kinds = table.codes("kind")[told]
    durations = [code for code in np.unique(kinds) if recording.names[code] == DURATION_FILE_PREFIX]
    return ProcessRows(label=table.codes("label")[told], duration=np.isin(kinds, durations), **columns)


def _streams(rows: CountedRows, polls: Polls) -> StreamRows:
    return StreamRows(
        time_utc_ns=polls.time_utc_ns[rows.poll],
        server=rows.codes("server"),
        stream=rows.codes("stream"),
        published_delta=rows.delta("published_delta"),
    )


def _subscriptions(
    rows: CountedRows, polls: Polls, judged: SubscriptionColumns, *, knows_lag: bool
) -> SubscriptionRows:
    return SubscriptionRows(
        time_utc_ns=polls.time_utc_ns[rows.poll],
        source=polls.source[rows.poll],
        server=rows.codes("server"),
        topic=rows.codes("topic"),
        stream=rows.codes("stream"),
        publisher=rows.codes("publisher"),
        received_delta=rows.delta("received_delta"),
        missed_delta=rows.delta("missed_delta"),
        unaccounted_delta=judged.unaccounted_delta,
        gaps_delta=rows.delta("gaps_delta"),
        overdue=rows.column("overdue"),
        lag_seconds=_lags(rows, known=knows_lag),
        at_least=rows.column("missed_at_least"),
        since_utc_ns=judged.onset_utc_ns,
        ended=judged.ended,
    )


def _lags(rows: CountedRows, *, known: bool) -> Floats:
    """Files of before format 1.2 do not tell."""
    return rows.column("lag_seconds") if known else np.full(len(rows), np.nan)


def _servers(rows: CountedRows, polls: Polls) -> ServerRows:
    return ServerRows(
        time_utc_ns=polls.time_utc_ns[rows.poll],
        server=rows.codes("server"),
        state=rows.codes("state"),
        reason=rows.codes("reason"),
        samples=rows.column("publisher_samples") + rows.column("subscriber_samples"),
        sampled_events=rows.column("sampled_events"),
        drained=rows.column("drained_by_others"),
    )


def _samples(rows: CountedRows, polls: Polls, timing: SampleTiming) -> Samples:
    times, servers = polls.time_utc_ns[rows.poll], rows.codes("server")
    values, kept = rows.column(timing.column).astype(np.float64), concerned(timing, rows.column)
    if kept is None:
        return Samples(times, servers, values)
    return Samples(times[kept], servers[kept], values[kept])


def _runs(recording: Recording, runs: RunTable) -> RunRows:
    events = events_per_run(recording, runs)
    return RunRows(
        run=tuple(map(str, runs.ids)),
        first_utc_ns=runs.first_utc_ns,
        last_utc_ns=runs.last_utc_ns,
        ended=runs.ended,
        failed=runs.failed,
        missed_at_least=events.at_least.missed,
        missed=events.at_most.missed,
    )


def _stages(runs: RunTable) -> StageRows:
    staged = stages(runs)
    return StageRows(staged.run, staged.earlier, staged.later, staged.begin_utc_ns, staged.end_utc_ns)


def _problems(recording: Recording) -> tuple[str, ...]:
    """Every problem once."""
    codes = np.unique(recording["problems"].codes("problem"))
    return tuple(str(recording.names[code]) for code in codes if code >= 0)

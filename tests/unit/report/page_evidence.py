"""ReportData of a small recording, made of plain tuples; tests say what matters and leave out the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stem_device.analysis.columns import (
    Columns,
    ServerColumns,
    StreamColumns,
    SubscriptionColumns,
    facts_of,
)
from stem_device.analysis.facts import Patience
from stem_device.analysis.verdict import Verdict, judge
from stem_device.model.poll import ServerState
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

SECOND = 1_000_000_000
START = 1_795_320_000 * SECOND
LAG_SECONDS = 0.5
"""For each event that is overdue."""
HOST = "tango://control.example.org:10000/"


def at(seconds: float) -> int:
    """Nanoseconds since 1970 of so many seconds after the first poll."""
    return START + round(seconds * SECOND)


@dataclass
class Story:
    """What happened. Times are in seconds after the first poll; names are short and get the host in front.

    ``published``: (time, server, stream, events); ``received``: (time, server, publisher, stream, received,
    missed, gaps, overdue); ``answers``: (time, server, state, reason, samples, events);
    samples: (time, server, micros); ``runs``: (name, first, last, ended, failed, missed, at least);
    ``stages``: (run, earlier, later, begin, end). Losses began 10 s before their poll; ``unaccounted`` are
    those of the last row of ``received``. ``phases``: seconds of each poll, as its row tells them.
    """

    polls: Sequence[float] = ()
    published: Sequence[tuple[float, str, str, int]] = ()
    received: Sequence[tuple[float, str, str, str, int, int, int, int]] = ()
    answers: Sequence[tuple[float, str, str, str, int, int]] = ()
    latency: Sequence[tuple[float, str, float]] = ()
    processing: Sequence[tuple[float, str, float]] = ()
    push: Sequence[tuple[float, str, float]] = ()
    runs: Sequence[tuple[str, float, float, bool, bool, int, int]] = ()
    stages: Sequence[tuple[int, str, str, float, float]] = ()
    at_least: Sequence[str] = ()
    problems: tuple[str, ...] = ()
    phases: Mapping[str, Sequence[float]] = field(default_factory=dict)
    processes: Sequence[tuple[float, float, str, str, int]] = ()
    unaccounted: int = 0
    complete: bool = True
    first_counts: bool = False
    names: list[str] = field(default_factory=list)

    def code(self, name: str) -> int:
        if not name:
            return -1
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def full(self, name: str) -> int:
        return self.code(f"{HOST}{name}" if name else "")

    def evidence(self) -> ReportData:
        times = ints([at(time) for time in self.polls])
        counted = np.arange(len(times)) > 0
        tables: dict[str, Any] = {
            "streams": self._streams(),
            "subscriptions": self._subscriptions(),
            "servers": self._servers(),
            "latency": self._samples(self.latency),
            "processing": self._samples(self.processing),
            "push": self._samples(self.push),
            "runs": self._runs(),
            "stages": self._stages(),
        }
        monitored = self.code(ServerState.MONITORED)
        processes = self._processes()
        names = np.array([*self.names, None], dtype=object)[:-1]
        usual = float(np.median(np.diff(times))) / SECOND if len(times) > 1 else 0.0
        return ReportData(
            names=names,
            sources=(Source("story", "control-7", self.complete, ("story.h5",)),),
            polls=PollRows(
                times, ints([0] * len(times)), counted | self.first_counts, np.full(len(times), usual)
            ),
            phases=self._phases(times),
            processes=processes,
            problems=self.problems,
            verdict=self._verdict(names, times, tables["subscriptions"], monitored),
            **tables,
        )

    def _verdict(self, names: Any, times: Any, rows: SubscriptionRows, monitored: int) -> Verdict:
        """As of a recording of the present format, in which all subscribers answered at every poll."""
        end = times.max(initial=0)
        order = {time: place for place, time in enumerate(sorted(set(times.tolist()), reverse=True))}
        before_end = ints([order.get(time, 0) for time in rows.time_utc_ns.tolist()])
        nothing = ints([])
        subscriptions = SubscriptionColumns(
            time_utc_ns=rows.time_utc_ns,
            previous_utc_ns=rows.since_utc_ns,
            before_end=before_end,
            server=rows.server,
            topic=rows.topic,
            stream=rows.stream,
            publisher=rows.publisher,
            received_delta=rows.received_delta,
            missed_delta=rows.missed_delta,
            unaccounted_delta=rows.unaccounted_delta,
            at_least=rows.at_least,
            lost_since_utc_ns=rows.since_utc_ns,
            overdue=rows.overdue,
            ended=rows.ended,
            cause=np.full(len(rows.server), -1),
            blind_seconds=np.zeros(len(rows.server)),
        )
        server, polls = np.unique(np.stack((rows.server, before_end)), axis=1)
        none = ints([-1] * len(server))
        servers = ServerColumns(
            before_end=polls,
            server=server,
            state=ints([monitored] * len(server)),
            failure=none,
            reason=none,
            since_utc_ns=none,
            age_seconds=np.zeros(len(server)),
            followed=np.zeros(len(server), dtype=np.bool_),
            disconnected=np.zeros(len(server), dtype=np.int64),
        )
        columns = Columns(
            names=names,
            begin_utc_ns=int(times.min(initial=end)),
            end_utc_ns=int(end),
            polls=len(times),
            subscriptions=subscriptions,
            servers=servers,
            streams=StreamColumns(before_end=nothing, stream=nothing, unseen=nothing),
            unobserved=0,
            missed_before=0,
            unbalanced=0,
            uncounted_seconds=0.0,
            problems=(),
            complete=True,
        )
        return judge(facts_of(columns, Patience()), Patience())

    def _phases(self, times: Any) -> PhaseRows:
        unknown = [np.nan] * len(times)
        seconds = {name: np.array(self.phases.get(name, unknown), dtype=np.float64) for name in PHASES}
        return PhaseRows(times, ints([0] * len(times)), ints(range(1, len(times) + 1)), seconds)

    def _processes(self) -> ProcessRows:
        return ProcessRows(
            ints([at(row[0]) for row in self.processes]),
            np.array([row[1] for row in self.processes], np.float64),
            ints([self.code(row[2]) for row in self.processes]),
            np.array([row[3] == "duration" for row in self.processes], np.bool_),
            ints([row[4] for row in self.processes]),
        )

    def _streams(self) -> StreamRows:
        return StreamRows(
            ints([at(row[0]) for row in self.published]),
            ints([self.full(row[1]) for row in self.published]),
            ints([self.full(row[2]) for row in self.published]),
            ints([row[3] for row in self.published]),
        )

    def _subscriptions(self) -> SubscriptionRows:
        rows = self.received
        stream = ints([self.full(row[3]) for row in rows])
        return SubscriptionRows(
            time_utc_ns=ints([at(row[0]) for row in rows]),
            source=ints([0] * len(rows)),
            server=ints([self.full(row[1]) for row in rows]),
            topic=stream,
            stream=stream,
            publisher=ints([self.full(row[2]) for row in rows]),
            received_delta=ints([row[4] for row in rows]),
            missed_delta=ints([row[5] for row in rows]),
            gaps_delta=ints([row[6] for row in rows]),
            overdue=ints([row[7] for row in rows]),
            lag_seconds=np.array([LAG_SECONDS * row[7] if row[7] >= 0 else np.nan for row in rows]),
            at_least=np.array([row[3] in self.at_least for row in rows], dtype=np.bool_),
            unaccounted_delta=ints([self.unaccounted if row == self.received[-1] else 0 for row in rows]),
            since_utc_ns=ints([at(row[0] - 10) for row in rows]),
            ended=np.zeros(len(rows), dtype=np.bool_),
        )

    def _servers(self) -> ServerRows:
        rows = self.answers
        return ServerRows(
            time_utc_ns=ints([at(row[0]) for row in rows]),
            server=ints([self.full(row[1]) for row in rows]),
            state=ints([self.code(row[2]) for row in rows]),
            reason=ints([self.code(row[3]) for row in rows]),
            samples=ints([row[4] for row in rows]),
            sampled_events=ints([row[5] for row in rows]),
            drained=np.zeros(len(rows), dtype=np.bool_),
        )

    def _samples(self, rows: Sequence[tuple[float, str, float]]) -> Samples:
        return Samples(
            ints([at(row[0]) for row in rows]),
            ints([self.full(row[1]) for row in rows]),
            np.array([row[2] for row in rows], dtype=np.float64),
        )

    def _runs(self) -> RunRows:
        return RunRows(
            run=tuple(row[0] for row in self.runs),
            first_utc_ns=ints([at(row[1]) for row in self.runs]),
            last_utc_ns=ints([at(row[2]) for row in self.runs]),
            ended=np.array([row[3] for row in self.runs], dtype=np.bool_),
            failed=np.array([row[4] for row in self.runs], dtype=np.bool_),
            missed=ints([row[5] for row in self.runs]),
            missed_at_least=ints([row[6] for row in self.runs]),
        )

    def _stages(self) -> StageRows:
        return StageRows(
            run=ints([row[0] for row in self.stages]),
            earlier=ints([self.code(row[1]) for row in self.stages]),
            later=ints([self.code(row[2]) for row in self.stages]),
            begin_utc_ns=ints([at(row[3]) for row in self.stages]),
            end_utc_ns=ints([at(row[4]) for row in self.stages]),
        )


def ints(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def lossy_story() -> Story:
    """Two subscribers of one publisher over four polls; ``slow`` misses 7 + 3, ``quick`` misses nothing."""
    fast, slow, quick = "dserver/pub/fast", "dserver/sub/slow", "dserver/sub/quick"
    stream = "demo/pub/1/wave.change"
    times = (0.0, 10.0, 20.0, 30.0)
    missed = (0, 7, 0, 3)
    return Story(
        polls=times,
        published=[(time, fast, stream, 100 if time else 0) for time in times],
        received=[
            row
            for time, lost in zip(times, missed, strict=True)
            for row in (
                (
                    time,
                    slow,
                    fast,
                    stream,
                    100 - lost if time else 0,
                    lost,
                    int(lost > 0),
                    4 if time == 30 else 0,
                ),
                (time, quick, fast, stream, 100 if time else 0, 0, 0, 0),
            )
        ],
        answers=[(time, server, "monitored", "", 5, 100) for time in times for server in (fast, slow, quick)],
        latency=[(time, slow, 400.0 + time) for time in times for _ in range(5)],
        processing=[(time, slow, 40.0) for time in times for _ in range(5)],
        push=[(time, fast, 20.0) for time in times for _ in range(5)],
        runs=[("nightly-1", 5.0, 25.0, True, False, 7, 10)],
        stages=[(0, "begin", "flashed", 5.0, 15.0), (0, "flashed", "end", 15.0, 25.0)],
        processes=[
            (9.0, 0.02, "Slow.on_wave [event]", "duration", 7),
            (9.5, 0.4, "gc pause generation 2", "runtime", 7),
        ],
    )

"""A Snapshot in which every quantity of the catalogue has a value, or nearly every one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from msgspec import structs

from stem_device.catalogue import MonitorState
from stem_device.model.canary import CanaryFigures
from stem_device.model.finding import Cause, Concern, Finding, Standing
from stem_device.model.link import LinkFigures
from stem_device.model.mark import Mark, MarkKind
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import Identity, PollPhases, ServerState, TapFigures
from stem_device.model.processes import OwnProcess, ProcessRuntime
from stem_device.model.snapshot import Counts, Snapshot, TelemetryRows, Unseen
from tests.unit.made_snapshots import disconnected, server, snapshot, stream, subscription

COUNTS = Counts(
    published=1001,
    received=902,
    missed=33,
    gaps=4,
    discarded=5,
    resets=6,
    overdue=7,
    disconnected=1,
    unaccounted=8,
    missed_before=9,
    unobserved=10,
    books_unbalanced=11,
    overdue_unknown=1,
    unseen_streams=1,
    blind_seconds=1.25,
)
LOST = subscription(
    "tango://h:1/a/b/c/x.idl5_change",
    publisher="Dserver/Fast/1",
    missed_total=33,
    missed_delta=33,
    overdue=7,
    unaccounted_total=8,
    lag_seconds=2.5,
    gaps_total=4,
    discarded_total=5,
    cause="burst",
)
FINE = subscription("tango://h:1/a/b/c/y.idl5_change", publisher="dserver/fast/1", overdue=None)
FINDING = Finding(
    server="dserver/slow/1",
    topic=LOST.topic,
    stream=LOST.stream,
    publisher="Dserver/Fast/1",
    concern=Concern.LOST,
    cause=Cause.BURST,
    likely=True,
    standing=Standing.RECOVERING,
    lost=41,
    overdue=7,
    since_utc_ns=1,
    until_utc_ns=2,
    sentence="s",
    advice="a",
)
SLOW = server(
    "dserver/slow/1", LOST, FINE, identity=Identity(life=3), counts=COUNTS, round_trip_seconds=0.002
)
FAST = server(
    "dserver/fast/1",
    streams=(
        structs.replace(stream(LOST.stream), published_total=700, unseen=Unseen.CERTAIN),
        stream(FINE.stream),
    ),
    not_connected=(disconnected(),),
    sampling=True,
    counts=Counts(published=1001),
)
NEVER = server("dserver/never/1", state=ServerState.UNREACHABLE, age_seconds=None)
TAP = TapFigures(
    connected=True,
    endpoint="tcp://h:2",
    topics=3,
    unnumbered=1,
    pushed=120,
    heard=111,
    size=12_345,
    duplicates=2,
    lost_here=4,
    lost_on_the_way=5,
    others=6,
    restarts=7,
    heartbeats=8,
    heartbeat_age_seconds=4.5,
    events_per_second=11.5,
    bytes_per_second=1234.5,
)
FOLLOWED = server("dserver/followed/1", followed=True, counts=Counts(published=12), tap=TAP)


def full() -> Snapshot:
    made = snapshot(SLOW, FAST, NEVER, FOLLOWED, sampled=3, problems=("p", "q"), counts=COUNTS)
    return replace(
        made,
        verdict="lost",
        findings=(FINDING,),
        telemetry=TelemetryRows(
            np.array([1, 2, 3]),
            np.array([0.002, 0.004, 0.3]),
            ("move", "move", "gc pause generation 2"),
            ("duration", "duration", "runtime"),
            np.array([7, 8, 7]),
        ),
        outlets=(OutletHealth("panel", 5, 4, 3, 2, "boom"),),
        overruns_total=13,
        phases=PollPhases(0.1, 0.2, 0.3, 0.4, 0.5, math.nan),
        timings=structs.replace(made.timings, latency_median_seconds=0.25, push_p99_seconds=1e-6),
    )


FULL = full()
MARK = Mark(
    kind=MarkKind.BEGIN,
    run="scan",
    name="begin",
    emitted_utc_ns=1_500_000_000,
    received_utc_ns=2_000_000_000,
    received_monotonic_ns=3,
)
OWN = OwnProcess(2.5, 65536, 0.75, 0.3, 0.4, 1_000_000_000)
CANARY = CanaryFigures(
    attribute="sys/tg_test/1/double_scalar",
    event="periodic",
    produced=12,
    received=9,
    lost=2,
    in_flight=1,
    round_trip_seconds=0.001,
    latency_seconds=0.002,
    age_seconds=0.5,
)
STATE = MonitorState(
    poll_period_seconds=2.0,
    targets=3,
    sampling_wanted=True,
    lost_recently=33,
    recording_active=True,
    recording_failed=False,
    recorded_polls=21,
    recorded_marks=22,
    recorded_bytes=4096,
    unrecorded_marks=23,
    thread_restarts=24,
    consumer_errors=25,
    clients=26,
    client_reports_refused=27,
    canaries=(CANARY,),
    links=(LinkFigures("tango://h:1/dserver/p/1", "tcp://h:5", 3.5, 3.5),),
    marks=(MARK,),
    processes=(
        ProcessRuntime(
            "/telemetry",
            7,
            {
                "user time": 1.5,
                "system time": 0.25,
                "rss": 1024.0,
                "threads": 3.0,
                "open files": 9.0,
                "gc collections": 12.0,
                "gc pauses generation 0": 0.5,
                "gc pauses generation 2": 2.0,
                "telemetry lost": 4.0,
            },
        ),
    ),
    own=OWN,
)

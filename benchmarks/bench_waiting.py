"""Causes where 10,000 subscriptions wait at once: CPU of a poll, and the memory that is kept for it.

A publisher goes on pushing, and the subscribers have stopped receiving: every poll shows every subscription
with more overdue than before. Snapshots are made here, so that nothing but the analysis is measured; their
making does not count, and what they hold themselves does not either.
"""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from stage import machine, table, verdict

from stem_device.analysis.causes import Analyst
from stem_device.analysis.facts import Patience
from stem_device.analysis.live import Running
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import (
    Counts,
    Link,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    StreamRecord,
    SubscriberSamples,
    SubscriptionRecord,
    Timings,
)

HOST = "tango://127.0.0.1:10000"
PUBLISHER = f"{HOST}/dserver/busy/1"
SECOND = 1_000_000_000
BEGIN = 1_790_000_000 * SECOND
EVENTS_A_POLL = 400
"""Of every stream: a number of its own, so that no two polls tell the same."""
TARGET_SECONDS = 0.2
TARGET_MB = 100


def snapshots(servers: int, subscriptions: int) -> Iterator[Snapshot]:
    """One poll a second; in the first five all is received, then nothing."""
    poll = 0
    while True:
        poll += 1
        pushed, received = poll * EVENTS_A_POLL, min(poll, 5) * EVENTS_A_POLL
        overdue = max(0, pushed - EVENTS_A_POLL - received)
        streams = tuple(
            StreamRecord(f"{HOST}/a/b/{i}/x.change", pushed, pushed, EVENTS_A_POLL, 0)
            for i in range(subscriptions)
        )
        subscribers = [
            _server(
                f"{HOST}/dserver/slow/{number}",
                poll,
                Counts(received=received * subscriptions, overdue=overdue * subscriptions),
                subscriptions=tuple(_waiting(i, received, overdue) for i in range(subscriptions)),
            )
            for number in range(servers)
        ]
        yield _snapshot(poll, (_server(PUBLISHER, poll, Counts(), streams=streams), *subscribers))


def _waiting(number: int, received: int, overdue: int) -> SubscriptionRecord:
    return SubscriptionRecord(
        topic=f"{HOST}/a/b/{number}/x.idl5_change",
        stream=f"{HOST}/a/b/{number}/x.change",
        publisher=PUBLISHER,
        callback_count=1,
        server_counter=received,
        event_count=received,
        missed_event_count=0,
        discarded_event_count=0,
        last_resubscribed=None,
        received_total=received,
        received_delta=0 if overdue else EVENTS_A_POLL,
        missed_total=0,
        missed_delta=0,
        missed_at_least=False,
        gaps_total=0,
        gaps_delta=0,
        gaps_before=0,
        discarded_total=0,
        resets_total=0,
        overdue=overdue,
        lag_seconds=overdue / EVENTS_A_POLL,
        first_seen_utc_ns=BEGIN,
        link=Link.LIVE,
    )


def _server(name: str, poll: int, counts: Counts, **rows: Any) -> ServerRecord:
    return ServerRecord(
        name=name,
        state=ServerState.MONITORED,
        reason="",
        since_utc_ns=BEGIN,
        tango_version="10.3.3",
        age_seconds=0.0,
        asked_utc_ns=BEGIN + poll * SECOND,
        asked_monotonic_ns=poll * SECOND,
        round_trip_seconds=0.001,
        queries=1,
        sampling=False,
        sampling_ours=False,
        drained_by_others=False,
        publisher_samples=0,
        subscriber_samples=0,
        sampled_events=0,
        counts=counts,
        **rows,
    )


def _snapshot(poll: int, servers: tuple[ServerRecord, ...]) -> Snapshot:
    integers, floats = np.zeros(0, np.int64), np.zeros(0)
    return Snapshot(
        poll=poll,
        time_utc_ns=BEGIN + poll * SECOND,
        monotonic_ns=poll * SECOND,
        duration_seconds=0.01,
        spread_seconds=0.001,
        overruns_total=0,
        monitoring_since_utc_ns=BEGIN,
        counts=Counts(overdue=sum(server.counts.overdue for server in servers)),
        published_rate=0.0,
        received_rate=0.0,
        sample_coverage=math.nan,
        timings=Timings(math.nan, math.nan, math.nan, math.nan),
        servers=servers,
        publisher_samples=PublisherSamples(integers, floats, integers),
        subscriber_samples=SubscriberSamples(
            integers, (), (), floats, integers, integers, floats, integers, integers, np.zeros(0, np.bool_)
        ),
        problems=(),
    )


def timed(call: Callable[[Snapshot], Any], given: Snapshot, times: list[float]) -> Any:
    begun = time.thread_time()
    made = call(given)
    times.append(time.thread_time() - begun)
    return made


def kept_mb(servers: int, subscriptions: int, polls: int) -> float:
    """What is allocated by the analysis after so many polls, less what it begins with."""
    made = snapshots(servers, subscriptions)
    analyst, running = Analyst(), Running(Patience(2, 2), 300.0)
    completed = analyst.complete(next(made))
    tracemalloc.start()
    for snapshot in islice(made, polls):
        completed = analyst.complete(snapshot)
        running.take(completed)
    gc.collect()
    with_all = tracemalloc.get_traced_memory()[0]
    del analyst, running
    gc.collect()
    without = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del completed
    return (with_all - without) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=20)
    parser.add_argument("--subscriptions", type=int, default=500, help="of each")
    parser.add_argument("--polls", type=int, default=60)
    arguments = parser.parse_args()
    causes: list[float] = []
    verdicts: list[float] = []
    analyst, running = Analyst(), Running(Patience(2, 2), 300.0)
    for snapshot in islice(snapshots(arguments.servers, arguments.subscriptions), arguments.polls):
        completed = timed(analyst.complete, snapshot, causes)
        timed(running.take, completed, verdicts)
    waiting = arguments.servers * arguments.subscriptions
    rows = [("what", "median", "most")]
    rows += [
        (name, f"{statistics.median(times) * 1e3:.0f} ms", f"{max(times) * 1e3:.0f} ms")
        for name, times in (("causes of a poll", causes), ("verdict of a poll", verdicts))
    ]
    table(
        f"{waiting} subscriptions of {arguments.servers} servers wait for {arguments.polls} polls; "
        f"{len(completed.findings)} findings\n  {machine()}",
        rows,
    )
    longest = max(causes)
    kept = kept_mb(arguments.servers, arguments.subscriptions, arguments.polls)
    table(
        "Targets",
        [
            ("of the causes", "measured", "target", ""),
            (
                "CPU of the longest poll",
                f"{longest:.2f} s",
                f"<= {TARGET_SECONDS} s",
                verdict(longest <= TARGET_SECONDS),
            ),
            ("memory kept", f"{kept:.0f} MB", f"<= {TARGET_MB} MB", verdict(kept <= TARGET_MB)),
        ],
    )


if __name__ == "__main__":
    main()

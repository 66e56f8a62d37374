"""Snapshots for the tests of JSON lines; as a program, a recorder to be killed.

``python jsonl_snapshots.py FILE``: records polls without end and tells on standard output the number of each
after it was recorded.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from stem_device.model.poll import ServerState
from stem_device.model.snapshot import (
    Counts,
    PublisherSamples,
    ServerRecord,
    Snapshot,
    SubscriberSamples,
    Timings,
)
from stem_device.recording.jsonl import JsonLinesRecorder

SERVER = "tango://h:10000/dserver/x/1"
NONE = np.array([], dtype=np.int64)
NO_VALUES = np.array([], dtype=np.float64)


def record(
    *texts: str, name: str = SERVER, state: ServerState = ServerState.MONITORED, **more: Any
) -> ServerRecord:
    facts: dict[str, Any] = {
        "name": name,
        "state": state,
        "reason": "",
        "since_utc_ns": 0,
        "tango_version": "10.3",
        "age_seconds": 0.0,
        "asked_utc_ns": 0,
        "asked_monotonic_ns": 0,
        "round_trip_seconds": 0.001,
        "queries": len(texts),
        "sampling": False,
        "sampling_ours": False,
        "drained_by_others": False,
        "publisher_samples": 0,
        "subscriber_samples": 0,
        "sampled_events": 0,
        "counts": Counts(),
        "texts": texts,
    }
    return ServerRecord(**{**facts, **more})


def snapshot(*servers: ServerRecord, poll: int = 1, time_utc_ns: int = 1_795_317_151_123_456_789) -> Snapshot:
    return Snapshot(
        poll=poll,
        time_utc_ns=time_utc_ns,
        monotonic_ns=0,
        duration_seconds=0.0,
        spread_seconds=0.0,
        overruns_total=0,
        monitoring_since_utc_ns=0,
        counts=Counts(),
        published_rate=0.0,
        received_rate=0.0,
        sample_coverage=float("nan"),
        timings=Timings(float("nan"), float("nan"), float("nan"), float("nan")),
        servers=servers,
        publisher_samples=PublisherSamples(NONE, NO_VALUES, NONE),
        subscriber_samples=SubscriberSamples(
            NONE, (), (), NO_VALUES, NONE, NONE, NO_VALUES, NONE, NONE, np.array([], dtype=np.bool_)
        ),
        problems=(),
    )


def numbered(poll: int, samples: int = 0) -> Snapshot:
    """A poll whose reply says ``poll`` as its counter, and in every sample."""
    perf = [{"micros_since_last_event": poll, "push_event_micros": number} for number in range(samples)]
    server = {"event_counters": {"tango://h:10000/a/b/c/attr.change": poll}, "perf": perf}
    text = msgspec.json.encode({"version": 1, "server": server, "client": None}).decode()
    return snapshot(record(text), poll=poll)


def main() -> None:
    recorder = JsonLinesRecorder(Path(sys.argv[1]))
    poll = 0
    while True:
        poll += 1
        recorder.write(numbered(poll, samples=poll % 3 * 2000))
        sys.stdout.write(f"{poll}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

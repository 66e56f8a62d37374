"""What looks wrong and is not: numbers of servers that a reader may stumble over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stem_device.analysis.causes.named import ADVICE
from stem_device.analysis.causes.words import milliseconds, short
from stem_device.model.finding import Cause, Concern, Finding, Standing
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import ServerRecord, Snapshot


def notes_of(snapshot: Snapshot) -> Iterator[Finding]:
    """Findings about this poll that are no loss and no waiting."""
    behind = _clocks_behind(snapshot)
    for index, server in enumerate(snapshot.servers):
        if server.state is not ServerState.MONITORED:
            continue
        if server.drained_by_others:
            yield _note(snapshot, server, Cause.DRAINED, *_drained(server))
        if behind[index] < 0:
            yield _note(snapshot, server, Cause.CLOCK, *_clock(server, float(behind[index])))


def _drained(server: ServerRecord) -> tuple[str, dict[str, float]]:
    sampled = server.publisher_samples + server.subscriber_samples
    return (
        f"Somebody else reads the samples of {short(server.name)} too: {sampled:,} samples came here for "
        f"{server.sampled_events:,} events, and timings cover those alone.",
        {"samples": sampled, "events": server.sampled_events},
    )


def _clock(server: ServerRecord, seconds: float) -> tuple[str, dict[str, float]]:
    return (
        f"Events seem to reach {short(server.name)} {milliseconds(-seconds)} before they were pushed: its "
        "clock is behind that of a publisher, or a device sets the time stamps.",
        {"latency_seconds": seconds},
    )


def _clocks_behind(snapshot: Snapshot) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The median latency of each server in seconds where it is negative, else 0."""
    samples = snapshot.subscriber_samples
    found = np.zeros(len(snapshot.servers))
    negative = samples.first_callback_latency_micros < 0
    for index in np.unique(samples.server[negative]).tolist():
        own = samples.first_callback_latency_micros[samples.server == index]
        found[index] = min(0.0, float(np.median(own[~np.isnan(own)])) / 1e6)
    return found


def _note(
    snapshot: Snapshot, server: ServerRecord, cause: Cause, sentence: str, evidence: dict[str, float]
) -> Finding:
    return Finding(
        server=server.name,
        topic="",
        stream="",
        publisher="",
        concern=Concern.NOTE,
        cause=cause,
        likely=False,
        standing=Standing.OK,
        lost=0,
        overdue=None,
        since_utc_ns=snapshot.time_utc_ns,
        until_utc_ns=snapshot.time_utc_ns,
        sentence=sentence,
        advice=ADVICE[cause],
        evidence=evidence,
    )

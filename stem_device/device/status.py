"""Status of the device: who misses what from whom, and what to do, in sentences.

The text changes only when something happened; numbers that move with every poll are attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stem_device.device.digest import monitored
from stem_device.device.state import History, late
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, count_text, tango_text, utc_text
from stem_device.model.options import Options
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import ServerRecord, Snapshot

if TYPE_CHECKING:
    from stem_device.monitor import MonitorHealth
    from stem_device.recording import RecordingStatus

MAX_LINES = 10
"""Lines of one kind; how many more there are is said."""

MISSED_ADVICE = (
    "What to do: the callbacks of a subscriber must be faster than its events come (processingTimeP99 "
    "against receivedRate), the publisher must push less often, or the network between them failed. "
    "worstSubscriptions has the totals."
)
OVERDUE_ADVICE = (
    "What to do: see whether a callback of the subscriber hangs; the events are stuck in front of it, or "
    "lost without cppTango having noticed."
)
DISCONNECTED_ADVICE = (
    "What to do: start the publisher, or correct its name in the subscriber; cppTango keeps trying."
)
NO_TARGETS = (
    "There is nothing to monitor: TargetDevices is empty. Set the property and call Init, or call AddTarget."
)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that Status tells about. ``notes`` are further sentences of the device itself."""

    snapshot: Snapshot | None
    history: History
    options: Options
    targets: tuple[str, ...]
    recording: RecordingStatus
    health: MonitorHealth
    unrecorded_marks: int = 0
    notes: tuple[str, ...] = ()


def status_of(situation: Situation) -> str:
    """The text, one sentence or list item a line; at most a few hundred lines however much is wrong."""
    lines = [
        *_headline(situation),
        *_missed(situation),
        *_overdue(situation),
        *_disconnected(situation.snapshot),
        *_servers(situation.snapshot),
        *_drained(situation.snapshot),
        *_recording(situation.recording),
        *_marks(situation),
        *_health(situation.health),
        *situation.notes,
    ]
    return "\n".join(tango_text(line, MAX_SENTENCE_CHARACTERS) for line in lines)


def fault_status(reason: str) -> str:
    """What the device says when it cannot work."""
    return tango_text(f"Cannot work: {reason}. Mend it, then call Init.", MAX_SENTENCE_CHARACTERS)


def _headline(situation: Situation) -> Iterator[str]:
    snapshot = situation.snapshot
    if not situation.targets:
        yield NO_TARGETS
    elif snapshot is None:
        yield f"Waiting for the first poll of {count_text(len(situation.targets), 'target')}."
    else:
        yield _answering(snapshot)
        yield _missed_in_all(snapshot, situation)


def _answering(snapshot: Snapshot) -> str:
    answering, known = sum(1 for _ in monitored(snapshot.servers)), len(snapshot.servers)
    if not known:
        return "No target answers: no server was found for TargetDevices."
    if not answering:
        return f"No target answers: none of {count_text(known, 'server')} can be monitored."
    return f"Monitoring {answering} of {count_text(known, 'server')}."


def _missed_in_all(snapshot: Snapshot, situation: Situation) -> str:
    since = utc_text(snapshot.monitoring_since_utc_ns)
    if not snapshot.counts.missed:
        return f"No event was seen to be missed since {since}."
    recent = "" if situation.history.misses else f", none in the last {situation.options.alarm_hold_time:g} s"
    return f"{count_text(snapshot.counts.missed, 'event')} missed since {since}{recent}."


def _missed(situation: Situation) -> Iterator[str]:
    misses = sorted(situation.history.misses.values(), key=lambda miss: -miss.missed)
    if not misses:
        return
    yield f"Events were missed within the last {situation.options.alarm_hold_time:g} s:"
    yield from _listed(
        f"{miss.server} missed {'at least ' if miss.at_least else ''}{count_text(miss.missed, 'event')} of "
        f"{miss.stream} from {miss.publisher}, noticed {utc_text(miss.noticed_utc_ns)}"
        for miss in misses
    )
    yield MISSED_ADVICE


def _overdue(situation: Situation) -> Iterator[str]:
    overdue = sorted(late(situation.history, situation.options), key=lambda one: -one.overdue)
    if not overdue:
        return
    polls = count_text(situation.options.overdue_alarm_polls, "poll")
    yield f"Events have been overdue for at least {polls}:"
    # How many are overdue moves with every poll; the attributes tell.
    yield from _listed(
        f"{one.server} waits for events of {one.stream} from {one.publisher}" for one in overdue
    )
    yield OVERDUE_ADVICE


def _disconnected(snapshot: Snapshot | None) -> Iterator[str]:
    servers = monitored(snapshot.servers) if snapshot else ()
    lines = [
        f"{server.name} is not connected to {one.device}/{one.attribute} ({one.event_type})"
        for server in servers
        for one in server.not_connected
    ]
    if not lines:
        return
    yield "Subscriptions are disconnected:"
    yield from _listed(lines)
    yield DISCONNECTED_ADVICE


def _servers(snapshot: Snapshot | None) -> Iterator[str]:
    """Servers that are not monitored, the alarming states first, then the problems of targets as a whole."""
    servers = snapshot.servers if snapshot else ()
    for state in ServerState:
        if state is ServerState.MONITORED:
            continue
        found = [server for server in servers if server.state is state]
        if found:
            yield f"{count_text(len(found), 'server')} {state}:"
            yield from _listed(_server(server) for server in found)
    yield from _listed(snapshot.problems if snapshot else ())


def _server(server: ServerRecord) -> str:
    return f"{server.name}, since {utc_text(server.since_utc_ns)}: {server.reason}"


def _drained(snapshot: Snapshot | None) -> Iterator[str]:
    names = [server.name for server in snapshot.servers if server.drained_by_others] if snapshot else []
    if names:
        yield (
            "Somebody else reads samples of these servers too, and reading empties their buffers; "
            "timings cover only a part of the events, counters are not affected:"
        )
        yield from _listed(names)


def _recording(recording: RecordingStatus) -> Iterator[str]:
    if recording.active:
        yield f"Recording to {recording.path}."
    if recording.error:
        yield (
            f"Recording failed: {recording.error}. What was written stays readable and monitoring goes on; "
            "mend the cause, then call StartRecording."
        )


def _marks(situation: Situation) -> Iterator[str]:
    if situation.unrecorded_marks:
        yield (
            "Marks of runs came while nothing could be recorded, and are in no recording: unrecordedMarks "
            "counts them. Call StartRecording before the runs begin."
        )


def _health(health: MonitorHealth) -> Iterator[str]:
    if health.thread_restarts:
        times = count_text(health.thread_restarts, "time")
        yield f"The poll thread failed and was restarted {times}; last error: {health.last_error}."
    elif health.consumer_errors:
        errors = count_text(health.consumer_errors, "error")
        yield f"{errors} while a Snapshot was passed on; last error: {health.last_error}."


def _listed(lines: Iterable[str]) -> Iterator[str]:
    every: Sequence[str] = list(lines)
    for line in every[:MAX_LINES]:
        yield f"- {line}"
    if len(every) > MAX_LINES:
        yield f"- and {len(every) - MAX_LINES} more"

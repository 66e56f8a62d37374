"""Status of the device: who misses what from whom, and what to do, in sentences.

The text changes only when something happened; numbers that move with every poll are attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stem_device.analysis.verdict import Ground, Verdict, Why
from stem_device.analysis.wording import Words, ground_text, loss_text, sentence
from stem_device.device.causes import why
from stem_device.device.digest import monitored
from stem_device.device.text import MAX_SENTENCE_CHARACTERS, count_text, tango_text, utc_text
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.poll import ServerState
from stem_device.model.processes import OwnProcess
from stem_device.model.snapshot import ServerRecord, Snapshot

if TYPE_CHECKING:
    from stem_device.monitor import MonitorHealth
    from stem_device.recording import RecordingStatus

OWN_PAUSE_SECONDS = 0.25
"""Pauses that are worth a sentence: a quarter of a second is more than a poll takes."""
MAX_LINES = 10
"""Lines of one kind; how many more there are is said."""

WORDS = Words(steady=True, grouped=False)
"""Status changes only when something happened."""

ALREADY_TOLD = frozenset({Why.NOT_ASKED, Why.NOT_ANSWERED, Why.DATABASE, Why.PROBLEM, Why.STOPPED})
"""What the lists of servers and problems say as well."""

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
    verdict: Verdict | None
    targets: tuple[str, ...]
    recording: RecordingStatus
    health: MonitorHealth
    outlets: tuple[OutletHealth, ...] = ()
    unrecorded_marks: int = 0
    http_url: str = ""
    http_error: str = ""
    own: OwnProcess | None = None
    telemetry_problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def status_of(situation: Situation) -> str:
    """The text, one sentence or list item a line; at most a few hundred lines however much is wrong."""
    lines = [
        *_headline(situation),
        *_lost(situation.verdict),
        *_waiting(situation.verdict),
        *_why(situation.snapshot),
        *_uncovered(situation.verdict),
        *_servers(situation),
        *_drained(situation.snapshot),
        *_spared(situation.snapshot),
        *_recording(situation.recording),
        *_marks(situation),
        *_http(situation),
        *_outlets(situation),
        *_telemetry(situation),
        *_health(situation.health),
        *situation.notes,
    ]
    return "\n".join(tango_text(line, MAX_SENTENCE_CHARACTERS) for line in lines)


def fault_status(reason: str) -> str:
    """What the device says when it cannot work."""
    return tango_text(f"Cannot work: {reason}. Mend it, then call Init.", MAX_SENTENCE_CHARACTERS)


def _headline(situation: Situation) -> Iterator[str]:
    snapshot = situation.snapshot
    if not situation.targets and not (snapshot and snapshot.servers):
        yield NO_TARGETS
    elif snapshot is None:
        yield f"Waiting for the first poll of {count_text(len(situation.targets), 'target')}."
    else:
        yield _answering(snapshot)
        if situation.verdict is not None:
            yield sentence(situation.verdict, WORDS)
        yield from _totals(snapshot)


def _answering(snapshot: Snapshot) -> str:
    own = [server for server in snapshot.servers if not server.followed]
    answering, known = sum(1 for _ in monitored(own)), len(own)
    if not known:
        return "No target answers: no server was found for TargetDevices."
    if not answering:
        return f"No target answers: none of {count_text(known, 'server')} can be monitored."
    followed = len(snapshot.servers) - known
    besides = f", and following {count_text(followed, 'publisher')} of them" if followed else ""
    return f"Monitoring {answering} of {count_text(known, 'server')}{besides}."


def _totals(snapshot: Snapshot) -> Iterator[str]:
    """What was lost since the totals began; the verdict is that of the last AlarmHoldTime."""
    counts, since = snapshot.counts, utc_text(snapshot.monitoring_since_utc_ns)
    if counts.missed or counts.unaccounted:
        unaccounted = f", {counts.unaccounted} unaccounted" if counts.unaccounted else ""
        yield f"{count_text(counts.missed, 'event')} missed{unaccounted} since {since}."
    if counts.missed_before:
        yield (
            f"{count_text(counts.missed_before, 'event')} pushed before monitoring began and found to be "
            f"lost since {since}; in no total."
        )


def _lost(verdict: Verdict | None) -> Iterator[str]:
    if verdict is None or not verdict.losses:
        return
    yield f"Events were lost within the last {verdict.span.hold_seconds:g} s:"
    yield from _listed(f"{loss_text(loss, WORDS)}" for loss in verdict.losses)


def _waiting(verdict: Verdict | None) -> Iterator[str]:
    """Overdue and disconnected subscriptions; servers have a list of their own."""
    grounds = verdict.waiting if verdict else ()
    yield from _found(grounds, Why.OVERDUE, "Events are overdue:")
    yield from _found(grounds, Why.DISCONNECTED, "Subscriptions are disconnected:", DISCONNECTED_ADVICE)
    dead = [one for one in grounds if one.why in {Why.REFUSED, Why.SILENT} and one.listening]
    if dead:
        yield "Publishers do not work, and are listened to:"
        yield from _listed(ground_text(one, WORDS) for one in dead)


def _why(snapshot: Snapshot | None) -> Iterator[str]:
    """The cause of each loss and each waiting; advice that several share once."""
    told, hidden = why(snapshot, MAX_LINES)
    if told:
        yield "Why:"
    for advice, lines in told:
        yield from _listed(lines)
        yield f"What to do: {advice}"
    if hidden:
        yield f"- and {hidden} more"


def _found(grounds: Sequence[Ground], why: Why, heading: str, *advice: str) -> Iterator[str]:
    found = [one for one in grounds if one.why is why]
    if found:
        yield heading
        yield from _listed(ground_text(one, WORDS) for one in found)
        yield from advice


def _uncovered(verdict: Verdict | None) -> Iterator[str]:
    grounds = [one for one in verdict.uncovered if one.why not in ALREADY_TOLD] if verdict else []
    if grounds:
        yield "Not covered:"
        yield from _listed(ground_text(one, WORDS) for one in grounds)


def _servers(situation: Situation) -> Iterator[str]:
    """Servers that are not monitored, the alarming states first, then the problems of targets as a whole.

    Of followed servers those that somebody listens to.
    """
    snapshot, verdict = situation.snapshot, situation.verdict
    found_by_verdict = (*verdict.waiting, *verdict.uncovered, *verdict.told) if verdict else ()
    concerned = {ground.server for ground in found_by_verdict}
    every = snapshot.servers if snapshot else ()
    servers = [server for server in every if not server.followed or server.name in concerned]
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


def _spared(snapshot: Snapshot | None) -> Iterator[str]:
    spared = [server for server in snapshot.servers if server.asked_every > 1] if snapshot else []
    if spared:
        yield "Asked less often, since their answers take more of their time than MaxQueryShare allows:"
        yield from _listed(f"{server.name}, at every {server.asked_every} polls" for server in spared)


def _recording(recording: RecordingStatus) -> Iterator[str]:
    if recording.active:
        yield f"Recording to {recording.path}."
    if recording.error and recording.active:
        yield f"The recording is not complete: {recording.error}. It goes on when the disk keeps up."
    elif recording.error:
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


def _http(situation: Situation) -> Iterator[str]:
    if situation.http_url:
        yield f"Serving {situation.http_url}."
    if situation.http_error:
        yield (
            f"The HTTP port is not open: {situation.http_error}. Monitoring goes on; it is tried again every "
            "10 s. Mend the cause, or call Init after a change of a property."
        )


def _outlets(situation: Situation) -> Iterator[str]:
    for outlet in situation.outlets:
        if outlet.dropped and not (outlet.name == "recording" and situation.recording.error):
            yield (
                f"The outlet {outlet.name} dropped what its queue had no room for, and outletDropped counts: "
                "what is behind it is slower than the polls, or hangs."
            )
        told = situation.recording.error and situation.recording.error in outlet.last_error
        if outlet.failed and not told:
            yield f"The outlet {outlet.name} failed (outletFailed); last error: {outlet.last_error}."


def _telemetry(situation: Situation) -> Iterator[str]:
    """Of processes that are watched, and of this one."""
    if situation.telemetry_problems:
        yield "Telemetry of processes (TelemetryDirectories) is not complete:"
        yield from _listed(situation.telemetry_problems)
    own = situation.own
    if own is not None and own.worst_pause_seconds >= OWN_PAUSE_SECONDS:
        yield (
            f"Python's garbage collector stopped this monitor for {own.worst_pause_seconds:.2f} s at "
            f"{utc_text(own.worst_pause_utc_ns)}: polls and its own events came late then."
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

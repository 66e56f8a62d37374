"""State of the device: pure functions of Snapshot, options and what happened before."""

from __future__ import annotations

import enum
import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from stem_device.device.digest import monitored
from stem_device.model.options import Options
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import ServerRecord, Snapshot, SubscriptionRecord

if TYPE_CHECKING:
    from stem_device.recording import RecordingStatus

MAX_REMEMBERED = 1000
"""Subscriptions with losses that are remembered for Status; the alarm itself needs one."""

ALARMING = frozenset({ServerState.UNREACHABLE, ServerState.FAILING})
"""A server in one of these states ought to answer and does not."""

Key = tuple[str, str]
"""Server and topic."""


class DeviceState(enum.StrEnum):
    """The Tango states that the device can be in."""

    ON = "ON"
    ALARM = "ALARM"
    UNKNOWN = "UNKNOWN"
    FAULT = "FAULT"


class Miss(Struct, frozen=True, gc=False):
    """What one subscription missed lately.

    ``missed`` is the sum since the last quiet time of AlarmHoldTime; ``at_least``: a lower bound.
    """

    server: str
    stream: str
    publisher: str
    missed: int
    at_least: bool
    noticed_utc_ns: int
    noticed_monotonic_ns: int


class Overdue(Struct, frozen=True, gc=False):
    """A subscription with overdue events; ``polls`` in a row by now."""

    server: str
    stream: str
    publisher: str
    overdue: int
    polls: int


class History(Struct, frozen=True):
    """What State needs to know of earlier polls; bounded by MAX_REMEMBERED misses.

    ``since_utc_ns`` is when the totals began: ``ResetCounters`` begins a new history.
    """

    since_utc_ns: int = 0
    misses: dict[Key, Miss] = {}
    overdue: dict[Key, Overdue] = {}


def advance(history: History, snapshot: Snapshot, options: Options) -> History:
    """History after one more poll.

    A server that did not answer repeats its last records: its misses have been counted already, and
    its overdue events are neither confirmed nor disproved.
    """
    if history.since_utc_ns != snapshot.monitoring_since_utc_ns:
        history = History()
    hold_ns = options.alarm_hold_time * 1e9
    misses = {
        key: miss
        for key, miss in history.misses.items()
        if snapshot.monotonic_ns - miss.noticed_monotonic_ns < hold_ns
    }
    overdue: dict[Key, Overdue] = {}
    for server in snapshot.servers:
        if server.state is ServerState.MONITORED:
            misses.update(_new_misses(misses, server, snapshot))
            overdue.update(_overdue(history, server))
        else:
            overdue.update(_kept(history, server))
    if len(misses) > MAX_REMEMBERED:
        newest = heapq.nlargest(
            MAX_REMEMBERED, misses.items(), key=lambda item: (item[1].noticed_monotonic_ns, item[1].missed)
        )
        misses = dict(newest)
    return History(since_utc_ns=snapshot.monitoring_since_utc_ns, misses=misses, overdue=overdue)


def _new_misses(
    misses: dict[Key, Miss], server: ServerRecord, snapshot: Snapshot
) -> Iterator[tuple[Key, Miss]]:
    for subscription in server.subscriptions:
        if subscription.missed_delta:
            key = (server.name, subscription.topic)
            yield key, _miss(misses.get(key), server, subscription, snapshot)


def _miss(
    before: Miss | None, server: ServerRecord, subscription: SubscriptionRecord, snapshot: Snapshot
) -> Miss:
    return Miss(
        server=server.name,
        stream=subscription.stream,
        publisher=subscription.publisher,
        missed=subscription.missed_delta + (before.missed if before else 0),
        at_least=subscription.missed_at_least,
        noticed_utc_ns=snapshot.time_utc_ns,
        noticed_monotonic_ns=snapshot.monotonic_ns,
    )


def _overdue(history: History, server: ServerRecord) -> Iterator[tuple[Key, Overdue]]:
    for subscription in server.subscriptions:
        if subscription.overdue:
            key = (server.name, subscription.topic)
            before = history.overdue.get(key)
            yield (
                key,
                Overdue(
                    server=server.name,
                    stream=subscription.stream,
                    publisher=subscription.publisher,
                    overdue=subscription.overdue,
                    polls=(before.polls if before else 0) + 1,
                ),
            )


def _kept(history: History, server: ServerRecord) -> Iterator[tuple[Key, Overdue]]:
    for key, overdue in history.overdue.items():
        if key[0] == server.name:
            yield key, overdue


def state_of(
    snapshot: Snapshot | None, history: History, options: Options, recording: RecordingStatus
) -> DeviceState:
    """Apply the rules. FAULT is not among them: with a bad property there is no monitor to ask."""
    if snapshot is None or not any(monitored(snapshot.servers)):
        return DeviceState.UNKNOWN
    alarms = (
        bool(recording.error),
        bool(history.misses),
        any(late(history, options)),
        any(server.state in ALARMING for server in snapshot.servers),
        any(server.not_connected for server in monitored(snapshot.servers)),
    )
    return DeviceState.ALARM if any(alarms) else DeviceState.ON


def late(history: History, options: Options) -> Iterator[Overdue]:
    """The subscriptions whose events have been overdue for OverdueAlarmPolls polls."""
    return (overdue for overdue in history.overdue.values() if overdue.polls >= options.overdue_alarm_polls)

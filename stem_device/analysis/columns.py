"""Facts of a recording, or of a part of it, from its columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stem_device.analysis.facts import (
    MAX_LOSSES,
    Blind,
    Coverage,
    Disconnected,
    Facts,
    Loss,
    Overdue,
    Patience,
    Silence,
    Span,
    Unseen,
)
from stem_device.analysis.live import FAILURE_OF_STATE, MAX_LISTENERS
from stem_device.model import snapshot as model
from stem_device.model.finding import Cause
from stem_device.model.poll import Failure, ServerState

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64] | npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionColumns:
    """One row a subscription and poll, in the order of polls. Names are codes, -1 for none.

    ``before_end`` says how many polls of its source followed the poll of the row: 0 for the last one.
    ``overdue`` and ``lost_since_utc_ns`` are -1 where there is nothing to tell; deltas are 0 where they
    precede the span, and so is ``blind_seconds``, what a poll added to it. ``previous_utc_ns`` is the time of
    the poll before.
    """

    time_utc_ns: Integers
    previous_utc_ns: Integers
    before_end: Integers
    server: Codes
    topic: Codes
    stream: Codes
    publisher: Codes
    received_delta: Integers
    missed_delta: Integers
    unaccounted_delta: Integers
    at_least: Flags
    lost_since_utc_ns: Integers
    overdue: Integers
    ended: Flags
    cause: Codes
    blind_seconds: Floats

    @property
    def onset_utc_ns(self) -> Integers:
        """What a poll found lost was lost after this moment; if not told, after the poll before."""
        told = self.lost_since_utc_ns >= 0
        onset: Integers = np.where(told, self.lost_since_utc_ns, self.previous_utc_ns)
        return onset


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerColumns:
    """One row a server and poll. ``state``, ``failure`` and ``reason`` are codes."""

    before_end: Integers
    server: Codes
    state: Codes
    failure: Codes
    reason: Codes
    since_utc_ns: Integers
    age_seconds: Floats
    followed: Flags
    disconnected: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamColumns:
    """One row a stream and poll; ``unseen`` are values of :class:`stem_device.model.snapshot.Unseen`."""

    before_end: Integers
    stream: Codes
    unseen: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """All that a verdict needs of a recording.

    ``unobserved``, ``missed_before``, ``unbalanced`` and ``blind_seconds`` are what was added in the span.
    ``complete``: the
    recording has the columns of format 1.2; of an older one nobody knows what was unaccounted.
    ``overdue_departed`` counts subscriptions that waited for events when their servers were removed from the
    targets.
    """

    names: Names
    begin_utc_ns: int
    end_utc_ns: int
    polls: int
    subscriptions: SubscriptionColumns
    servers: ServerColumns
    streams: StreamColumns
    unobserved: int
    missed_before: int
    unbalanced: int
    uncounted_seconds: float
    problems: tuple[str, ...]
    complete: bool
    blind_seconds: float = 0.0
    overdue_departed: int = 0


def facts_of(columns: Columns, patience: Patience) -> Facts:
    """The same facts that a live monitor would have had at the end of the span."""
    rows = columns.subscriptions
    groups = _Groups(rows)
    losses, losers = _losses(columns, groups)
    at_end = rows.before_end == 0
    lossy = (rows.missed_delta != 0) | (rows.unaccounted_delta != 0)
    return Facts(
        span=Span(columns.begin_utc_ns, columns.end_utc_ns, columns.polls),
        coverage=_coverage(columns),
        missed=int(rows.missed_delta.sum()),
        unaccounted=int(np.maximum(groups.sums(rows.unaccounted_delta), 0).sum()),
        at_least=bool(np.any(rows.at_least & lossy)),
        losses=losses,
        losers=losers,
        overdue=_overdue(columns, groups, patience),
        silences=_silences(columns),
        disconnected=_disconnected(columns),
        overdue_unknown=int(np.count_nonzero(at_end & (rows.overdue < 0) & ~rows.ended))
        + columns.overdue_departed,
        unseen=_unseen(columns),
        unobserved=columns.unobserved,
        missed_before=columns.missed_before,
        unbalanced=columns.unbalanced,
        blind=_blind(columns, groups),
        uncounted_seconds=columns.uncounted_seconds,
        problems=columns.problems,
        incomplete=not columns.complete,
    )


class _Groups:
    """Rows by subscription."""

    def __init__(self, rows: SubscriptionColumns) -> None:
        key = (rows.server.astype(np.int64) << 32) + rows.topic.astype(np.int64)
        _, of_row = np.unique(key, return_inverse=True)
        self.of_row: Integers = of_row.astype(np.int64).reshape(-1)
        self.number = int(self.of_row.max(initial=-1)) + 1

    def sums(self, values: Integers | Flags) -> Integers:
        return np.rint(np.bincount(self.of_row, values, self.number)).astype(np.int64)


def _blind(columns: Columns, groups: _Groups) -> Blind | None:
    if not columns.blind_seconds:
        return None
    rows = columns.subscriptions
    seconds = np.bincount(groups.of_row, np.where(rows.ended, 0, rows.blind_seconds), groups.number)

    def publisher_of(group: int) -> str:
        row = np.flatnonzero((groups.of_row == group) & (rows.blind_seconds > 0))[-1]
        return _name(columns, rows.publisher[row])

    each = zip(seconds.tolist(), range(groups.number), strict=True)
    return Blind.longest(each, columns.blind_seconds, publisher_of)


def _losses(columns: Columns, groups: _Groups) -> tuple[tuple[Loss, ...], int]:
    """The worst by name, and how many subscriptions lost anything."""
    rows = columns.subscriptions
    missed, unaccounted = groups.sums(rows.missed_delta), groups.sums(rows.unaccounted_delta)
    lost = missed + np.maximum(unaccounted, 0)
    received = groups.sums(rows.received_delta)
    lossy = np.flatnonzero((rows.missed_delta > 0) | (rows.unaccounted_delta > 0))
    owner = groups.of_row[lossy]
    order = np.argsort(owner, kind="stable")
    ends = np.searchsorted(owner[order], np.arange(groups.number), side="right")
    begins = np.searchsorted(owner[order], np.arange(groups.number), side="left")
    worst = [group for group in np.argsort(-lost, kind="stable")[:MAX_LOSSES].tolist() if lost[group] > 0]
    found = []
    for group in worst:
        own = lossy[order[begins[group] : ends[group]]]
        found.append(
            _loss(columns, own, int(missed[group]), max(0, int(unaccounted[group])), int(received[group]))
        )
    return tuple(found), int(np.count_nonzero(lost > 0))


def _loss(columns: Columns, own: Integers, missed: int, unaccounted: int, received: int) -> Loss:
    """``own`` are the rows of one subscription that tell of losses, at least one."""
    rows, last = columns.subscriptions, int(own[-1])
    return Loss(
        server=_name(columns, rows.server[last]),
        topic=_name(columns, rows.topic[last]),
        stream=_name(columns, rows.stream[last]),
        publisher=_name(columns, rows.publisher[last]),
        missed=missed,
        unaccounted=unaccounted,
        at_least=bool(rows.at_least[own].any()),
        received=received,
        since_utc_ns=int(rows.onset_utc_ns[own].min()),
        noticed_utc_ns=int(rows.time_utc_ns[own].min()),
        until_utc_ns=int(rows.time_utc_ns[own].max()),
    )


def _overdue(columns: Columns, groups: _Groups, patience: Patience) -> tuple[Overdue, ...]:
    rows = columns.subscriptions
    waits = (rows.overdue > 0) & ~rows.ended
    answers = np.flatnonzero(
        _answered(columns) & np.isin(groups.of_row, groups.of_row[waits & (rows.before_end == 0)])
    )
    latest_first = answers[np.lexsort((rows.before_end[answers], groups.of_row[answers]))]
    of = groups.of_row[latest_first]
    recent = latest_first[np.arange(len(of)) - np.searchsorted(of, of) < patience.overdue_polls]
    polls = np.bincount(groups.of_row[recent[waits[recent]]], minlength=groups.number)
    return tuple(
        Overdue(
            server=_name(columns, rows.server[row]),
            topic=_name(columns, rows.topic[row]),
            stream=_name(columns, rows.stream[row]),
            publisher=_name(columns, rows.publisher[row]),
            overdue=int(rows.overdue[row]),
            polls=int(polls[groups.of_row[row]]),
            starting=_name(columns, rows.cause[row]) == Cause.STARTING,
        )
        for row in np.flatnonzero(waits & (rows.before_end == 0)).tolist()
    )


def _answered(columns: Columns) -> Flags:
    """Of each row of a subscription whether its server answered in that poll; of the last source alone."""
    servers, rows = columns.servers, columns.subscriptions
    told = servers.age_seconds == 0
    polls = (servers.server[told].astype(np.int64) << 42) + servers.before_end[told]
    return np.isin((rows.server.astype(np.int64) << 42) + rows.before_end, polls)


def _silences(columns: Columns) -> tuple[Silence, ...]:
    rows = columns.servers
    states = {int(code): ServerState(_name(columns, code)) for code in np.unique(rows.state)}
    monitored = [code for code, state in states.items() if state is ServerState.MONITORED]
    silent = ~np.isin(rows.state, monitored)
    listeners = _listeners(columns)
    found = []
    for row in np.flatnonzero(silent & (rows.before_end == 0)).tolist():
        own = rows.server == rows.server[row]
        answered = rows.before_end[own & ~silent]
        polls = int(answered.min()) if len(answered) else int(np.count_nonzero(own))
        name = _name(columns, rows.server[row])
        names = [one for one in listeners.get(name.lower(), {}) if one != name]
        age = float(rows.age_seconds[row])
        found.append(
            Silence(
                server=name,
                failure=Failure(_name(columns, rows.failure[row]))
                or FAILURE_OF_STATE[states[int(rows.state[row])]],
                reason=_name(columns, rows.reason[row]),
                since_utc_ns=int(rows.since_utc_ns[row]),
                polls=polls,
                seconds=age if np.isfinite(age) else (columns.end_utc_ns - columns.begin_utc_ns) / 1e9,
                followed=bool(rows.followed[row]),
                listeners=tuple(names[:MAX_LISTENERS]),
                listening=len(names),
            )
        )
    return tuple(found)


def _disconnected(columns: Columns) -> tuple[Disconnected, ...]:
    """By server: which subscription it is does not matter for how long some have been so."""
    rows = columns.servers
    found = []
    for row in np.flatnonzero((rows.disconnected > 0) & (rows.before_end == 0)).tolist():
        own = (rows.server == rows.server[row]) & (rows.age_seconds == 0)
        connected = rows.before_end[own & (rows.disconnected <= 0)]
        polls = int(np.count_nonzero(own & (rows.before_end < connected.min(initial=np.iinfo(np.int64).max))))
        name = _name(columns, rows.server[row])
        if _name(columns, rows.state[row]) == ServerState.MONITORED:
            found.append(Disconnected(name, "", polls, int(rows.disconnected[row])))
    return tuple(found)


def _unseen(columns: Columns) -> tuple[Unseen, ...]:
    rows = columns.streams
    certain = np.unique(rows.stream[rows.unseen == int(model.Unseen.CERTAIN)])
    maybe = np.unique(rows.stream[(rows.unseen == int(model.Unseen.MAYBE)) & (rows.before_end == 0)])
    doubtful = np.setdiff1d(maybe, certain)
    return (
        *(Unseen(_name(columns, code), certain=True) for code in certain),
        *(Unseen(_name(columns, code), certain=False) for code in doubtful),
    )


def _coverage(columns: Columns) -> Coverage:
    """Every subscription that there was in the span."""
    rows, servers = columns.subscriptions, columns.servers
    live = ~rows.ended
    keys = np.unique((rows.server[live].astype(np.int64) << 32) + rows.topic[live].astype(np.int64))
    own = ~servers.followed
    at_end = own & (servers.before_end == 0)
    states = np.unique(servers.state)
    monitored = [code for code in states.tolist() if _name(columns, code) == ServerState.MONITORED]
    return Coverage(
        subscriptions=len(keys),
        subscribers=len(np.unique(keys >> 32)),
        answering=int(np.count_nonzero(np.isin(servers.state[at_end], monitored))),
        servers=len(np.unique(servers.server[own])),
    )


def _listeners(columns: Columns) -> dict[str, dict[str, None]]:
    """Which servers have subscriptions to each publisher at the end."""
    rows = columns.subscriptions
    chosen = (rows.before_end == 0) & ~rows.ended
    pairs = np.unique((rows.publisher[chosen].astype(np.int64) << 32) + rows.server[chosen])
    found: dict[str, dict[str, None]] = {}
    for pair in pairs.tolist():
        publisher, server = _name(columns, pair >> 32), _name(columns, pair & 0xFFFFFFFF)
        found.setdefault(publisher.lower(), {})[server] = None
    return found


def _name(columns: Columns, code: int | np.integer[npt.NBitBase]) -> str:
    return str(columns.names[code]) if code >= 0 else ""

"""The verdict over a recording, or a selection of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.analysis.columns import (
    Columns,
    ServerColumns,
    StreamColumns,
    SubscriptionColumns,
    facts_of,
)
from stem_device.analysis.facts import Patience
from stem_device.analysis.verdict import Verdict, judge
from stem_device.reading import Recording
from stem_device.statistics.polls import Floats, Integers, Polls
from stem_device.statistics.rows import CountedRows
from stem_device.statistics.source_choice import Choice

EARLIER = 2**40
"""Polls before the end of a server's story, for rows of a monitor that another one followed."""

PATIENCE = Patience()
"""Of recordings: what the properties have by default."""


def judged(recording: Recording) -> Verdict:
    """The verdict over a recording of which nothing else is wanted."""
    polls = Polls(recording)
    return recorded_verdict(recording, polls, Choice(recording, polls))


def recorded_verdict(recording: Recording, polls: Polls, choice: Choice) -> Verdict:
    """Judge what is shown of the recording."""
    return judge(facts_of(recorded_columns(recording, polls, choice), PATIENCE), PATIENCE)


def recorded_columns(recording: Recording, polls: Polls, choice: Choice) -> Columns:
    """All that a verdict needs, and the figures of the report."""
    ends = _Ends(polls, choice)
    servers = CountedRows(recording, "servers", polls, choice)
    known = recording["servers"].knows("unobserved_total")
    times = polls.time_utc_ns
    return Columns(
        names=recording.names,
        begin_utc_ns=int(times.min()) if len(times) else 0,
        end_utc_ns=int(times.max()) if len(times) else 0,
        polls=len(times),
        subscriptions=_subscriptions(recording, polls, choice, ends),
        servers=_servers(servers, ends),
        streams=_streams(recording, polls, choice, ends),
        unobserved=int(servers.rise("unobserved_total", servers.server).sum()) if known else 0,
        missed_before=int(servers.rise("missed_before", servers.server).sum()) if known else 0,
        unbalanced=int(servers.rise("books_unbalanced", servers.server).sum()) if known else 0,
        uncounted_seconds=_uncounted_seconds(polls),
        blind_seconds=float(servers.rise("blind_seconds", servers.server).sum()) if known else 0.0,
        problems=_problems(recording, polls),
        complete=recording["subscriptions"].knows("unaccounted_delta"),
        overdue_departed=_overdue_departed(recording, polls),
    )


class _Ends:
    """How many polls came after each row, in the last recording that tells of its server."""

    def __init__(self, polls: Polls, choice: Choice) -> None:
        self._source = polls.source
        sizes = np.bincount(polls.source, minlength=choice.used.shape[1])
        first = np.cumsum(sizes) - sizes
        self._before_end: Integers = sizes[polls.source] - 1 - (np.arange(len(polls)) - first[polls.source])
        ends = np.zeros(len(sizes), dtype=np.int64)
        np.maximum.at(ends, polls.source, polls.time_utc_ns)
        self._last: Integers = np.argmax(np.where(choice.used, ends, -1), axis=1).astype(np.int64)

    def of(self, rows: CountedRows) -> Integers:
        last = self._source[rows.poll] == self._last[rows.server]
        found: Integers = np.where(last, self._before_end[rows.poll], EARLIER)
        return found


def _subscriptions(recording: Recording, polls: Polls, choice: Choice, ends: _Ends) -> SubscriptionColumns:
    rows = CountedRows(recording, "subscriptions", polls, choice)
    told = _Told(recording, "subscriptions", rows)
    previous = np.where(polls.steps > 0, polls.time_utc_ns - (polls.steps * 1e9).astype(np.int64), 0)
    previous = np.where(polls.steps > 0, previous, polls.time_utc_ns)
    return SubscriptionColumns(
        time_utc_ns=polls.time_utc_ns[rows.poll],
        previous_utc_ns=previous[rows.poll],
        before_end=ends.of(rows),
        server=rows.codes("server"),
        topic=rows.codes("topic"),
        stream=rows.codes("stream"),
        publisher=rows.codes("publisher"),
        received_delta=rows.delta("received_delta"),
        missed_delta=rows.delta("missed_delta"),
        unaccounted_delta=told.integers("unaccounted_delta", 0) * polls.counts[rows.poll],
        at_least=rows.column("missed_at_least").astype(np.bool_),
        lost_since_utc_ns=told.integers("lost_since_utc_ns", -1),
        overdue=rows.column("overdue"),
        ended=told.integers("ended", 0).astype(np.bool_),
        cause=rows.codes("cause"),
        blind_seconds=_blind_seconds(recording, polls, rows),
    )


def _blind_seconds(recording: Recording, polls: Polls, rows: CountedRows) -> Floats:
    """What each row added. A subscription that appears later than the first poll brings all of its own."""
    if not recording["subscriptions"].knows("blind_seconds"):
        return np.zeros(len(rows))
    key = (rows.codes("server").astype(np.int64) << 32) + rows.codes("topic")
    rise = rows.rise("blind_seconds", key)
    source = polls.source[rows.poll]
    _, first = np.unique(np.stack((source, key)), axis=1, return_index=True)
    later = first[rows.poll[first] > np.searchsorted(polls.source, source[first])]
    rise[later] = rows.column("blind_seconds")[later]
    return rise


def _servers(rows: CountedRows, ends: _Ends) -> ServerColumns:
    return ServerColumns(
        before_end=ends.of(rows),
        server=rows.codes("server"),
        state=rows.codes("state"),
        failure=rows.codes("failure"),
        reason=rows.codes("reason"),
        since_utc_ns=rows.column("since_utc_ns"),
        age_seconds=rows.column("age_seconds"),
        followed=rows.column("followed").astype(np.bool_),
        disconnected=rows.column("disconnected"),
    )


def _streams(recording: Recording, polls: Polls, choice: Choice, ends: _Ends) -> StreamColumns:
    rows = CountedRows(recording, "streams", polls, choice)
    told = _Told(recording, "streams", rows)
    return StreamColumns(
        before_end=ends.of(rows), stream=rows.codes("stream"), unseen=told.integers("unseen", 0)
    )


class _Told:
    """Columns that files of older formats lack."""

    def __init__(self, recording: Recording, table: str, rows: CountedRows) -> None:
        self._table = recording[table]
        self._rows = rows

    def integers(self, column: str, otherwise: int) -> npt.NDArray[Any]:
        if self._table.knows(column):
            return self._rows.column(column)
        return np.full(len(self._rows), otherwise, dtype=np.int64)


def _uncounted_seconds(polls: Polls) -> float:
    """Time between polls whose events no poll here counts: of polls that are missing, between recordings."""
    missing = float(polls.steps[polls.missing > 0].sum())
    spans = [
        (int(times.min()), int(times.max()))
        for source in np.unique(polls.source)
        for times in [polls.time_utc_ns[polls.source == source]]
    ]
    between, reached = 0, 0
    for begin, end in sorted(spans):
        if reached and begin > reached:
            between += begin - reached
        reached = max(reached, end)
    return missing + between / 1e9


def _overdue_departed(recording: Recording, polls: Polls) -> int:
    """Subscriptions that waited for events when their servers were removed, within each recording."""
    table = recording["departed"]
    told = np.zeros(len(polls), dtype=np.int64)
    told[table.poll_rows()] = table["overdue_unknown"]
    last = polls.last_polls()
    first = np.searchsorted(polls.source, polls.source[last])
    return int(np.maximum(told[last] - told[first], 0).sum())


def _problems(recording: Recording, polls: Polls) -> tuple[str, ...]:
    """Those of the last poll of each recording."""
    table = recording["problems"]
    codes, poll = table.codes("problem"), table.poll_rows()
    last = np.isin(poll, polls.last_polls())
    return tuple(str(recording.names[code]) for code in np.unique(codes[last]) if code >= 0)

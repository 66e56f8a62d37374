"""Events during runs and stages, from the polls of a recording.

A poll tells what happened since the one before, not when. So there are three numbers for every span of time:
what the polls that ended within it brought, what must have happened within it, and what can have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stem_device.runs.marks import NONE, Codes, Flags, Integers
from stem_device.runs.phases import stages
from stem_device.runs.source import PollColumns, Tables, runs_of
from stem_device.runs.table import RunTable

COUNTED = (
    ("published", "streams", "published_delta"),
    ("received", "subscriptions", "received_delta"),
    ("missed", "subscriptions", "missed_delta"),
    ("unaccounted", "subscriptions", "unaccounted_delta"),
)
"""What is counted, from which table and column."""
EVER = np.iinfo(np.int64).min
"""Before all times."""


@dataclass(frozen=True, slots=True)
class Polls:
    """n polls of all sources, in the order of source and time.

    The deltas of a poll are of what happened between ``since_utc_ns`` and ``until_utc_ns``: from the
    beginning of the poll before to the end of this one. ``counted`` is false for the first poll of a source;
    its deltas precede it, and are 0 here. Where a selection leaves the poll before out, ``since_utc_ns`` is
    EVER. ``start`` has the first poll of every source, and n. ``deltas`` are by name, see COUNTED; those in
    ``unknown`` are 0 where a file of an older format does not tell.
    """

    since_utc_ns: Integers
    until_utc_ns: Integers
    counted: Flags
    start: Integers
    deltas: Mapping[str, Integers]
    unknown: frozenset[str] = frozenset()

    @property
    def period_seconds(self) -> float:
        """The median time between the ends of two polls; NaN without two."""
        gaps = np.diff(self.until_utc_ns)[~np.isin(np.arange(1, len(self.until_utc_ns)), self.start)]
        return float(np.median(gaps)) / 1e9 if len(gaps) else float("nan")


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of each span. ``unaccounted`` may be below 0: some of before have arrived after all."""

    published: Integers
    received: Integers
    missed: Integers
    unaccounted: Integers


@dataclass(frozen=True, slots=True)
class SpanEvents:
    """Events of n spans of time: runs, or stages of them. ``run`` is the number of the run.

    ``ended_within`` is what the polls brought that ended within the span, after its begin and not after its
    end; so every event belongs to one of several spans that follow each other. ``polls`` counts these polls:
    where it is 0, the span is too short to be told from its neighbours, and ``ended_within`` says nothing.
    ``at_least`` is what polls brought that began and ended within; ``at_most`` is of all that touch it.
    What was lost may have been lost long before the poll that noticed: ``at_least`` and ``at_most`` of missed
    and unaccounted go by the interval of the loss, see :class:`stem_device.runs.losses.Losses`.
    """

    run: Integers
    begin_utc_ns: Integers
    end_utc_ns: Integers
    polls: Integers
    ended_within: Counts
    at_least: Counts
    at_most: Counts

    @property
    def resolved(self) -> Flags:
        """Whether a poll ended within the span."""
        return self.polls > 0


@dataclass(frozen=True, slots=True)
class StageEvents:
    """Events of stages; ``earlier`` and ``later`` are codes of the names of the recording."""

    earlier: Codes
    later: Codes
    events: SpanEvents


def polls_of(recording: Tables) -> Polls:
    """When the polls were, and the sum of the deltas of each."""
    polls = recording["polls"]
    source, time, counted = polls["source"], polls["time_utc_ns"], polls["counted"]
    until = time + np.round(polls["duration_seconds"] * 1e9).astype(np.int64)
    first = np.flatnonzero(np.diff(source, prepend=-1))
    start = np.append(first, len(source))
    # A clock that was set back must not make time run backwards.
    time, until = _rising(time, start), _rising(until, start)
    since = np.concatenate((time[:1], time[:-1]))
    since[first] = np.where(counted[first], EVER, time[first])
    deltas = {name: _sum(recording[table], column, counted) for name, table, column in COUNTED}
    unknown = frozenset(name for name, table, column in COUNTED if not recording[table].knows(column))
    return Polls(since, until, counted, start, deltas, unknown)


def events_per_run(
    recording: Tables, table: RunTable | None = None, polls: Polls | None = None
) -> SpanEvents:
    """One row a run, from begin (or its first mark) to end; to the last poll if it has not ended."""
    table, polls = table or runs_of(recording), polls or polls_of(recording)
    begin, end = spans_of_runs(table, polls)
    return _events(polls, intervals(recording, polls), np.arange(len(table)), begin, end)


def events_per_stage(
    recording: Tables, table: RunTable | None = None, polls: Polls | None = None
) -> StageEvents:
    """One row a stage that has come to its end, as ``stages`` has them."""
    staged = stages(table or runs_of(recording))
    polls = polls or polls_of(recording)
    lost = intervals(recording, polls)
    events = _events(polls, lost, staged.run, staged.begin_utc_ns, staged.end_utc_ns)
    return StageEvents(staged.earlier, staged.later, events)


def spans_of_runs(table: RunTable, polls: Polls) -> tuple[Integers, Integers]:
    """When every run began and ended, as far as events are concerned."""
    begin = np.where(table.begun_utc_ns == NONE, table.first_utc_ns, table.begun_utc_ns)
    last = np.maximum(table.last_utc_ns, polls.until_utc_ns.max(initial=0))
    return begin, np.where(table.ended, table.ended_utc_ns, last)


def _rising(values: Integers, start: Integers) -> Integers:
    sources = np.split(values, start[1:-1])
    return np.concatenate([np.maximum.accumulate(own) for own in sources])


def _sum(table: PollColumns, column: str, counted: Flags) -> Integers:
    deltas = table.masked(column).filled(0)
    some = np.flatnonzero(deltas)
    # Exact up to 2^53 events.
    sums = np.bincount(table.poll_rows()[some], weights=deltas[some], minlength=len(counted))
    return np.where(counted, sums, 0).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Losses, one row a subscription and poll, in the order of their notice; ``row`` is that of the table.

    Lost between ``since_utc_ns`` (the last moment at which nothing was lost yet; where the file does not tell
    it, the poll before) and ``until_utc_ns``, the end of the poll that noticed.
    """

    row: Integers
    since_utc_ns: Integers
    until_utc_ns: Integers
    missed: Integers
    unaccounted: Integers


def intervals(recording: Tables, polls: Polls) -> Intervals:
    """All losses between the first and the last poll."""
    table = recording["subscriptions"]
    missed = table["missed_delta"]
    unaccounted = np.maximum(table.masked("unaccounted_delta").filled(0), 0)
    rows = np.flatnonzero((missed > 0) | (unaccounted > 0))
    poll = table.poll_rows()[rows]
    rows, poll = rows[polls.counted[poll]], poll[polls.counted[poll]]
    by_time = np.argsort(polls.until_utc_ns[poll], kind="stable")
    rows, poll = rows[by_time], poll[by_time]
    onset = table.masked("lost_since_utc_ns").filled(NONE)[rows]
    until = polls.until_utc_ns[poll]
    since = np.where(onset == NONE, polls.since_utc_ns[poll], np.minimum(onset, until))
    return Intervals(rows, since, until, missed[rows], unaccounted[rows])


def _lost_within(lost: Intervals, begin: Integers, end: Integers) -> Integers:
    """Missed and unaccounted of each span: certainly within it, and at most. Shape (2, 2, spans)."""
    values = np.stack([lost.missed, lost.unaccounted])
    found = np.zeros((2, 2, len(begin)), dtype=np.int64)
    if not len(lost.row):
        return found
    # A span does not touch what ended before it, or began after it: never both.
    by_since = np.argsort(lost.since_utc_ns, kind="stable")
    ended = np.searchsorted(lost.until_utc_ns, begin, side="right")
    begun = np.searchsorted(lost.since_utc_ns[by_since], end, side="left")
    for what in range(2):
        before = np.concatenate([[0], np.cumsum(values[what])])
        first = np.concatenate([[0], np.cumsum(values[what][by_since])])
        found[1, what] = np.where(end >= begin, np.maximum(first[begun] - before[ended], 0), 0)
    beyond = np.searchsorted(lost.until_utc_ns, end, side="right")
    for span in np.flatnonzero(beyond > ended).tolist():
        own = slice(ended[span], beyond[span])
        inside = lost.since_utc_ns[own] >= begin[span]
        found[0, :, span] = values[:, own][:, inside].sum(axis=1)
    return found


def _events(polls: Polls, lost: Intervals, run: Integers, begin: Integers, end: Integers) -> SpanEvents:
    """Sum over the sources; each has polls of its own."""
    total = np.zeros((3, len(COUNTED), len(run)), dtype=np.int64)
    ended = np.zeros(len(run), dtype=np.int64)
    for a, b in pairwise(polls.start.tolist()):
        bounds = _bounds(polls.since_utc_ns[a:b], polls.until_utc_ns[a:b], begin, end)
        ended += _between(polls.counted[a:b], bounds[0])
        for which, what in np.ndindex(3, len(COUNTED)):
            total[which, what] += _between(polls.deltas[COUNTED[what][0]][a:b], bounds[which])
    total[1:, 2:] = _lost_within(lost, begin, end)
    return SpanEvents(run, begin, end, ended, *(Counts(*total[which]) for which in range(3)))


def _bounds(
    since: Integers, until: Integers, begin: Integers, end: Integers
) -> list[tuple[Integers, Integers]]:
    """First poll, and first one beyond, that ended within each span; that is inside; that touches it."""
    after_begin = np.searchsorted(until, begin, side="right")
    after_end = np.searchsorted(until, end, side="right")
    inside = np.searchsorted(since, begin, side="left")
    touching = np.searchsorted(since, end, side="left")
    return [(after_begin, after_end), (inside, after_end), (after_begin, touching)]


def _between(values: Integers | Flags, bounds: tuple[Integers, Integers]) -> Integers:
    """The sum of ``values[first:beyond]`` for each pair of bounds."""
    first, beyond = bounds
    sums = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    between: Integers = sums[np.maximum(first, beyond)] - sums[first]
    return between

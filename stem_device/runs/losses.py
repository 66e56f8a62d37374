"""Who lost what during which run and phase, each loss with the interval in which it happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.runs.during import Polls, intervals, polls_of, spans_of_runs
from stem_device.runs.marks import Codes, Integers, Names
from stem_device.runs.source import Tables, runs_of
from stem_device.runs.table import RunTable


@dataclass(frozen=True, slots=True)
class Losses:
    """What subscriptions missed, or has become unaccounted: one row a run and poll and subscription.

    The events were lost between ``since_utc_ns`` and ``until_utc_ns`` (see ``during.Intervals``); a run has
    every loss whose interval overlaps it, and ``runs`` says how many have this one: where it is more than one
    nobody knows whose it was. ``first_after`` and ``after`` are the latest marks of the run before the
    interval, as far as it lies in the run, and before its end: where they differ, the phases share the loss.
    """

    run: Integers
    since_utc_ns: Integers
    until_utc_ns: Integers
    runs: Integers
    first_after: Names
    after: Names
    server: Names
    publisher: Names
    stream: Names
    missed: Integers
    unaccounted: Integers


def losses(recording: Tables, table: RunTable | None = None, polls: Polls | None = None) -> Losses:
    """Of all runs. Runs that never ended last until the last poll."""
    table, polls = table or runs_of(recording), polls or polls_of(recording)
    begin, end = spans_of_runs(table, polls)
    lost = intervals(recording, polls)
    at, run = _overlapping(lost.since_utc_ns, lost.until_utc_ns, begin, end)
    shared = np.bincount(at, minlength=len(lost.row))
    subscriptions = recording["subscriptions"]
    since, until = lost.since_utc_ns[at], lost.until_utc_ns[at]
    return Losses(
        run=run,
        since_utc_ns=since,
        until_utc_ns=until,
        runs=shared[at],
        first_after=_latest_mark(table, run, np.maximum(since, begin[run] + 1)),
        after=_latest_mark(table, run, np.minimum(until, end[run])),
        missed=lost.missed[at],
        unaccounted=lost.unaccounted[at],
        **{name: _texts(recording, subscriptions.codes(name)[lost.row[at]]) for name in _WHO},
    )


_WHO = ("server", "publisher", "stream")


def _overlapping(
    since: Integers, until: Integers, begin: Integers, end: Integers
) -> tuple[Integers, Integers]:
    """Losses (in the order of ``until``) and runs that overlap, by run."""
    pieces = [np.empty((2, 0), dtype=np.int64)]
    first = np.searchsorted(until, begin, side="right")
    for run in range(len(begin)):
        own = first[run] + np.flatnonzero(since[first[run] :] < end[run])
        pieces.append(np.stack([own, np.full(len(own), run)]))
    at, runs = np.concatenate(pieces, axis=1)
    return at, runs


def _latest_mark(table: RunTable, run: Integers, time: Integers) -> Names:
    """The name of the latest mark of each run that was emitted before ``time``."""
    marks = table.marks
    moments = np.unique(np.concatenate((marks.emitted_utc_ns, time)))
    keys = marks.run * len(moments) + np.searchsorted(moments, marks.emitted_utc_ns)
    at = np.searchsorted(keys, run * len(moments) + np.searchsorted(moments, time), side="left") - 1
    before = (at >= 0) & (marks.run[at] == run) if len(marks.run) else np.zeros(len(run), dtype=bool)
    names = np.full(len(run), None, dtype=object)
    names[before] = table.names[marks.name[at[before]]]
    return names


def _texts(recording: Tables, codes: Codes) -> Names:
    texts = np.full(len(codes), None, dtype=object)
    texts[codes >= 0] = recording.names[codes[codes >= 0]]
    return texts

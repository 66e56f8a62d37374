"""Which servers answered and were sampled, when, and what no poll tells of."""

from __future__ import annotations

import numpy as np

from stem_device.reading import Recording
from stem_device.statistics.polls import INTERVALS_TOLD, Flags, Integers, Polls, is_long
from stem_device.statistics.results import (
    Coverage,
    LongInterval,
    NotCovered,
    Problem,
    SilentServer,
    UnsampledServer,
)
from stem_device.statistics.rows import CountedRows
from stem_device.statistics.source_choice import Choice
from stem_device.statistics.sums import group_sum, rate

PROBLEMS_TOLD = 100


class Availability:
    """The table ``servers``, by server (index into Choice)."""

    def __init__(self, recording: Recording, polls: Polls, choice: Choice) -> None:
        self._names = recording.names
        self._choice = choice
        self._polls = polls
        rows = CountedRows(recording, "servers", polls, choice)
        self._rows = rows
        self._size = len(choice.names)
        seconds = polls.interval_seconds[rows.poll]
        # A single poll covers no time; then every poll weighs the same.
        self._weight = seconds if seconds.any() else np.ones(len(rows))
        self.seconds = group_sum(rows.server, seconds, self._size)
        self._answered: Flags = rows.column("age_seconds") == 0
        self.followed: Flags = np.zeros(self._size, dtype=np.bool_)
        self.followed[rows.server] = rows.column("followed") != 0
        self.disconnected, self.worst_disconnected = self._connections()

    def states(self) -> list[dict[str, float]]:
        """Of every server the share of the time in each state, the largest first."""
        codes, state = np.unique(self._rows.codes("state"), return_inverse=True)
        labels = [str(self._names[code]) for code in codes]
        key = self._rows.server * len(codes) + state
        seconds = group_sum(key, self._weight, self._size * len(codes)).reshape(self._size, len(codes))
        return [
            {
                labels[column]: float(row[column] / row.sum())
                for column in np.argsort(-row, kind="stable").tolist()
                if row[column] > 0
            }
            for row in seconds
        ]

    def coverage(self) -> tuple[Coverage, list[Coverage]]:
        """Samples against events, where both are known: overall and by server."""
        events = self._rows.delta("sampled_events")
        samples = self._rows.column("publisher_samples") + self._rows.column("subscriber_samples")
        sampled = np.minimum(samples, events)
        by_server = [
            Coverage(int(happened), int(told), rate(told, happened))
            for happened, told in zip(
                group_sum(self._rows.server, events, self._size).tolist(),
                group_sum(self._rows.server, sampled, self._size).tolist(),
                strict=True,
            )
        ]
        happened, told = int(events.sum()), int(sampled.sum())
        return Coverage(happened, told, rate(told, happened)), by_server

    def total_disconnected(self) -> tuple[int, int]:
        """Subscriptions being retried in the last polls, and at most in any one poll."""
        number = self._rows.column("disconnected") * self._answered
        by_poll = np.bincount(self._rows.poll, number, len(self._polls))
        return int(self.disconnected.sum()), int(by_poll.max(initial=0))

    def silent_servers(self) -> tuple[SilentServer, ...]:
        """Servers that did not answer in every poll, those with the longest silence first."""
        rows, size = self._rows, self._size
        silent = ~self._answered
        polls = group_sum(rows.server, np.ones(len(rows)), size).astype(np.int64)
        number = group_sum(rows.server, silent, size).astype(np.int64)
        seconds = group_sum(rows.server, silent * self._polls.interval_seconds[rows.poll], size)
        last = np.full(size, -1)
        last[rows.server[silent]] = np.flatnonzero(silent)
        states, reasons = rows.codes("state"), rows.codes("reason")
        order = np.lexsort((-number, -seconds))
        return tuple(
            SilentServer(
                self._choice.names[server],
                int(polls[server]),
                int(number[server]),
                float(seconds[server]),
                self._text(states[last[server]]),
                self._text(reasons[last[server]]),
            )
            for server in order[number[order] > 0].tolist()
        )

    def unsampled_servers(self) -> tuple[UnsampledServer, ...]:
        """Servers that were not sampled all the time, or whose samples others took."""
        rows, size = self._rows, self._size
        answered = group_sum(rows.server, self._weight * self._answered, size)
        without = (rows.column("sampling") == 0) & self._answered
        unsampled = group_sum(rows.server, self._weight * without, size)
        drained = group_sum(rows.server, rows.column("drained_by_others"), size).astype(np.int64)
        share = np.divide(unsampled, answered, out=np.zeros(size), where=answered > 0)
        order = np.lexsort((-drained, -share))
        return tuple(
            UnsampledServer(self._choice.names[server], float(share[server]), int(drained[server]))
            for server in order[(share[order] > 0) | (drained[order] > 0)].tolist()
        )

    def _connections(self) -> tuple[Integers, Integers]:
        number = self._rows.column("disconnected")
        last, worst = np.zeros(self._size, dtype=np.int64), np.zeros(self._size, dtype=np.int64)
        np.maximum.at(worst, self._rows.server, number)
        order = np.argsort(self._polls.time_utc_ns[self._rows.poll], kind="stable")
        last[self._rows.server[order]] = number[order]
        return last, worst

    def _text(self, code: int) -> str:
        return str(self._names[code]) if code >= 0 else ""


def not_covered(recording: Recording, availability: Availability, polls: Polls, choice: Choice) -> NotCovered:
    """All that the numbers do not tell of."""
    return NotCovered(
        silent_servers=availability.silent_servers(),
        long_intervals=_long_intervals(polls),
        unsampled_servers=availability.unsampled_servers(),
        left_out=choice.left_out,
        problems=_problems(recording),
    )


def _long_intervals(polls: Polls) -> tuple[LongInterval, ...]:
    """Those that are long, and those with polls that are not in these files; the longest first."""
    if not len(polls):
        return ()
    long = is_long(polls.steps, polls.usual[polls.source]) | (polls.missing > 0)
    rows = np.flatnonzero(long)
    rows = rows[np.argsort(-polls.steps[rows], kind="stable")][:INTERVALS_TOLD]
    return tuple(
        LongInterval(
            int(polls.source[row]),
            int(polls.time_utc_ns[row - 1]),
            int(polls.time_utc_ns[row]),
            float(polls.steps[row]),
            int(polls.missing[row]),
        )
        for row in rows.tolist()
    )


def _problems(recording: Recording) -> tuple[Problem, ...]:
    codes, counts = np.unique(recording["problems"].codes("problem"), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:PROBLEMS_TOLD]
    return tuple(
        Problem(str(recording.names[codes[row]]), int(counts[row]))
        for row in order.tolist()
        if codes[row] >= 0
    )

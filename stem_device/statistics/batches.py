"""A recording cut into pieces of equally many polls, and what each piece counted.

What happens within a piece may hang together (losses come in bursts, samples of one poll have much in
common); what happens in different pieces hardly does, as long as a burst is short against a piece. This
is the method of batch means (Law, Simulation Modeling and Analysis, chapter on output data of a single
system).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from stem_device.model.poll import PHASE_LABELS
from stem_device.model.sample_timings import micros
from stem_device.reading import Recording
from stem_device.statistics.bursts import Bursts, bursts_of
from stem_device.statistics.distribution import Grouping
from stem_device.statistics.polls import Flags, Floats, Integers, Polls
from stem_device.statistics.rows import CountedRows
from stem_device.statistics.source_choice import Choice
from stem_device.statistics.sums import UNKNOWN, group_sum, overdue_by, unknown_overdue_by
from stem_device.statistics.timing import TIMINGS, Timing
from stem_device.telemetry import DURATION_FILE_PREFIX
from stem_device.telemetry.names import HALTS

PIECES = 20
QUANTILES = {"median": (0.5, 5), "p99": (0.99, 100)}
"""By name the share, and how many samples a piece must have for it. Of fewer than 100 the 99 % quantile is
hardly another number than the largest one; a median of three changes with each of them."""
_SHARES = np.array([share for share, _ in QUANTILES.values()])
_FEWEST = np.array([fewest for _, fewest in QUANTILES.values()])


@dataclass(frozen=True, slots=True)
class Loss:
    """Of each subscription (n) and piece: events missed, expected, overdue summed over polls, and polls.

    ``subjects`` are (server, stream) in full; ``polls`` counts those where overdue is known; ``unaccounted``
    is NaN where nobody knows.
    """

    subjects: tuple[tuple[str, str], ...]
    missed: Floats
    expected: Floats
    overdue: Floats
    polls: Floats
    unaccounted: Floats

    def renamed(self, names: Mapping[str, str]) -> Loss:
        """Under other names; subjects that become one are added up."""
        subjects = [(names[server], names[stream]) for server, stream in self.subjects]
        unique = {subject: row for row, subject in enumerate(dict.fromkeys(subjects))}
        rows = np.array([unique[subject] for subject in subjects], dtype=np.int64)
        columns = (self.missed, self.expected, self.overdue, self.polls, self.unaccounted)
        return Loss(tuple(unique), *(_added(values, rows, len(unique)) for values in columns))


@dataclass(frozen=True, slots=True)
class Rates:
    """Of each server (n) and piece: events a second; NaN in pieces of which no time is known."""

    servers: tuple[str, ...]
    published: Floats
    received: Floats
    published_overall: Floats
    received_overall: Floats

    def renamed(self, names: Mapping[str, str]) -> Rates:
        """Under other names."""
        return replace(self, servers=tuple(names[server] for server in self.servers))


class Batches:
    """One recording (or selection) in at most PIECES pieces."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.polls = Polls(recording)
        self._choice = Choice(recording, self.polls)
        counted = np.flatnonzero(self.polls.counts)
        self.number = min(PIECES, len(counted))
        ranked = counted[np.argsort(self.polls.time_utc_ns[counted], kind="stable")]
        # The poll that does not count belongs to no piece; its rows fall into one that is cut off.
        self._piece: Integers = np.full(len(self.polls), self.number, dtype=np.int64)
        self._piece[ranked] = np.arange(len(ranked)) * self.number // max(len(ranked), 1)

    def loss(self) -> Loss:
        """Missed and overdue events."""
        rows = CountedRows(self._recording, "subscriptions", self.polls, self._choice)
        key = rows.server << 32 | rows.codes("stream").astype(np.int64)
        keys, group = np.unique(key, return_inverse=True)
        missed, received = rows.column("missed_delta"), rows.column("received_delta")
        overdue = rows.column("overdue")
        return Loss(
            subjects=tuple(
                (self._choice.names[server], str(self._recording.names[name]))
                for server, name in zip((keys >> 32).tolist(), (keys & 0xFFFFFFFF).tolist(), strict=True)
            ),
            missed=self._sum(rows, group, missed, len(keys)),
            expected=self._sum(rows, group, missed + received, len(keys)),
            overdue=self._sum(rows, group, np.maximum(overdue, 0), len(keys)),
            polls=self._sum(rows, group, overdue >= 0, len(keys)),
            unaccounted=self._sum(rows, group, rows.known("unaccounted_delta"), len(keys)),
        )

    def bursts(self) -> Bursts:
        """How what was missed or unaccounted is spread in time."""
        rows = CountedRows(self._recording, "subscriptions", self.polls, self._choice)
        lost = rows.column("missed_delta") + np.nan_to_num(np.maximum(rows.known("unaccounted_delta"), 0))
        return bursts_of(group_sum(rows.poll, lost, len(self.polls)), self.polls)

    def overdue_at_end(self) -> tuple[int | None, int]:
        """Overdue events in the last polls, None where nobody knows; subscriptions where it is unknown."""
        rows = CountedRows(self._recording, "subscriptions", self.polls, self._choice)
        whole, overdue = np.zeros(len(rows), dtype=np.int64), rows.column("overdue")
        last, _ = overdue_by(whole, rows, overdue, self.polls, 1)
        unknown = unknown_overdue_by(whole, rows, overdue, self.polls, 1)
        return (None if last[0] == UNKNOWN else int(last[0])), int(unknown[0])

    def rates(self) -> Rates:
        """Events published and received."""
        size = len(self._choice.names)
        servers = CountedRows(self._recording, "servers", self.polls, self._choice)
        interval = self.polls.interval_seconds[servers.poll]
        seconds = self._sum(servers, servers.server, interval, size)
        published = self._events("streams", "published_delta", size)
        received = self._events("subscriptions", "received_delta", size)
        return Rates(
            servers=tuple(self._choice.names),
            published=_divided(published, seconds),
            received=_divided(received, seconds),
            published_overall=_divided(published.sum(axis=0), seconds.max(axis=0, initial=0)),
            received_overall=_divided(received.sum(axis=0), seconds.max(axis=0, initial=0)),
        )

    def timings(self) -> dict[tuple[str, str, str], Floats]:
        """Quantiles of the samples of each piece, by timing, quantile and server ("" for all of them).

        Of single servers only those timings of which longer is worse.
        """
        found: dict[tuple[str, str, str], Floats] = {}
        for table in ("publisher_samples", "subscriber_samples"):
            rows = CountedRows(self._recording, table, self.polls, self._choice)
            piece = self._piece[rows.poll]
            inside = piece < self.number
            whole = Grouping(np.where(inside, piece, -1), self.number)
            own = np.where(inside & (rows.server >= 0), rows.server * self.number + piece, -1)
            by_server = Grouping(own, len(self._choice.names) * self.number)
            for timing in TIMINGS:
                if timing.table == table:
                    found |= self._quantiles(rows, timing, whole, by_server)
        return found

    def telemetry(self) -> dict[tuple[str, str, str], Floats]:
        """Quantiles of the measurements of each piece, in microseconds: by kind, quantile and label.

        Only what is a duration: of the program, or one that it stood still for.
        """
        table, names = self._recording["telemetry"], self._recording.names
        if not len(table):
            return {}
        key = table.codes("kind").astype(np.int64) * len(names) + table.codes("label")
        keys, label = np.unique(key, return_inverse=True)
        subjects = [_measured(str(names[one // len(names)]), str(names[one % len(names)])) for one in keys]
        wanted = np.array([bool(kind) for kind, _ in subjects])
        piece = self._piece[table.poll_rows()]
        own = np.where(wanted[label] & (piece < self.number), label * self.number + piece, -1)
        grouping = Grouping(own, len(keys) * self.number)
        found = grouping.quantiles(table["value"] * 1e6, _SHARES, _FEWEST)
        return {
            (kind, name, label): row
            for name, matrix in zip(QUANTILES, found.reshape(-1, len(keys), self.number), strict=True)
            for (kind, label), row in zip(subjects, matrix, strict=True)
            if kind
        }

    def _quantiles(
        self, rows: CountedRows, timing: Timing, whole: Grouping, by_server: Grouping
    ) -> dict[tuple[str, str, str], Floats]:
        values = micros(timing.of, rows.column)
        found = {
            (timing.name, name, ""): row
            for name, row in zip(QUANTILES, whole.quantiles(values, _SHARES, _FEWEST), strict=True)
        }
        if timing.worse_if_higher:
            servers = self._choice.names
            matrices = by_server.quantiles(values, _SHARES, _FEWEST).reshape(-1, len(servers), self.number)
            found |= {
                (timing.name, name, server): row
                for name, matrix in zip(QUANTILES, matrices, strict=True)
                for server, row in zip(servers, matrix, strict=True)
            }
        return found

    def _events(self, table: str, column: str, size: int) -> Floats:
        rows = CountedRows(self._recording, table, self.polls, self._choice)
        return self._sum(rows, rows.server, rows.column(column), size)

    def _sum(
        self, rows: CountedRows, group: Integers, values: Integers | Floats | Flags, size: int
    ) -> Floats:
        """Sums by group and piece: (size, pieces)."""
        wide = self.number + 1
        key = group * wide + self._piece[rows.poll]
        return group_sum(key, values, size * wide).reshape(size, wide)[:, : self.number]


def _measured(kind: str, label: str) -> tuple[str, str]:
    """As :class:`.comparison_results.Kind` has it; "" for totals and sizes, and for the monitor's own polls.

    A comparison is of what was monitored: a check of it must not fail as a monitor has more to do.
    """
    if kind == DURATION_FILE_PREFIX:
        return "" if label in PHASE_LABELS else "duration", label
    return "halt" if label.startswith(HALTS) else "", label


def _added(values: Floats, rows: Integers, size: int) -> Floats:
    sums = np.zeros((size, values.shape[1]))
    np.add.at(sums, rows, values)
    return sums


def _divided(events: Floats, seconds: Floats) -> Floats:
    rates: Floats = np.divide(events, seconds, out=np.full(events.shape, np.nan), where=seconds > 0)
    return rates

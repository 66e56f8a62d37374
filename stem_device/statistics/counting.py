"""What every stream and every subscription counted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stem_device.reading import Recording
from stem_device.statistics.polls import Flags, Floats, Integers, Polls
from stem_device.statistics.rows import CountedRows
from stem_device.statistics.source_choice import Choice
from stem_device.statistics.sums import Sums, group_sum, overdue_by, unknown_overdue_by


@dataclass(frozen=True, slots=True)
class Groups:
    """Streams, or subscriptions: by server (index into Choice) and name (row of ``Recording.names``).

    ``stream`` and ``publisher`` are names too; of a stream its own, and -1.
    ``lived``: it was there in some poll; ``ended``: it is no more in the last one that tells of it.
    """

    server: Integers
    name: Integers
    stream: Integers
    publisher: Integers
    sums: Sums
    lived: Flags
    ended: Flags

    def __len__(self) -> int:
        return len(self.server)


def count_streams(recording: Recording, polls: Polls, choice: Choice) -> Groups:
    """Published events and resets by stream."""
    rows = CountedRows(recording, "streams", polls, choice)
    group, server, name, _ = _grouped(rows, rows.codes("stream"))
    size = len(server)
    sums = replace(
        Sums.zeros(size),
        published=group_sum(group, rows.delta("published_delta"), size),
        resets=group_sum(group, rows.rise("resets_total", group), size),
    )
    nowhere = np.full(size, -1, dtype=np.int64)
    return Groups(server, name, name, nowhere, sums, np.ones(size, np.bool_), np.zeros(size, np.bool_))


def count_subscriptions(recording: Recording, polls: Polls, choice: Choice) -> tuple[Groups, Sums, Sums]:
    """Received, missed and so on: by subscription, by server, and all together (one row)."""
    rows = CountedRows(recording, "subscriptions", polls, choice)
    group, server, topic, first = _grouped(rows, rows.codes("topic"))
    by_subscription = _sums(rows, group, polls, len(server))
    lived, ended = _lives(rows, group, len(server))
    groups = Groups(
        server,
        topic,
        rows.codes("stream")[first],
        rows.codes("publisher")[first],
        by_subscription,
        lived,
        ended,
    )
    overdue, size = rows.column("overdue"), len(choice.names)
    whole = np.zeros(len(rows), dtype=np.int64)
    return (
        groups,
        _folded(by_subscription, server, size, overdue_by(rows.server, rows, overdue, polls, size)),
        _folded(by_subscription, np.zeros_like(server), 1, overdue_by(whole, rows, overdue, polls, 1)),
    )


def _lives(rows: CountedRows, group: Integers, size: int) -> tuple[Flags, Flags]:
    """Whether each group was there in some poll, and whether it is no more in its last one."""
    ended: Flags = rows.column("ended") != 0
    lived = group_sum(group, ~ended, size) > 0
    last = np.zeros(size, dtype=np.int64)
    order = np.argsort(rows.poll, kind="stable")
    last[group[order]] = order
    return lived, ended[last] if len(rows) else np.zeros(size, np.bool_)


def _grouped(rows: CountedRows, names: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    """Group of each row; server, name and first row of each group."""
    key = rows.server << 32 | names.astype(np.int64)
    keys, first, group = np.unique(key, return_index=True, return_inverse=True)
    return group, keys >> 32, keys & 0xFFFFFFFF, first


def _sums(rows: CountedRows, group: Integers, polls: Polls, size: int) -> Sums:
    flagged: Flags = rows.delta("missed_at_least") > 0
    last, worst = overdue_by(group, rows, rows.column("overdue"), polls, size)
    return Sums(
        published=np.zeros(size),
        received=group_sum(group, rows.delta("received_delta"), size),
        missed=group_sum(group, rows.delta("missed_delta"), size),
        gaps=group_sum(group, rows.delta("gaps_delta"), size),
        discarded=group_sum(group, rows.rise("discarded_total", group), size),
        resets=group_sum(group, rows.rise("resets_total", group), size),
        missed_at_least=group_sum(group, flagged, size) > 0,
        overdue=last,
        worst_overdue=worst,
        unaccounted=group_sum(group, rows.known_delta("unaccounted_delta"), size),
        missed_before=group_sum(group, rows.rise("missed_before", group), size),
        unobserved=group_sum(group, rows.rise("unobserved_total", group), size),
        overdue_unknown=unknown_overdue_by(group, rows, rows.column("overdue"), polls, size),
    )


def _folded(sums: Sums, into: Integers, size: int, overdue: tuple[Floats, Floats]) -> Sums:
    """Sums of ``sums`` by ``into``, but for overdue and its worst, which do not add up over moments."""
    return Sums(
        published=np.zeros(size),
        received=group_sum(into, sums.received, size),
        missed=group_sum(into, sums.missed, size),
        gaps=group_sum(into, sums.gaps, size),
        discarded=group_sum(into, sums.discarded, size),
        resets=group_sum(into, sums.resets, size),
        missed_at_least=group_sum(into, sums.missed_at_least, size) > 0,
        overdue=overdue[0],
        worst_overdue=overdue[1],
        unaccounted=group_sum(into, sums.unaccounted, size),
        missed_before=group_sum(into, sums.missed_before, size),
        unobserved=group_sum(into, sums.unobserved, size),
        overdue_unknown=group_sum(into, sums.overdue_unknown, size),
    )


def match_streams(names: list[str], streams: Groups, subscriptions: Groups, choice: Choice) -> Integers:
    """The stream (row of ``streams``) of every subscription; -1 where its publisher is not monitored.

    ``names`` are those of the recording in lower case. Where several servers publish one name, the
    publisher's admin device decides.
    """
    known: dict[str, list[int]] = {}
    for row, name in enumerate(streams.name.tolist()):
        known.setdefault(names[name], []).append(row)
    publishers = [choice.names[server].lower() for server in streams.server.tolist()]

    def found(stream: int, publisher: int) -> int:
        rows = known.get(names[stream], [])
        same = rows if len(rows) == 1 else [row for row in rows if publishers[row] == names[publisher]]
        return same[0] if len(same) == 1 else -1

    pairs = zip(subscriptions.stream.tolist(), subscriptions.publisher.tolist(), strict=True)
    return np.array([found(stream, publisher) for stream, publisher in pairs], dtype=np.int64)


def with_published(subscriptions: Sums, streams: Sums, match: Integers) -> Sums:
    """Subscriptions with what their streams published; NaN where that is not known."""
    published = np.append(streams.published, np.nan)[match]
    return replace(subscriptions, published=published)


def shared_streams(names: list[str], streams: Groups, subscriptions: Groups, match: Integers) -> Flags:
    """Streams whose name several servers publish, where nobody knows which of them somebody subscribes to.

    That is so without a database, where the names of servers collapse.
    """
    unmatched = {names[stream] for stream in subscriptions.stream[match < 0].tolist()}
    return np.array([names[name] in unmatched for name in streams.name.tolist()], dtype=np.bool_)


def with_losses(streams: Sums, subscriptions: Sums, match: Integers, shared: Flags) -> Sums:
    """Streams with what all their subscriptions received and missed; NaN for ``shared`` ones.

    ``overdue`` is the sum over subscriptions, ``worst_overdue`` the worst of any one.
    """
    size = len(streams.published)

    def told(values: Floats) -> Floats:
        return np.where(shared, np.nan, group_sum(match, values, size))

    tell = match[subscriptions.worst_overdue >= 0]
    known = (group_sum(tell, np.ones(len(tell)), size) > 0) & ~shared
    worst = np.full(size + 1, -1.0)
    np.maximum.at(worst, match, subscriptions.worst_overdue)
    overdue = group_sum(match, np.maximum(subscriptions.overdue, 0), size)
    return replace(
        streams,
        received=told(subscriptions.received),
        missed=told(subscriptions.missed),
        gaps=told(subscriptions.gaps),
        discarded=told(subscriptions.discarded),
        unaccounted=told(subscriptions.unaccounted),
        missed_before=told(subscriptions.missed_before),
        unobserved=told(subscriptions.unobserved),
        overdue_unknown=group_sum(match, subscriptions.overdue_unknown, size),
        missed_at_least=group_sum(match, subscriptions.missed_at_least, size) > 0,
        overdue=np.where(known, overdue, -1.0),
        worst_overdue=np.where(known, worst[:size], -1.0),
    )

"""Facts of a span that goes on, from one Snapshot after the other; no Snapshot is kept."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import structs

from stem_device.analysis.facts import (
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
from stem_device.analysis.verdict import Verdict, judge
from stem_device.analysis.window import BlindWindow, Key, LossWindow, nameless
from stem_device.model import snapshot as model
from stem_device.model.finding import Cause
from stem_device.model.poll import Failure, ServerState
from stem_device.model.rows import live_count, live_topics, troubled
from stem_device.model.snapshot import Counts, ServerRecord, Snapshot, SubscriptionRecord

MAX_LISTENERS = 3
"""Listeners to a server that are told by name."""

FAILURE_OF_STATE = {
    ServerState.NOT_EXPORTED: Failure.NOT_EXPORTED,
    ServerState.UNSUPPORTED: Failure.UNSUPPORTED,
    ServerState.TAPPED: Failure.UNSUPPORTED,
    ServerState.FAILING: Failure.ERROR,
    ServerState.UNREACHABLE: Failure.SILENT,
}
"""What a state means where no failure is told, as in recordings of version 0.1."""


class _Since(NamedTuple):
    """How long something has been so: polls in a row, and when it began."""

    polls: int
    monotonic_ns: int


class Running:
    """The verdict over the last ``hold_seconds``, or over everything since the first Snapshot.

    ``judged`` is what the last Snapshot led to. Memory: a Loss for at most MAX_LOSSES subscriptions, the
    names of those that are known, and a few numbers for whatever waits now. One thread at a time.
    ``ResetCounters`` begins a new span. ``once``: there will be one poll alone.
    """

    def __init__(self, patience: Patience, hold_seconds: float = math.inf, *, once: bool = False) -> None:
        self._patience = patience
        self._hold_seconds = hold_seconds
        self._once = once
        self._begin(0, 0)
        self.judged: Verdict | None = None

    def take(self, snapshot: Snapshot) -> Verdict:
        """The verdict with one more poll."""
        if self._totals_since != snapshot.monitoring_since_utc_ns:
            self._begin(snapshot.monitoring_since_utc_ns, snapshot.time_utc_ns)
        self.judged = judge(self._facts(snapshot), self._patience)
        return self.judged

    def _begin(self, totals_since_utc_ns: int, now_utc_ns: int) -> None:
        self._totals_since = totals_since_utc_ns
        self._begun_utc_ns = now_utc_ns
        self._polls = 0
        self._window = LossWindow(self._hold_seconds)
        self._blind = BlindWindow(self._hold_seconds)
        self._counts: Counts | None = None
        self._poll_utc_ns = now_utc_ns
        self._overdue: dict[Key, Overdue] = {}
        self._silent: dict[str, _Since] = {}
        self._retried: dict[Key, int] = {}
        self._uncertain: list[tuple[int, tuple[int, ...]]] = []
        self._told: tuple[int, ...] = ()
        self._unseen: dict[str, int] = {}
        self._known = KnownSubscriptions(self._hold_seconds)

    def _facts(self, snapshot: Snapshot) -> Facts:
        self._polls += 1
        self._count_losses(snapshot)
        self._overdue = dict(self._overdue_now(snapshot.servers))
        silences = self._silences(snapshot)
        disconnected = self._disconnected(snapshot.servers)
        unseen = self._unseen_streams(snapshot)
        unobserved, missed_before, unbalanced, departed = self._uncertain_counts(snapshot)
        unknown = snapshot.counts.overdue_unknown - snapshot.departed.overdue_unknown
        self._counts, self._poll_utc_ns = snapshot.counts, snapshot.time_utc_ns
        losses = self._with_received(self._window.losses(), snapshot.servers)
        return Facts(
            span=self._span(snapshot),
            coverage=self._known.take(snapshot),
            missed=sum(loss.missed for loss in losses),
            unaccounted=sum(loss.unaccounted for loss in losses),
            at_least=any(loss.at_least for loss in losses),
            losses=tuple(loss for loss in losses if loss.server),
            losers=len(losses),
            overdue=tuple(self._overdue.values()),
            silences=silences,
            disconnected=disconnected,
            overdue_unknown=unknown + departed,
            unseen=unseen,
            unobserved=unobserved,
            missed_before=missed_before,
            unbalanced=unbalanced,
            blind=self._blind.take(snapshot),
            problems=snapshot.problems,
            once=self._once,
        )

    def _span(self, snapshot: Snapshot) -> Span:
        if math.isinf(self._hold_seconds):
            return Span(self._begun_utc_ns, snapshot.time_utc_ns, self._polls)
        begin = snapshot.time_utc_ns - round(self._hold_seconds * 1e9)
        return Span(
            max(begin, self._begun_utc_ns), snapshot.time_utc_ns, self._polls, hold_seconds=self._hold_seconds
        )

    def _with_received(self, losses: tuple[Loss, ...], servers: Iterable[ServerRecord]) -> tuple[Loss, ...]:
        """What the losers received; in a span that moves on nobody counts that."""
        if not losses or not math.isinf(self._hold_seconds):
            return losses
        received = {
            (server.name, row.topic): row.received_total
            for server in servers
            for row in server.subscriptions
            if row.missed_total
        }
        return tuple(structs.replace(one, received=received.get((one.server, one.topic))) for one in losses)

    def _count_losses(self, snapshot: Snapshot) -> None:
        now = snapshot.monotonic_ns
        self._window.forget(now)
        missed = unaccounted = 0
        for server in snapshot.servers:
            answered = server.state is ServerState.MONITORED
            for row in troubled(server.subscriptions):
                # The record of a server that did not answer stays as it was; what ended may be told then.
                if (row.missed_delta or row.unaccounted_delta) and (answered or row.ended):
                    missed += row.missed_delta
                    unaccounted += row.unaccounted_delta
                    self._window.add(self._loss(server.name, row, snapshot), now)
        self._count_nameless(snapshot, missed, unaccounted)
        self._window.cut()

    def _loss(self, server: str, row: SubscriptionRecord, snapshot: Snapshot) -> Loss:
        since = row.lost_since_utc_ns
        return Loss(
            server=server,
            topic=row.topic,
            stream=row.stream,
            publisher=row.publisher,
            missed=row.missed_delta,
            unaccounted=row.unaccounted_delta,
            at_least=row.missed_at_least,
            received=None,
            since_utc_ns=self._poll_utc_ns if since is None else since,
            noticed_utc_ns=snapshot.time_utc_ns,
            until_utc_ns=snapshot.time_utc_ns,
        )

    def _count_nameless(self, snapshot: Snapshot, missed: int, unaccounted: int) -> None:
        """What the sums tell and no row does: of servers that are no targets any more, say."""
        before, counts = self._counts, snapshot.counts
        if before is None:
            return
        more = max(0, counts.missed - before.missed - missed)
        hidden = max(0, counts.unaccounted - before.unaccounted - unaccounted)
        if more or hidden:
            now = snapshot.time_utc_ns
            loss = nameless(more, hidden, self._poll_utc_ns, now)
            self._window.add(loss, snapshot.monotonic_ns)

    def _overdue_now(self, servers: Iterable[ServerRecord]) -> Iterator[tuple[Key, Overdue]]:
        """Those of a server that did not answer are neither confirmed nor disproved: they stay."""
        for server in servers:
            for row in troubled(server.subscriptions):
                if row.overdue and not row.ended:
                    key = (server.name, row.topic)
                    before = self._overdue.get(key)
                    polls = (before.polls if before else 0) + server.answered
                    starting = row.cause == Cause.STARTING
                    yield (
                        key,
                        Overdue(
                            server.name, row.topic, row.stream, row.publisher, row.overdue, polls, starting
                        ),
                    )

    def _silences(self, snapshot: Snapshot) -> tuple[Silence, ...]:
        silent = [server for server in snapshot.servers if server.state is not ServerState.MONITORED]
        now, before = snapshot.monotonic_ns, self._silent
        self._silent = {
            server.name: _Since(known.polls + 1, known.monotonic_ns)
            if (known := before.get(server.name))
            else _Since(1, now)
            for server in silent
        }
        listeners = _listeners(snapshot.servers) if silent else {}
        return tuple(
            self._silence(server, now, listeners.get(server.name.lower(), {}).keys()) for server in silent
        )

    def _silence(self, server: ServerRecord, now_ns: int, listeners: Iterable[str]) -> Silence:
        since, names = self._silent[server.name], tuple(listeners)
        seconds = (now_ns - since.monotonic_ns) / 1e9 if server.age_seconds is None else server.age_seconds
        return Silence(
            server=server.name,
            failure=server.failure or FAILURE_OF_STATE[server.state],
            reason=server.reason,
            since_utc_ns=server.since_utc_ns,
            polls=since.polls,
            seconds=seconds,
            followed=server.followed,
            listeners=names[:MAX_LISTENERS],
            listening=len(names),
        )

    def _disconnected(self, servers: Iterable[ServerRecord]) -> tuple[Disconnected, ...]:
        retried = {
            (server.name, stream_of(one.device, one.attribute, one.event_type)): int(server.answered)
            for server in servers
            if server.state is ServerState.MONITORED
            for one in server.not_connected
        }
        self._retried = {key: self._retried.get(key, 0) + more for key, more in retried.items()}
        return tuple(Disconnected(server, stream, polls) for (server, stream), polls in self._retried.items())

    def _unseen_streams(self, snapshot: Snapshot) -> tuple[Unseen, ...]:
        """Those that certainly had unseen subscribers within the span, those that may have them now."""
        if not snapshot.counts.unseen_streams and not self._unseen:
            return ()
        now, maybe = snapshot.monotonic_ns, []
        # Of the others no record is made: rows of streams that simply go on have none.
        for server in [one for one in snapshot.servers if one.counts.unseen_streams]:
            for stream in server.streams:
                if stream.unseen is model.Unseen.CERTAIN and len(self._unseen) < MAX_UNSEEN:
                    self._unseen[stream.name] = now
                elif stream.unseen is model.Unseen.MAYBE:
                    maybe.append(stream.name)
        hold_ns = self._hold_seconds * 1e9
        self._unseen = {
            name: seen for name, seen in self._unseen.items() if seen == now or now - seen < hold_ns
        }
        doubtful = [Unseen(name, certain=False) for name in maybe if name not in self._unseen]
        return (*(Unseen(name, certain=True) for name in self._unseen), *doubtful)

    def _uncertain_counts(self, snapshot: Snapshot) -> tuple[int, ...]:
        """What was added in the span: unobserved events, those lost from before monitoring, unbalanced books,
        and subscriptions that waited for events when their servers were removed from the targets.
        """
        now_ns, now = snapshot.monotonic_ns, _uncertain(snapshot)
        added = tuple(max(0, new - old) for new, old in zip(now, self._told or now, strict=True))
        self._told = now
        hold_ns = self._hold_seconds * 1e9
        kept = [one for one in self._uncertain if now_ns - one[0] < hold_ns]
        if any(added):
            kept.append((now_ns, added))
        if len(kept) > MAX_UNSEEN or (len(kept) > 1 and math.isinf(hold_ns)):
            first, second, *rest = kept
            kept = [(second[0], tuple(map(operator.add, first[1], second[1]))), *rest]
        self._uncertain = kept
        return tuple(sum(one[1][number] for one in kept) for number in range(len(now)))


def _uncertain(snapshot: Snapshot) -> tuple[int, ...]:
    counts = snapshot.counts
    return (
        counts.unobserved,
        counts.missed_before,
        counts.books_unbalanced,
        snapshot.departed.overdue_unknown,
    )


MAX_UNSEEN = 10_000
"""Names of streams, and moments, that are remembered at most."""

MAX_ENDED = 10_000
"""Subscriptions that ended within the span and are remembered, at most."""


class KnownSubscriptions:
    """How much of a span is known: also subscriptions that ended within it. Followed servers have no part."""

    def __init__(self, hold_seconds: float) -> None:
        self._hold_ns = hold_seconds * 1e9
        self._live: dict[str, frozenset[str]] = {}
        self._gone: dict[Key, int] = {}

    def take(self, snapshot: Snapshot) -> Coverage:
        """The coverage with one more poll."""
        own = [server for server in snapshot.servers if not server.followed]
        live = {server.name: topics for server in own if (topics := live_topics(server.subscriptions))}
        if live != self._live:
            self._note_ends(live, snapshot.monotonic_ns)
            self._live = live
        if self._gone:
            oldest = snapshot.monotonic_ns - self._hold_ns
            self._gone = {key: seen for key, seen in self._gone.items() if seen > oldest}
        return Coverage(
            subscriptions=sum(map(len, live.values())) + len(self._gone),
            subscribers=len(live.keys() | {server for server, _ in self._gone}),
            answering=sum(server.state is ServerState.MONITORED for server in own),
            servers=len(own),
        )

    def _note_ends(self, live: dict[str, frozenset[str]], now_ns: int) -> None:
        for server, topics in self._live.items():
            for topic in topics - live.get(server, frozenset()):
                if len(self._gone) < MAX_ENDED:
                    self._gone[server, topic] = now_ns
        for server, topic in list(self._gone):
            if topic in live.get(server, ()):
                del self._gone[server, topic]


def known_subscriptions(server: ServerRecord) -> int:
    """The subscriptions that a server has, without the rows of those that ended."""
    return live_count(server.subscriptions)


def stream_of(device: str, attribute: str, event_type: str) -> str:
    """What is subscribed to, as an operator reads it."""
    return f"{device}/{attribute} ({event_type})" if attribute else f"{device} ({event_type})"


def _listeners(servers: Iterable[ServerRecord]) -> dict[str, dict[str, None]]:
    """Which servers have subscriptions to each publisher; names of publishers in lower case."""
    found: dict[str, dict[str, None]] = {}
    for server in servers:
        for row in server.subscriptions:
            if not row.ended and row.publisher.lower() != server.name.lower():
                found.setdefault(row.publisher.lower(), {})[server.name] = None
    return found

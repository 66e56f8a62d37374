"""The state of everything at one moment, as rows: what a live table shows.

Made from a Snapshot here, and from the attributes of ``EventMonitor`` by the demo.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stem_device.analysis import worst
from stem_device.analysis.verdict import Level, Verdict
from stem_device.analysis.wording import Words, sentence
from stem_device.model.poll import ServerState
from stem_device.model.snapshot import Counts, ServerRecord, Snapshot, SubscriptionRecord
from stem_device.report.number_text import common_prefix, without
from stem_device.report.timing import TimingStatistics


class ServerRow(Struct, frozen=True, gc=False):
    """One server; ``reason`` is empty while it is monitored, at every ``asked_every``-th poll.

    ``overdue`` is None where that is not known.
    ``answered``: at some poll; otherwise nothing is known of its counts, and 0 stands for none of them.
    """

    name: str
    state: ServerState
    reason: str
    published_total: int
    received_total: int
    missed_total: int
    overdue: int | None
    unaccounted_total: int = 0
    asked_every: int = 1
    answered: bool = True


class SubscriptionRow(Struct, frozen=True, gc=False):
    """One subscription; ``overdue`` is None where that is not known."""

    subscriber: str
    stream: str
    received_total: int
    missed_total: int
    missed_at_least: bool
    gaps_total: int
    overdue: int | None
    unaccounted_total: int = 0

    @property
    def lost(self) -> int:
        """Missed and unaccounted."""
        return self.missed_total + self.unaccounted_total


class Trend(Struct, frozen=True):
    """Values of the last polls, oldest first, for the little graphs."""

    published: tuple[float, ...] = ()
    received: tuple[float, ...] = ()
    overdue: tuple[float, ...] = ()
    missed: tuple[float, ...] = ()

    def then(self, published_rate: float, received_rate: float, overdue: int, missed_delta: int) -> Trend:
        """One poll later; two minutes of one-second polls are kept."""
        return Trend(
            published=(*self.published, published_rate)[-120:],
            received=(*self.received, received_rate)[-120:],
            overdue=(*self.overdue, float(overdue))[-120:],
            missed=(*self.missed, float(missed_delta))[-120:],
        )


class Judgement(Struct, frozen=True):
    """A verdict as it is shown; its colour is that of the level."""

    level: Level
    sentence: str


class Overview(Struct, frozen=True):
    """One screen. ``heading``, ``story`` and ``footer`` are the caller's words; ``messages`` are newest last.
    ``why`` has a sentence for each subscription that lost events lately or waits, worst first.

    ``servers`` and ``subscriptions`` are ordered worst first. Rates are events per second.
    """

    heading: str
    time_utc_ns: int
    poll: int
    counts: Counts
    published_rate: float
    received_rate: float
    servers: tuple[ServerRow, ...]
    subscriptions: tuple[SubscriptionRow, ...]
    trend: Trend
    timings: tuple[TimingStatistics, ...] = ()
    why: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    story: str = ""
    footer: str = ""
    verdict: Judgement | None = None


def judgement(verdict: Verdict) -> Judgement:
    """The sentence without the database that all names share."""
    names = [name for loss in verdict.losses for name in (loss.server, loss.publisher, loss.stream)]
    names += [name for one in verdict.waiting for name in (one.server, one.publisher, one.stream)]
    prefix = common_prefix(name for name in names if name.startswith("tango://"))
    return Judgement(verdict.level, sentence(verdict, Words(lambda name: without(prefix, name))))


def worst_servers_first(rows: Iterable[ServerRow]) -> tuple[ServerRow, ...]:
    """See :mod:`stem_device.analysis.worst`; of equals those in trouble first, then by name."""
    return tuple(
        worst.worst_first(
            rows,
            lambda row: worst.Badness(row.missed_total + row.unaccounted_total, row.overdue or 0),
            lambda row: (row.state.is_counted, row.name),
        )
    )


def server_row(server: ServerRecord) -> ServerRow:
    """The row of one server."""
    counts = server.counts
    return ServerRow(
        name=server.name,
        state=server.state,
        reason=server.reason,
        published_total=counts.published,
        received_total=counts.received,
        missed_total=counts.missed,
        overdue=server.known_overdue,
        unaccounted_total=counts.unaccounted,
        asked_every=server.asked_every,
        answered=server.age_seconds is not None,
    )


def subscription_rows(snapshot: Snapshot) -> tuple[SubscriptionRow, ...]:
    """Every subscription of every server, worst first."""
    rows = [_row(server.name, record) for server in snapshot.servers for record in server.subscriptions]
    return worst_first(rows)


def worst_first(rows: Iterable[SubscriptionRow]) -> tuple[SubscriptionRow, ...]:
    """See :mod:`stem_device.analysis.worst`."""
    return tuple(
        worst.worst_first(
            rows,
            lambda row: worst.Badness(row.lost, row.overdue or 0, row.gaps_total),
            lambda row: (row.subscriber, row.stream),
        )
    )


def _row(subscriber: str, record: SubscriptionRecord) -> SubscriptionRow:
    return SubscriptionRow(
        subscriber=subscriber,
        stream=record.stream,
        received_total=record.received_total,
        missed_total=record.missed_total,
        missed_at_least=record.missed_at_least,
        gaps_total=record.gaps_total,
        overdue=record.overdue,
        unaccounted_total=record.unaccounted_total,
    )

"""The ledger: takes one poll after the other and says in a Snapshot what is known after each."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from stem_device.accounting.moment import Moment
from stem_device.accounting.samples import collect, summarise
from stem_device.accounting.server import ServerAccount
from stem_device.accounting.stream import StreamAccount
from stem_device.model.clock import Clock, SystemClock
from stem_device.model.poll import Poll
from stem_device.model.snapshot import Counts, Snapshot


class Ledger:
    """Keeps the accounts of all servers. Not thread-safe: its owner serialises the calls.

    Polls at least :data:`.moment.IN_FLIGHT_SECONDS` apart are *marks*: overdue tells of what was pushed
    before the previous mark, so that a poll on demand right after another
    does not take events in flight for overdue.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._servers: dict[str, ServerAccount] = {}
        self._index: dict[str, list[tuple[str, StreamAccount]]] = {}
        self._streams_version = 0
        self._departed = Counts()
        self._since_utc_ns = self._clock.utc_ns()
        self._previous_monotonic_ns: int | None = None
        self._moment = Moment()

    def account(self, poll: Poll) -> Snapshot:
        """Count what happened since the previous poll."""
        accounts = self._accounts_of(poll)
        moment = self._moment = self._moment.next(poll.started_utc_ns, poll.started_monotonic_ns)
        pairs = tuple(zip(accounts, poll.answers, strict=True))
        changed = [account.update_streams(answer, moment) for account, answer in pairs]
        if any(changed):
            self._rebuild_index()
        for account, answer in pairs:
            late = answer.asked_monotonic_ns < poll.started_monotonic_ns
            account.update_subscriptions(
                answer,
                self._find_stream,
                self._find_publisher,
                moment,
                streams_version=self._streams_version,
                late=late,
            )
        for account, answer in pairs:
            account.add_up(answer, moment)
        return self._snapshot(poll, accounts)

    def reset(self) -> None:
        """Let all totals begin at 0 again. What is overdue or disconnected now remains so."""
        for account in self._servers.values():
            account.reset_totals()
        self._departed = Counts()
        self._since_utc_ns = self._clock.utc_ns()

    def _accounts_of(self, poll: Poll) -> list[ServerAccount]:
        """One account an answer. A server that is no target any more leaves its totals behind."""
        names = {answer.server for answer in poll.answers}
        for name in self._servers.keys() - names:
            self._departed = _sum([self._departed, self._servers.pop(name).depart()])
            self._rebuild_index()
        for answer in poll.answers:
            if answer.server not in self._servers:
                self._servers[answer.server] = ServerAccount(answer.server, poll.started_monotonic_ns)
        return [self._servers[answer.server] for answer in poll.answers]

    def _rebuild_index(self) -> None:
        self._streams_version += 1
        self._index = {}
        for server in self._servers.values():
            for stream in server.streams.values():
                self._index.setdefault(stream.name.lower(), []).append((server.name, stream))

    def _find_stream(self, name: str, publisher: str) -> StreamAccount | None:
        """The monitored stream of that name.

        Without a database several servers may publish one name; then the publisher's admin device decides.
        """
        found = self._index.get(name)
        if found is None:
            return None
        if len(found) == 1:
            return found[0][1]
        publisher = publisher.lower()
        matching = [stream for server, stream in found if server == publisher]
        return matching[0] if len(matching) == 1 else None

    def _find_publisher(self, publisher: str) -> ServerAccount | None:
        return self._servers.get(publisher.lower())

    def _snapshot(self, poll: Poll, accounts: list[ServerAccount]) -> Snapshot:
        now = poll.started_monotonic_ns
        elapsed = (
            (now - self._previous_monotonic_ns) / 1e9 if self._previous_monotonic_ns is not None else 0.0
        )
        self._previous_monotonic_ns = now
        publisher_samples, subscriber_samples = collect(poll.answers)
        return Snapshot(
            poll=poll.number,
            time_utc_ns=poll.started_utc_ns,
            monotonic_ns=now,
            duration_seconds=poll.duration_seconds,
            spread_seconds=poll.spread_seconds,
            overruns_total=poll.overruns_total,
            monitoring_since_utc_ns=self._since_utc_ns,
            counts=_sum([self._departed, *(account.totals for account in accounts)]),
            published_rate=_rate(sum(account.published_delta for account in accounts), elapsed),
            received_rate=_rate(sum(account.received_delta for account in accounts), elapsed),
            sample_coverage=_coverage(accounts, any(answer.sampling for answer in poll.answers)),
            timings=summarise(publisher_samples, subscriber_samples),
            servers=tuple([a.record(answer, now) for a, answer in zip(accounts, poll.answers, strict=True)]),
            publisher_samples=publisher_samples,
            subscriber_samples=subscriber_samples,
            problems=poll.problems,
            phases=poll.phases,
            departed=self._departed,
        )


def _sum(counts: Iterable[Counts]) -> Counts:
    """Field by field."""
    return Counts(*map(sum, zip(*map(structs.astuple, counts), strict=True)))


def _rate(events: int, seconds: float) -> float:
    return events / seconds if seconds > 0 else 0.0


def _coverage(accounts: list[ServerAccount], sampling: bool) -> float:
    """Share of events with a sample: 1 when nothing happened, NaN when nothing was sampled."""
    if not sampling:
        return float("nan")
    events = sum(account.samples.events for account in accounts)
    return sum(account.samples.sampled for account in accounts) / events if events else 1.0

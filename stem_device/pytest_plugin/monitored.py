"""One test and the events of the monitored servers during it: what the fixture ``event_monitor`` is."""

from __future__ import annotations

import getpass
import math
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache

from stem_device.analysis.causes import cause_of
from stem_device.analysis.facts import Blind, Coverage, Facts, Loss, Overdue, Patience, Silence, Span, Unseen
from stem_device.analysis.verdict import Level, Verdict, judge
from stem_device.analysis.wording import WORDS
from stem_device.client.marker import Told
from stem_device.model.mark import MAX_ERROR_CHARACTERS, MAX_NAME_CHARACTERS
from stem_device.model.poll import Failure, ServerState
from stem_device.pytest_plugin.counts import EventCount, SubscriptionEvents
from stem_device.pytest_plugin.failures import CountersResetError, NothingMonitoredError
from stem_device.pytest_plugin.observation import Observation, Server, Subscription
from stem_device.pytest_plugin.sources import EventSource
from stem_device.report.number_text import common_prefix, without

BETWEEN_POLLS_SECONDS = 0.25
"""Overdue compares two polls at least 0.2 s apart (docs/reference/accounting.md, rule 3)."""


class MonitoredTest:
    """What was published, received and missed since the test began, by the servers that are monitored.

    Every property asks the servers anew. Where a subscription lacks events that were pushed, they are waited
    for, until they have arrived or ``settle_seconds`` have passed.
    """

    def __init__(
        self,
        source: EventSource,
        run: str,
        told: Told,
        *,
        settle_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.run = run
        self._source = source
        self._told = told
        self._settle_seconds = settle_seconds
        self._monotonic = monotonic
        self._sleep = sleep
        self._before: Observation | None = None

    def __repr__(self) -> str:
        return f"<event_monitor of {self.run}>"

    def begin(self) -> None:
        """Take stock, then mark the begin. Raises NothingMonitoredError, EventSourceError."""
        deadline = self._monotonic() + self._settle_seconds
        observation = self._source.poll()
        while not _monitored(observation) and self._monotonic() < deadline:
            self._sleep(BETWEEN_POLLS_SECONDS)
            observation = self._source.poll()
        if not _monitored(observation):
            reasons = tuple(
                f"{server.name} is {server.state}: {server.reason}" for server in observation.servers
            )
            raise NothingMonitoredError(self._source.name, reasons)
        self._before = observation
        self._source.begin(self.run, **self._told)

    def end(self, error: str | None) -> None:
        """Have a poll in the run's last moment, then mark its end."""
        try:
            self._source.poll()
        finally:
            told = Told(error=error[:MAX_ERROR_CHARACTERS]) if error else Told()
            self._source.end(self.run, **told)

    def mark(self, name: str, *, iteration: int | None = None) -> None:
        """Mark a point of this test: it becomes a stage of the run."""
        told = Told() if iteration is None else Told(iteration=iteration)
        self._source.mark(self.run, name, **told)

    @property
    def published(self) -> EventCount:
        """Events that were published during the test."""
        now = self._settled()
        return EventCount(now.totals.published - self._start.totals.published, "published events")

    @property
    def received(self) -> EventCount:
        """Events that subscriptions received during the test."""
        now = self._settled()
        return EventCount(now.totals.received - self._start.totals.received, "received events")

    @property
    def missed(self) -> EventCount:
        """Events that are known to be missed, and those that are unaccounted. ``overdue`` has the others."""
        return self._missed(self._settled())

    @property
    def overdue(self) -> EventCount:
        """Events that were pushed and have not arrived, however long was waited; a later one will tell.

        Those that were pushed before the test do not count. Where they are not known of a subscription, the
        number says so when it is printed: 0 alone would say that all has arrived.
        """
        return self._overdue(self._settled())

    @property
    def subscriptions(self) -> tuple[SubscriptionEvents, ...]:
        """What happened to each subscription that there is now."""
        return self._subscriptions(self._settled())

    @property
    def verdict(self) -> Verdict:
        """What the test amounts to, by the rules of everything else; ``verdict.level`` is how bad it is."""
        return self._verdict(self._settled())

    def assert_nothing_missed(self) -> None:
        """AssertionError unless all that is known has arrived.

        That is if events were missed, are unaccounted or overdue, or a server that was not stopped does not
        answer any more.
        """
        __tracebackhide__ = True
        now = self._settled()
        if self._verdict(now).level < Level.WAITING:
            return
        missed, overdue = self._missed(now), self._overdue(now)
        lines = []
        for count in (missed, overdue):
            lines += [f"{count!s}:", *(f"  {detail}" for detail in count.details)] if count else []
        lines += [line for _, line in self._silent(now)]
        raise AssertionError("\n".join(dict.fromkeys(lines)))  # advice for both is given once

    @property
    def _start(self) -> Observation:
        if self._before is None:
            raise RuntimeError("the test has not begun")
        return self._before

    def _settled(self) -> Observation:
        """The state of affairs once nothing is in flight, or it has been waited for long enough."""
        deadline = self._monotonic() + self._settle_seconds
        now = self._source.poll()
        while now.uncertain:
            self._sleep(BETWEEN_POLLS_SECONDS)
            now = self._source.poll()
            late = any(one.overdue for one in self._subscriptions(now))
            if not late or self._monotonic() > deadline:
                break
        if now.monitoring_since != self._start.monitoring_since:
            raise CountersResetError(self._source.name)
        return now

    def _verdict(self, now: Observation) -> Verdict:
        """Events have been waited for as long as the test wants: there is no further patience."""
        rows = self._subscriptions(now)
        # Also what was there when the test began and has ended within it.
        known = {key for seen in (self._start, now) for key, one in _by_name(seen) if not one.ended}
        start = self._start.totals
        missed = self._missed(now)
        own = [server for server in now.servers if not server.followed]
        return judge(
            Facts(
                span=Span(_utc_ns(self._start.time), _utc_ns(now.time), polls=now.poll),
                coverage=Coverage(
                    subscriptions=len(known),
                    subscribers=len({server for server, _ in known}),
                    answering=sum(server.state is ServerState.MONITORED for server in own),
                    servers=len(own),
                ),
                missed=int(missed) - sum(one.unaccounted for one in rows),
                unaccounted=sum(one.unaccounted for one in rows),
                at_least=any(one.at_least and one.missed for one in rows),
                losses=tuple(map(_loss, sorted((r for r in rows if r.lost), key=lambda r: -r.lost))),
                losers=sum(one.lost > 0 for one in rows),
                overdue=tuple(_overdue(one) for one in rows if one.overdue),
                silences=tuple(
                    Silence(server.name, _failure(server), line, 0, 1, math.inf)
                    for server, line in self._silent(now)
                ),
                overdue_unknown=now.totals.overdue_unknown,
                unseen=(Unseen("", certain=False),) * now.totals.unseen_streams,
                unobserved=max(0, now.totals.unobserved - start.unobserved),
                missed_before=max(0, now.totals.missed_before - start.missed_before),
                blind=self._blind(now),
            ),
            Patience(overdue_polls=1, unreachable_polls=1),
        )

    def _blind(self, now: Observation) -> Blind | None:
        """The time of the test in which nothing counted what was pushed."""
        total = now.totals.blind_seconds - self._start.totals.blind_seconds
        if total <= 0:
            return None
        before = {key: one.blind_seconds for key, one in _by_name(self._start)}
        each = (
            (one.blind_seconds - before.get(key, 0.0), one.publisher)
            for key, one in _by_name(now)
            if not one.ended
        )
        return Blind.longest(each, total, str)

    def _missed(self, now: Observation) -> EventCount:
        start = self._start.totals
        # Events may arrive after all that were unaccounted before the test began.
        missed = now.totals.missed - start.missed + max(0, now.totals.unaccounted - start.unaccounted)
        lossy = sorted((one for one in self._subscriptions(now) if one.lost), key=lambda one: -one.lost)
        missed = max(missed, sum(one.lost for one in lossy))
        gone = missed - sum(one.lost for one in lossy)
        details = [one.missed_sentence() for one in lossy]
        if gone > 0:
            details.append(f"{gone} by subscriptions that there are no longer")
        return EventCount(missed, "missed events", (*details, *_advice(lossy)))

    def _overdue(self, now: Observation) -> EventCount:
        rows = self._subscriptions(now)
        waiting = sorted((one for one in rows if one.overdue), key=lambda one: -(one.overdue or 0))
        unknown = sum(one.overdue is None for one in rows)
        what = (
            f"overdue events, not known of {WORDS.many(unknown, 'subscription')}"
            if unknown
            else "overdue events"
        )
        details = (*(one.overdue_sentence() for one in waiting), *_advice(waiting))
        return EventCount(sum(one.overdue or 0 for one in waiting), what, details)

    def _subscriptions(self, now: Observation) -> tuple[SubscriptionEvents, ...]:
        before, pushed = dict(_by_name(self._start)), self._start.pushed
        begin, end = _utc_ns(self._start.time), _utc_ns(now.time)
        # The worst comes first, and stays should a subscription have ended and begun again.
        reasons = {(reason.server, reason.topic): reason for reason in reversed(now.findings)}
        prefix = common_prefix(server.name for server in now.servers)
        found = []
        for (server, topic), one in _by_name(now):
            then, reason = before.get((server, topic)), reasons.get((server, topic))
            found.append(
                SubscriptionEvents(
                    subscriber=without(prefix, server),
                    publisher=without(prefix, one.publisher),
                    stream=without(prefix, one.stream),
                    received=one.received - (then.received if then else 0),
                    missed=one.missed - (then.missed if then else 0),
                    at_least=one.missed_at_least,
                    gaps=one.gaps - (then.gaps if then else 0),
                    overdue=0 if one.ended else _overdue_since(one, then, pushed.get(one.stream.lower(), 0)),
                    overdue_before=(then.overdue or 0) if then else 0,
                    unaccounted=max(0, one.unaccounted - (then.unaccounted if then else 0)),
                    lost_since_utc_ns=_utc_ns(one.lost_since or "") or begin,
                    noticed_utc_ns=end,
                    reason=without(prefix, cause_of(reason)) if reason else "",
                    advice=reason.advice if reason else "",
                )
            )
        return tuple(found)

    def _silent(self, now: Observation) -> list[tuple[Server, str]]:
        """Servers that answered when the test began, and what is wrong with them now."""
        states = {server.name: server for server in now.servers}
        lines = []
        for server in self._start.servers:
            present = states.get(server.name)
            if server.state is ServerState.MONITORED and present and present.state is not server.state:
                line = f"{server.name} is {present.state}, its counts are not known: {present.reason}"
                lines.append((present, line))
        return lines


def monitored_test(source: EventSource, nodeid: str, *, settle_seconds: float) -> MonitoredTest:
    """For the test of this node; its run has a name of its own each time it is run."""
    stamp = f" {datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    printable = "".join(character if character.isprintable() else "?" for character in nodeid).strip()
    run = printable[: MAX_NAME_CHARACTERS - len(stamp)] + stamp
    told = Told(
        device_group=nodeid.partition("::")[0],
        configuration=nodeid,
        host=socket.gethostname(),
        worker=os.environ.get("PYTEST_XDIST_WORKER", "main"),
        requestor=_user(),
    )
    return MonitoredTest(source, run, told, settle_seconds=settle_seconds)


@cache
def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for this user
        return str(os.getuid())


def _monitored(observation: Observation) -> bool:
    return any(server.state is ServerState.MONITORED for server in observation.servers if not server.followed)


def _failure(server: Server) -> Failure:
    """Of a server that answered when the test began; one that was stopped in good order is no failure."""
    return Failure.NOT_EXPORTED if server.state is ServerState.NOT_EXPORTED else Failure.SILENT


def _loss(one: SubscriptionEvents) -> Loss:
    return Loss(
        server=one.subscriber,
        topic=one.stream,
        stream=one.stream,
        publisher=one.publisher,
        missed=one.missed,
        unaccounted=one.unaccounted,
        at_least=one.at_least,
        received=one.received,
        since_utc_ns=one.lost_since_utc_ns,
        noticed_utc_ns=one.noticed_utc_ns,
        until_utc_ns=one.noticed_utc_ns,
    )


def _advice(concerned: list[SubscriptionEvents]) -> Iterator[str]:
    """What to do, each thing once."""
    for advice in dict.fromkeys(one.advice for one in concerned if one.advice):
        yield f"What to do: {advice}"


def _overdue(one: SubscriptionEvents) -> Overdue:
    return Overdue(one.subscriber, one.stream, one.stream, one.publisher, one.overdue or 0, 1)


def _utc_ns(moment: str) -> int:
    """0 for an empty text."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000) * 1_000_000 if moment else 0


def _overdue_since(now: Subscription, then: Subscription | None, pushed_before: int) -> int | None:
    """Of the overdue events those pushed during the test; before it ``pushed_before`` had been pushed."""
    if now.overdue is None or then is None:
        return now.overdue
    # Events arrive in order: what was pushed before the test and is not here yet is overdue, too.
    old = pushed_before - now.server_counter if now.server_counter else then.overdue or 0
    return max(0, now.overdue - max(0, old))


def _by_name(observation: Observation) -> list[tuple[tuple[str, str], Subscription]]:
    return [((server.name, one.topic), one) for server in observation.servers for one in server.subscriptions]

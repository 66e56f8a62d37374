"""From what the device tells to what is shown of it, poll by poll."""

from __future__ import annotations

from collections import deque

from stem_device.demo.feed import Received
from stem_device.report.number_text import clock_time, common_prefix, count, without
from stem_device.report.overview import Judgement, Overview, SubscriptionRow, Trend


class Story:
    """Remembers the polls that were shown, and notices who lost events since the one before."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], SubscriptionRow] = {}
        self._missed = 0
        self._trend = Trend()
        self._messages: deque[str] = deque(maxlen=50)
        self.news: tuple[str, ...] = ()
        self.lost = False
        """Whether events were found missing in the last poll."""

    def then(self, received: Received, *, heading: str, scene: str, footer: str) -> Overview:
        """One poll later; ``news`` are the sentences that this poll added."""
        missed, self._missed = received.counts.missed - self._missed, received.counts.missed
        self.lost = missed > 0
        self._trend = self._trend.then(
            received.published_rate, received.received_rate, received.counts.overdue, max(0, missed)
        )
        self.news = self._notice(received)
        self._messages.extend(self.news)
        return Overview(
            heading=heading,
            time_utc_ns=received.time_utc_ns,
            poll=received.poll,
            counts=received.counts,
            published_rate=received.published_rate,
            received_rate=received.received_rate,
            servers=received.servers,
            subscriptions=received.subscriptions,
            trend=self._trend,
            messages=tuple(self._messages),
            story=scene,
            footer=footer,
            verdict=_short(received),
        )

    def _notice(self, received: Received) -> tuple[str, ...]:
        stamp = clock_time(received.time_utc_ns)
        prefix = common_prefix(server.name for server in received.servers)
        found = []
        for row in received.subscriptions:
            before = self._before.get((row.subscriber, row.stream))
            sentence = _loss(row, before)
            if sentence:
                found.append(f"{stamp} {without(prefix, sentence)}")
        self._before = {(row.subscriber, row.stream): row for row in received.subscriptions}
        return tuple(found)


def _short(received: Received) -> Judgement | None:
    """The verdict without the database that all names share."""
    if received.verdict is None:
        return None
    prefix = common_prefix(server.name for server in received.servers)
    return Judgement(received.verdict.level, without(prefix, received.verdict.sentence))


def _loss(row: SubscriptionRow, before: SubscriptionRow | None) -> str:
    """What happened to one subscription since the poll before; empty if nothing of note."""
    missed = row.missed_total - (before.missed_total if before else 0)
    if missed > 0:
        return f"{row.subscriber} missed {count(missed)} of {row.stream}"
    if row.overdue and not (before and before.overdue):
        return f"{row.subscriber} lacks {count(row.overdue)} of {row.stream}"
    if before and before.overdue and not row.overdue:
        return f"{row.subscriber} has caught up with {row.stream}"
    return ""

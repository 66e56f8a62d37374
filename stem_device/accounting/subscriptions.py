"""The subscriptions of one server, those that have ended included, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from stem_device.accounting.ended import EndedSubscriptions
from stem_device.accounting.moment import Moment
from stem_device.accounting.sight import Sight
from stem_device.accounting.steady import FindStream, SteadySubscriptions
from stem_device.accounting.subscription import SubscriptionAccount
from stem_device.accounting.waiting import WaitingSubscriptions
from stem_device.model.reply import NotConnected, SubscriberReply
from stem_device.model.snapshot import Counts, SubscriptionRecord
from stem_device.model.topics import stream_of

if TYPE_CHECKING:
    from stem_device.accounting.server import ServerAccount

FindPublisher = Callable[[str], "ServerAccount | None"]
"""From a publisher's admin device to its account, if it is asked."""

_NOTHING = SubscriberReply(event_callbacks={}, not_connected=[], event_channels={}, perf=None)


class Subscriptions:
    """``channels`` maps a publisher's admin device to its endpoint; ``records`` are the rows of this poll."""

    def __init__(self, begun_ns: int) -> None:
        """``begun_ns``: monitoring of the server begins with a poll at this monotonic time."""
        self._begun_ns = begun_ns
        self.channels: dict[str, str] = {}
        self.records: Sequence[SubscriptionRecord] = ()
        self._live: dict[str, SubscriptionAccount] = {}
        self._ended = EndedSubscriptions()
        self._ended_now: list[SubscriptionAccount] = []
        self._ended_with_process: set[str] = set()
        self._known = False
        self._waiting = WaitingSubscriptions()
        self._steady: SteadySubscriptions | None = None

    @property
    def not_connected(self) -> tuple[NotConnected, ...]:
        return self._waiting.records

    @property
    def that_wait(self) -> int:
        """Subscriptions with overdue events."""
        self._look_at_each()
        return sum(1 for account in self._live.values() if account.overdue)

    def begin_poll(self, moment: Moment) -> None:
        self._ended_now.clear()
        self._ended.clear_deltas(moment)

    def end_all(self, moment: Moment) -> None:
        """The process has ended, and all of its subscriptions with it."""
        self._look_at_each()
        self._ended_with_process.update(self._live)
        for topic in list(self._live):
            self._end(topic, moment)

    def forget_process(self) -> None:
        """Those that ended with their process have ended for good: another one answers, or it went on."""
        self._ended_with_process.clear()

    def hold(self, moment: Moment) -> None:
        """The server did not answer in this poll: nothing is counted."""
        self._look_at_each()
        for account in self._live.values():
            account.hold(moment)

    def update(
        self,
        client: SubscriberReply | None,
        find_stream: FindStream,
        find_publisher: FindPublisher,
        moment: Moment,
        *,
        streams_version: int,
        late: bool,
        was_down: bool,
    ) -> None:
        """Take what a reply shows. ``streams_version`` is another whenever ``find_stream`` may find others,
        or a stream has ended or is to be had elsewhere. ``was_down``: the server was seen not to run.
        """
        client = client or _NOTHING
        steady = self._steady
        if steady is None or not steady.go_on(client, streams_version, moment):
            self._look_at_each()
            self._update_each(client, find_stream, find_publisher, moment, late=late, was_down=was_down)
            if not self._ended_now:
                self._steady = SteadySubscriptions.of(
                    tuple(self._live.values()), client, self._ended.records(), find_stream, streams_version
                )
        self.channels = {name: channel.endpoint for name, channel in client.event_channels.items()}
        self._waiting.take(client.not_connected, moment.monotonic_ns)

    def take_as_complete(self, topics: Collection[str]) -> None:
        """Nothing is overdue of these, though their publishers do not tell what they pushed."""
        for topic in topics:
            account = self._live.get(topic)
            if account is not None and account.overdue is None:
                account.owe_nothing()

    def reset_totals(self) -> None:
        self._look_at_each()
        for account in self._live.values():
            account.reset_totals()
        self._ended.reset_totals()

    def add_up(self) -> Counts:
        """What this poll added, and the levels now; ``records`` are those of this poll then."""
        if self._steady is not None:
            self.records = self._steady.rows
            return Counts(received=self._steady.received_delta, disconnected=len(self.not_connected))
        live = self._live.values()
        records = [account.record for account in live]
        self.records = (*records, *self._ended.records())
        books = [account.books for account in (*live, *self._ended_now)]
        moved = [one for one in books if one.moved]
        overdue = [record.overdue for record in records]
        return Counts(
            received=sum([one.received_delta for one in books]),
            missed=sum([one.missed_delta for one in moved]),
            gaps=sum([one.gaps_delta for one in moved]),
            discarded=sum([one.discarded_delta for one in moved]),
            resets=sum([one.resets_delta for one in moved]),
            overdue=sum(filter(None, overdue)),
            disconnected=len(self.not_connected),
            unaccounted=sum([one.unaccounted_delta for one in moved]),
            missed_before=sum([one.missed_before_delta for one in moved]),
            unobserved=sum([one.unobserved_delta for one in moved]),
            blind_seconds=sum([one.blind_delta_ns for one in moved]) / 1e9,
            books_unbalanced=sum([one.unbalanced_delta for one in moved]),
            overdue_unknown=overdue.count(None),
        )

    def _look_at_each(self) -> None:
        """Bring the accounts up to date before one of them is used."""
        if self._steady is not None:
            self._steady.catch_up()
            self._steady = None

    def _end(self, topic: str, moment: Moment) -> None:
        account = self._live.pop(topic)
        account.end(moment)
        self._ended_now.append(account)
        self._ended.add(account)

    def _update_each(
        self,
        client: SubscriberReply,
        find_stream: FindStream,
        find_publisher: FindPublisher,
        moment: Moment,
        *,
        late: bool,
        was_down: bool,
    ) -> None:
        callbacks, channels = client.event_callbacks, client.event_channels
        if not self._live.keys() <= callbacks.keys():
            for topic in self._live.keys() - callbacks.keys():
                self._end(topic, moment)
        for topic, callback in callbacks.items():
            channel = channels.get(callback.channel_name)
            endpoint = channel.endpoint if channel else ""
            account = self._live.get(topic)
            stream_name = account.stream_name if account is not None else stream_of(topic)
            stream = find_stream(stream_name, callback.channel_name)
            if stream is not None:
                life = stream.life
            else:
                publisher = find_publisher(callback.channel_name)
                life = publisher.life if publisher is not None else 0
            if account is not None:
                account.update(callback, endpoint, stream, life, moment, late=late)
            else:
                sight = Sight(callback, endpoint, stream, life, moment, late)
                publisher = find_publisher(callback.channel_name)
                waited_ns = self._waited_ns(stream_name, publisher, moment)
                self._live[topic] = self._begin(topic, sight, waited_ns, was_down=was_down)
        self._known = True

    def _waited_ns(self, stream: str, publisher: ServerAccount | None, moment: Moment) -> int:
        """For how long a subscription that is connected now was retried while its publisher ran."""
        since_ns = self._waiting.since_ns(stream)
        if since_ns is None:
            return 0
        return moment.monotonic_ns - max(since_ns, publisher.down_ns if publisher is not None else 0)

    def _begin(self, topic: str, sight: Sight, waited_ns: int, *, was_down: bool) -> SubscriptionAccount:
        """A subscription that is new, or is there again; totals of one that had ended go on."""
        account = self._ended.take(topic)
        if account is None:
            baseline = not self._known and not was_down
            if baseline:
                waited_ns = sight.moment.monotonic_ns - self._begun_ns
            return SubscriptionAccount(topic, sight, baseline=baseline, blind_ns=waited_ns)
        just_ended = account in self._ended_now
        if just_ended:
            self._ended_now.remove(account)
        else:
            account.books.clear_deltas()
        if topic in self._ended_with_process:
            account.resume(sight)
        else:
            account.renew(sight, waited_ns, just_ended=just_ended)
        return account

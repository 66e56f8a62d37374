"""The account of one server: its streams, its subscriptions and what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import islice

from msgspec import structs

from stem_device.accounting.coverage import SampleAccount
from stem_device.accounting.ended import EndedSubscriptions
from stem_device.accounting.moment import Moment
from stem_device.accounting.sight import Sight
from stem_device.accounting.stream import StreamAccount, port_of
from stem_device.accounting.subscription import SubscriptionAccount, stream_of
from stem_device.accounting.waiting import WaitingSubscriptions
from stem_device.model.poll import Answer, Failure
from stem_device.model.reply import SubscriberReply
from stem_device.model.snapshot import Counts, ServerRecord, StreamRecord, SubscriptionRecord, Unseen

FindStream = Callable[[str, str], StreamAccount | None]
"""From a stream's name and the publisher's admin device to its account, if that publisher is monitored."""
FindPublisher = Callable[[str], "ServerAccount | None"]
"""From a publisher's admin device to its account, if it is asked."""

STREAMS_KEPT = 10_000
"""Streams of a server that have vanished and whose totals go on if they come back, at most."""

_NO_CLIENT = SubscriberReply(event_callbacks={}, not_connected=[], event_channels={}, perf=None)
_NOT_RUNNING = (Failure.NOT_EXPORTED, Failure.UNDEFINED, Failure.REFUSED)


class ServerAccount:
    """Follows one server over polls and lives. What has ended still counts in the server's totals."""

    def __init__(self, name: str, begun_ns: int) -> None:
        """``begun_ns``: monitoring of it begins with a poll at this monotonic time."""
        self.name = name
        self._begun_ns = begun_ns
        self.life = 0
        """Number of the life of its process, 0 while it is not known."""
        self.down_ns = 0
        """When it was last found not to run, monotonic."""
        self.streams: dict[str, StreamAccount] = {}
        self.totals = Counts()
        self.published_delta = 0
        self.received_delta = 0
        self.samples = SampleAccount()
        self._replied_life = 0
        self._streams_ended = False
        self._endpoints: tuple[str, ...] = ()
        self._ports: frozenset[str] = frozenset()
        self._was_down = False
        self._moment = Moment()
        self._vanished_streams: dict[str, StreamAccount] = {}
        self._subscriptions: dict[str, SubscriptionAccount] = {}
        self._ended_subscriptions = EndedSubscriptions()
        self._ended_now: list[SubscriptionAccount] = []
        self._ended_with_process: set[str] = set()
        self._first_answer_ns: int | None = None
        self._subscriber_known = False
        self._answered_monotonic_ns: int | None = None
        self._channels: dict[str, str] = {}
        self._waiting = WaitingSubscriptions()
        self._stream_records: tuple[StreamRecord, ...] = ()
        self._subscription_records: tuple[SubscriptionRecord, ...] = ()

    def update_streams(self, answer: Answer, moment: Moment) -> bool:
        """First pass of a poll. True if streams have come or gone, so that an index of them is stale."""
        before, self._moment = self._moment, moment
        reply, life = answer.reply, answer.identity.life
        self.life = life or self.life
        new_life = self._replied_life > 0 and self.life != self._replied_life
        if reply is None:
            if answer.ended or new_life:
                self._end_streams(before)
            for stream in self.streams.values():
                stream.hold(moment)
            return False
        counters = reply.server.event_counters if reply.server else {}
        # Measured: nothing but a restart of the server sets a counter back, and then it does so to all.
        restarted = new_life or any(
            counter <= known.pushed and known.falls(counter)
            for name, counter in counters.items()
            if (known := self.streams.get(name)) is not None
        )
        if self._streams_ended and not restarted:
            for stream in self.streams.values():
                stream.go_on()
        self._streams_ended = False
        changed = self._retire_streams(counters.keys() if not restarted else (), before)
        if answer.heartbeat_endpoints != self._endpoints:
            self._endpoints = answer.heartbeat_endpoints
            self._ports = frozenset(map(port_of, self._endpoints))
        ports = self._ports
        for name, counter in counters.items():
            known = self.streams.get(name)
            if known is None:
                known = self.streams[name] = self._new_stream(name, counter, began_now=restarted)
                changed = True
            else:
                known.update(counter, moment)
            if known.ports is not ports:
                known.ports = ports
        return changed

    def update_subscriptions(
        self,
        answer: Answer,
        find_stream: FindStream,
        find_publisher: FindPublisher,
        moment: Moment,
        *,
        late: bool,
    ) -> None:
        """Second pass of a poll, when the streams of all servers are up to date.

        ``late``: the server was asked in an earlier poll, its counters are as old as that.
        """
        self._ended_now.clear()
        self._ended_subscriptions.clear_deltas(moment)
        if answer.ended or (self._replied_life > 0 and self.life != self._replied_life):
            self._end_all(moment)
        if answer.reply is None:
            for subscription in self._subscriptions.values():
                subscription.hold(moment)
            self.samples.hold()
            if answer.failure in _NOT_RUNNING:
                self._was_down, self.down_ns = True, moment.monotonic_ns
            return
        if self.life != self._replied_life:
            self._ended_with_process.clear()
        if not answer.followed:
            client = answer.reply.client or _NO_CLIENT
            self._update_callbacks(client, find_stream, find_publisher, moment, late=late)
            self._channels = {name: channel.endpoint for name, channel in client.event_channels.items()}
            self._waiting.take(client.not_connected, moment.monotonic_ns)
        self._answered_monotonic_ns = answer.answered_monotonic_ns
        self._ended_with_process.clear()
        self._replied_life = self.life

    def add_up(self, answer: Answer, moment: Moment) -> None:
        """Third pass of a poll, when it is known which streams are subscribed."""
        if answer.reply is not None and self._first_answer_ns is None:
            self._first_answer_ns = moment.monotonic_ns
        streams = self._counted_streams(answer, moment)
        self._stream_records = tuple([stream.record for stream in streams])
        live = self._subscriptions.values()
        records = [subscription.record for subscription in live]
        self._subscription_records = (*records, *self._ended_subscriptions.records())
        self.published_delta = sum([stream.delta for stream in streams])
        books = [account.books for account in (*live, *self._ended_now)]
        self.received_delta = sum([one.received_delta for one in books])
        moved = [one for one in books if one.moved]
        totals, overdue = self.totals, [record.overdue for record in records]
        self.totals = Counts(
            published=totals.published + self.published_delta,
            received=totals.received + self.received_delta,
            missed=totals.missed + sum([one.missed_delta for one in moved]),
            gaps=totals.gaps + sum([one.gaps_delta for one in moved]),
            discarded=totals.discarded + sum([one.discarded_delta for one in moved]),
            resets=totals.resets
            + sum([one.resets_delta for one in moved])
            + sum([stream.began_again for stream in streams]),
            overdue=sum(filter(None, overdue)),
            disconnected=len(self._waiting.records),
            unaccounted=totals.unaccounted + sum([one.unaccounted_delta for one in moved]),
            missed_before=totals.missed_before + sum([one.missed_before_delta for one in moved]),
            unobserved=totals.unobserved + sum([one.unobserved_delta for one in moved]),
            blind_seconds=totals.blind_seconds + sum([one.blind_delta_ns for one in moved]) / 1e9,
            books_unbalanced=totals.books_unbalanced + sum([one.unbalanced_delta for one in moved]),
            overdue_unknown=overdue.count(None),
            unseen_streams=sum([stream.unseen is not Unseen.NOT_TOLD for stream in streams]),
        )
        if answer.reply is not None:
            discarded = sum([one.discarded_delta for one in moved])
            self.samples.update(answer, self.published_delta, self.received_delta + discarded)

    def reset_totals(self) -> None:
        for streams in (self.streams, self._vanished_streams):
            for stream in streams.values():
                stream.reset_totals()
        for subscription in self._subscriptions.values():
            subscription.reset_totals()
        self._ended_subscriptions.reset_totals()
        self.totals = Counts(
            overdue=self.totals.overdue,
            disconnected=self.totals.disconnected,
            overdue_unknown=self.totals.overdue_unknown,
            unseen_streams=self.totals.unseen_streams,
        )

    def depart(self) -> Counts:
        """The totals that a server leaves behind which is no target any more.

        Nothing has ended by that: what was overdue is not known from now on.
        """
        waiting = sum(1 for account in self._subscriptions.values() if account.overdue)
        return structs.replace(
            self.totals, overdue=0, disconnected=0, overdue_unknown=waiting, unseen_streams=0
        )

    def record(self, answer: Answer, now_monotonic_ns: int) -> ServerRecord:
        """The server as it is known after this poll."""
        return ServerRecord(
            name=self.name,
            state=answer.state,
            reason=answer.reason,
            since_utc_ns=answer.since_utc_ns,
            tango_version=answer.tango_version,
            age_seconds=self._age_seconds(answer, now_monotonic_ns),
            asked_utc_ns=answer.asked_utc_ns,
            asked_monotonic_ns=answer.asked_monotonic_ns,
            round_trip_seconds=max(0, answer.answered_monotonic_ns - answer.asked_monotonic_ns) / 1e9,
            queries=answer.queries,
            sampling=answer.sampling,
            sampling_ours=answer.sampling_ours,
            drained_by_others=self.samples.drained_by_others,
            publisher_samples=self.samples.publisher_samples,
            subscriber_samples=self.samples.subscriber_samples,
            sampled_events=self.samples.events,
            counts=self.totals,
            streams=self._stream_records,
            subscriptions=self._subscription_records,
            channels=self._channels,
            not_connected=self._waiting.records,
            texts=answer.texts,
            failure=answer.failure,
            identity=answer.identity,
            ended=answer.ended,
            followed=answer.followed,
            event_endpoints=answer.event_endpoints,
            heartbeat_endpoints=answer.heartbeat_endpoints,
            asked_every=answer.asked_every,
        )

    def _counted_streams(self, answer: Answer, moment: Moment) -> Sequence[StreamAccount]:
        """All streams of a target; of a followed server, those that monitored subscriptions depend on."""
        now = moment.monotonic_ns
        if answer.followed:
            return [stream for stream in self.streams.values() if stream.subscribed_ns == now]
        streams = tuple(self.streams.values())
        if answer.reply is not None:
            for stream in streams:
                if stream.unseen or (stream.delta and stream.subscribed_ns != now):
                    stream.look_for_unseen(now, self._first_answer_ns or now)
        return streams

    def _new_stream(self, name: str, counter: int, *, began_now: bool) -> StreamAccount:
        """A stream that vanished and is there again has begun again from scratch."""
        former = self._vanished_streams.pop(name, None)
        if former is not None:
            return former.successor(counter, life=self.life, began_now=began_now)
        baseline = self._answered_monotonic_ns is None and not self._was_down
        return StreamAccount(name, counter, life=self.life, baseline=baseline)

    def _end_streams(self, before: Moment) -> None:
        self._streams_ended = True
        for stream in self.streams.values():
            stream.end(before, self._answered_monotonic_ns or 0)

    def _retire_streams(self, still_there: Collection[str], before: Moment) -> bool:
        """End the streams that are not there any more; True if there was any."""
        gone = [name for name in self.streams if name not in still_there]
        for name in gone:
            stream = self._vanished_streams[name] = self.streams.pop(name)
            stream.end(before, self._answered_monotonic_ns or 0)
        for name in list(islice(self._vanished_streams, max(0, len(self._vanished_streams) - STREAMS_KEPT))):
            del self._vanished_streams[name]
        return bool(gone)

    def _end_all(self, moment: Moment) -> None:
        """The process has ended, and all of its subscriptions with it."""
        self._ended_with_process.update(self._subscriptions)
        for topic in list(self._subscriptions):
            self._end(topic, moment)

    def _end(self, topic: str, moment: Moment) -> None:
        account = self._subscriptions.pop(topic)
        account.end(moment)
        self._ended_now.append(account)
        self._ended_subscriptions.add(account)

    def _update_callbacks(
        self,
        client: SubscriberReply,
        find_stream: FindStream,
        find_publisher: FindPublisher,
        moment: Moment,
        *,
        late: bool,
    ) -> None:
        callbacks, channels = client.event_callbacks, client.event_channels
        if not self._subscriptions.keys() <= callbacks.keys():
            for topic in self._subscriptions.keys() - callbacks.keys():
                self._end(topic, moment)
        for topic, callback in callbacks.items():
            channel = channels.get(callback.channel_name)
            endpoint = channel.endpoint if channel else ""
            account = self._subscriptions.get(topic)
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
                self._subscriptions[topic] = self._begin(topic, sight, waited_ns)
        self._subscriber_known = True

    def _waited_ns(self, stream: str, publisher: ServerAccount | None, moment: Moment) -> int:
        """For how long a subscription that is connected now was retried while its publisher ran."""
        since_ns = self._waiting.since_ns(stream)
        if since_ns is None:
            return 0
        return moment.monotonic_ns - max(since_ns, publisher.down_ns if publisher is not None else 0)

    def _begin(self, topic: str, sight: Sight, waited_ns: int) -> SubscriptionAccount:
        """A subscription that is new, or is there again; totals of one that had ended go on."""
        account = self._ended_subscriptions.take(topic)
        if account is None:
            baseline = not self._subscriber_known and not self._was_down
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

    def _age_seconds(self, answer: Answer, now_monotonic_ns: int) -> float | None:
        if self._answered_monotonic_ns is None:
            return None
        if answer.reply is not None:
            return 0.0
        return max(0, now_monotonic_ns - self._answered_monotonic_ns) / 1e9

"""The account of one server: its streams, its subscriptions and what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TypeVar

from stem_device.accounting.coverage import SampleAccount
from stem_device.accounting.stream import StreamAccount
from stem_device.accounting.subscription import SubscriptionAccount, stream_of
from stem_device.model.poll import Answer
from stem_device.model.reply import NotConnected, Reply, SubscriberReply
from stem_device.model.snapshot import Counts, ServerRecord, StreamRecord, SubscriptionRecord

FindStream = Callable[[str, str], StreamAccount | None]
"""From a stream's name and the publisher's admin device to its account, if that publisher is monitored."""

VANISHED_KEPT = 10_000
"""Streams (and subscriptions) of a server that have vanished and whose own totals are kept, at most."""

_NO_CLIENT = SubscriberReply(event_callbacks={}, not_connected=[], event_channels={}, perf=None)

Account = TypeVar("Account", StreamAccount, SubscriptionAccount)


class ServerAccount:
    """Follows one server over polls. What has vanished still counts in the server's totals."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.streams: dict[str, StreamAccount] = {}
        self.totals = Counts()
        self.published_delta = 0
        self.received_delta = 0
        self.samples = SampleAccount()
        self._subscriptions: dict[str, SubscriptionAccount] = {}
        self._vanished_streams: dict[str, StreamAccount] = {}
        self._vanished_subscriptions: dict[str, SubscriptionAccount] = {}
        self._answered_monotonic_ns: int | None = None
        self._channels: dict[str, str] = {}
        self._not_connected: tuple[NotConnected, ...] = ()
        self._stream_records: tuple[StreamRecord, ...] = ()
        self._subscription_records: tuple[SubscriptionRecord, ...] = ()

    def update_streams(self, reply: Reply | None, *, mark: bool) -> bool:
        """First pass of a poll; None if the server did not answer. ``mark``: see Ledger.

        True if streams have come or gone, so that an index of them is stale.
        """
        if reply is None:
            for stream in self.streams.values():
                stream.hold(mark=mark)
            return False
        counters = reply.server.event_counters if reply.server else {}
        changed = _retire_all(self.streams, counters, self._vanished_streams)
        # Measured: nothing but a restart of the server sets a counter back, and then it does so to all.
        restarted = any(stream.falls(counters[name]) for name, stream in self.streams.items())
        for name, counter in counters.items():
            known = self.streams.get(name)
            if known is not None:
                known.update(counter, restarted=restarted, mark=mark)
            else:
                self.streams[name] = self._new_stream(name, counter)
                changed = True
        return changed

    def update_subscriptions(self, answer: Answer, find_stream: FindStream, *, late: bool) -> None:
        """Second pass of a poll, when the streams of all servers are up to date.

        ``late``: the server was asked in an earlier poll, its counters are as old as that.
        """
        if answer.reply is None:
            for subscription in self._subscriptions.values():
                subscription.hold()
            self.samples.hold()
        else:
            client = answer.reply.client or _NO_CLIENT
            self._update_callbacks(client, find_stream, late=late)
            self._channels = {name: channel.endpoint for name, channel in client.event_channels.items()}
            self._not_connected = tuple(client.not_connected)
            self._answered_monotonic_ns = answer.answered_monotonic_ns
        self._add_up()
        if answer.reply is not None:
            discarded = sum(account.advanced.discarded for account in self._subscriptions.values())
            self.samples.update(answer, self.published_delta, self.received_delta + discarded)

    def reset_totals(self) -> None:
        for streams in (self.streams, self._vanished_streams):
            for stream in streams.values():
                stream.reset_totals()
        for subscriptions in (self._subscriptions, self._vanished_subscriptions):
            for subscription in subscriptions.values():
                subscription.reset_totals()
        self.totals = Counts(overdue=self.totals.overdue, disconnected=self.totals.disconnected)

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
            not_connected=self._not_connected,
            texts=answer.texts,
        )

    def _new_stream(self, name: str, counter: int) -> StreamAccount:
        """A stream that vanished and is there again has begun again from scratch."""
        stream = self._vanished_streams.pop(name, None)
        if stream is None:
            return StreamAccount(name, counter, baseline=self._answered_monotonic_ns is None)
        stream.restart(counter)
        return stream

    def _update_callbacks(self, client: SubscriberReply, find_stream: FindStream, *, late: bool) -> None:
        _retire_all(self._subscriptions, client.event_callbacks, self._vanished_subscriptions)
        for topic, callback in client.event_callbacks.items():
            channel = client.event_channels.get(callback.channel_name)
            endpoint = channel.endpoint if channel else ""
            account = self._subscriptions.get(topic)
            if account is not None:
                stream = find_stream(account.stream_name, callback.channel_name)
                account.update(callback, endpoint, stream, late=late)
                continue
            stream = find_stream(stream_of(topic), callback.channel_name)
            account = self._vanished_subscriptions.pop(topic, None)
            if account is not None:
                account.renew(callback, endpoint, stream)
            else:
                baseline = self._answered_monotonic_ns is None
                account = SubscriptionAccount(topic, callback, endpoint, stream, baseline=baseline)
            self._subscriptions[topic] = account

    def _add_up(self) -> None:
        streams, subscriptions = self.streams.values(), self._subscriptions.values()
        self._stream_records = tuple([stream.record for stream in streams])
        self._subscription_records = tuple([subscription.record for subscription in subscriptions])
        advanced = [subscription.advanced for subscription in subscriptions]
        self.published_delta = sum([stream.delta for stream in streams])
        self.received_delta = sum([one.received for one in advanced])
        self.totals = Counts(
            published=self.totals.published + self.published_delta,
            received=self.totals.received + self.received_delta,
            missed=self.totals.missed + sum([one.missed for one in advanced]),
            gaps=self.totals.gaps + sum([one.gaps for one in advanced]),
            discarded=self.totals.discarded + sum([one.discarded for one in advanced]),
            resets=self.totals.resets
            + sum([one.new_series for one in advanced])
            + sum([stream.began_again for stream in streams]),
            overdue=sum([record.overdue or 0 for record in self._subscription_records]),
            disconnected=len(self._not_connected),
        )

    def _age_seconds(self, answer: Answer, now_monotonic_ns: int) -> float | None:
        if self._answered_monotonic_ns is None:
            return None
        if answer.reply is not None:
            return 0.0
        return max(0, now_monotonic_ns - self._answered_monotonic_ns) / 1e9


def _retire_all(
    present: dict[str, Account], still_there: Mapping[str, object], vanished: dict[str, Account]
) -> bool:
    """Move what is not there any more to ``vanished``; True if there was any."""
    if present.keys() <= still_there.keys():
        return False
    for name in present.keys() - still_there.keys():
        vanished[name] = present.pop(name)
    for name in list(islice(vanished, max(0, len(vanished) - VANISHED_KEPT))):
        del vanished[name]
    return True

"""All subscriptions of one server at once, while they simply go on: one comparison a poll.

That is how it is with by far most servers at by far most polls. The conditions are those under which
:meth:`SubscriptionAccount.update` says that a subscription went on; where one does not meet all of them, all
of its server are left to that. Their accounts are told what happened meanwhile by ``catch_up``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import gt, lt, sub

from stem_device.accounting.lives import Live
from stem_device.accounting.moment import Moment
from stem_device.accounting.stream import StreamAccount
from stem_device.accounting.subscription import SubscriptionAccount
from stem_device.model.reply import EventCallback, EventChannel, SubscriberReply
from stem_device.model.rows import StandingSubscriptions, SteadySubscriptionRows
from stem_device.model.snapshot import SubscriptionRecord

FindStream = Callable[[str, str], StreamAccount | None]
"""From a stream's name and the publisher's admin device to its account, if that publisher is monitored."""


class SteadySubscriptions:
    """``rows`` are those of the last poll, and ``received_delta`` is what all received at it."""

    def __init__(
        self,
        accounts: Sequence[SubscriptionAccount],
        states: Sequence[Live],
        channels: Mapping[str, EventChannel],
        ended: tuple[SubscriptionRecord, ...],
        streams_version: int,
    ) -> None:
        """All accounts are steady, in these states. What else has to stay as it is: the channels, and what
        streams there are. ``ended`` are the records of what has ended, not at this poll.
        """
        self._accounts = accounts
        self._channels = channels
        self._streams_version = streams_version
        self._topics = [one.topic for one in accounts]
        self._streams = [one.stream for one in states]
        self._bases = [one.base for one in states]
        self._now: Sequence[EventCallback] = [one.counters for one in accounts]
        self._stays = _what_stays(self._now)
        self._counters = [one.server_counter for one in self._now]
        self._arrived = [one.books.received_delta for one in accounts]
        self._standing = StandingSubscriptions((*(one.record for one in accounts), *ended), len(accounts))
        self.rows: Sequence[SubscriptionRecord] = self._standing.records
        self.received_delta = sum(self._arrived)

    @classmethod
    def of(
        cls,
        accounts: Sequence[SubscriptionAccount],
        client: SubscriberReply,
        ended: tuple[SubscriptionRecord, ...],
        find_stream: FindStream,
        streams_version: int,
    ) -> SteadySubscriptions | None:
        """After a poll: None if there is one that may not simply go on, whatever the next reply shows."""
        channels, states = client.event_channels, []
        for account in accounts:
            publisher = account.counters.channel_name
            channel = channels.get(publisher)
            stream = find_stream(account.stream_name, publisher)
            state = account.steady_state(stream, channel.endpoint if channel else "")
            if state is None:
                return None
            states.append(state)
        return cls(accounts, states, channels, ended, streams_version) if accounts else None

    def go_on(
        self,
        client: SubscriberReply,
        streams_version: int,
        moment: Moment,
    ) -> bool:
        """Take a poll at which all simply went on. False if they did not: then nothing was taken."""
        callbacks = client.event_callbacks
        if (
            streams_version != self._streams_version
            or len(callbacks) != len(self._topics)
            or client.event_channels != self._channels
        ):
            return False
        try:
            now = [callbacks[topic] for topic in self._topics]
        except KeyError:
            return False
        if _what_stays(now) != self._stays:
            return False
        counters = [one.server_counter for one in now]
        pushed = [one.pushed for one in self._streams]
        if any(map(lt, counters, self._counters)) or any(map(gt, self._counters, pushed)):
            return False
        before = [one.before_mark for one in self._streams]
        if any(map(gt, before, counters)) and any(map(gt, before, map(max, counters, self._bases))):
            return False  # something is overdue, unless the answer is a late one
        for stream in self._streams:
            stream.subscribed_ns = moment.monotonic_ns
        # With no gap and nothing discarded, what arrived is what the publisher's counter rose by.
        self._arrived = list(map(sub, counters, self._counters))
        self.received_delta = sum(self._arrived)
        self._now, self._counters = now, counters
        self.rows = SteadySubscriptionRows(self._standing, now, self._arrived)
        return True

    def catch_up(self) -> None:
        """Tell the accounts: from now on they are looked at one by one."""
        for account, now, arrived in zip(self._accounts, self._now, self._arrived, strict=True):
            account.catch_up(now, arrived)


def _what_stays(callbacks: Sequence[EventCallback]) -> tuple[list[object], ...]:
    """What does not change of subscriptions that went on; the first is what makes a gap."""
    return (
        [one.server_counter - one.event_count for one in callbacks],
        [one.channel_name for one in callbacks],
        [one.missed_event_count for one in callbacks],
        [one.discarded_event_count for one in callbacks],
        [one.last_resubscribed for one in callbacks],
    )

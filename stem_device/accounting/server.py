"""The account of one server: its streams, its subscriptions and what they add up to."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from msgspec import structs

from stem_device.accounting.coverage import SampleAccount
from stem_device.accounting.moment import Moment
from stem_device.accounting.steady import FindStream
from stem_device.accounting.steady_streams import SteadyStreams
from stem_device.accounting.stream import StreamAccount, port_of
from stem_device.accounting.subscriptions import FindPublisher, Subscriptions
from stem_device.model.poll import Answer, Failure, ServerState
from stem_device.model.snapshot import Counts, ServerRecord, StreamRecord, Unseen

STREAMS_KEPT = 10_000
"""Streams of a server that have vanished and whose totals go on if they come back, at most."""

_NOT_RUNNING = (Failure.NOT_EXPORTED, Failure.UNDEFINED, Failure.REFUSED)


class ServerAccount:
    """Follows one server over polls and lives. What has ended still counts in the server's totals."""

    def __init__(self, name: str, begun_ns: int) -> None:
        """``begun_ns``: monitoring of it begins with a poll at this monotonic time."""
        self.name = name
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
        self._subscriptions = Subscriptions(begun_ns)
        self._first_answer_ns: int | None = None
        self._answered_monotonic_ns: int | None = None
        self._steady: SteadyStreams | None = None
        self._unseen_streams = 0
        self._stream_records: Sequence[StreamRecord] = ()

    def update_streams(self, answer: Answer, moment: Moment) -> bool:
        """First pass of a poll. True if streams have come, gone, ended, or are to be had elsewhere."""
        before, self._moment = self._moment, moment
        reply, life = answer.reply, answer.identity.life
        self.life = life or self.life
        new_life = self._replied_life > 0 and self.life != self._replied_life
        steady, self._steady = self._steady, None
        if reply is None:
            ends = (answer.ended or new_life) and not self._streams_ended
            if ends:
                self._end_streams(before)
            for stream in self.streams.values():
                stream.hold(moment)
            return ends
        counters = reply.server.event_counters if reply.server else {}
        as_before = not new_life and answer.heartbeat_endpoints == self._endpoints
        if steady is not None and as_before and steady.go_on(counters, moment):
            self._steady = steady
            return False
        changed = self._update_each_stream(answer, counters, before, new_life=new_life)
        self._steady = SteadyStreams.of(self.streams)
        return changed

    def _update_each_stream(
        self, answer: Answer, counters: Mapping[str, int], before: Moment, *, new_life: bool
    ) -> bool:
        """As ``update_streams``, of a reply; ``before`` is the poll before."""
        # Measured: nothing but a restart of the server sets a counter back, and then it does so to all.
        restarted = new_life or any(
            counter <= known.pushed and known.falls(counter)
            for name, counter in counters.items()
            if (known := self.streams.get(name)) is not None
        )
        changed = self._streams_ended
        if self._streams_ended and not restarted:
            for stream in self.streams.values():
                stream.go_on()
        self._streams_ended = False
        changed |= self._retire_streams(counters.keys() if not restarted else (), before)
        if answer.heartbeat_endpoints != self._endpoints:
            changed = True
            self._endpoints = answer.heartbeat_endpoints
            self._ports = frozenset(map(port_of, self._endpoints))
        ports = self._ports
        for name, counter in counters.items():
            known = self.streams.get(name)
            if known is None:
                known = self.streams[name] = self._new_stream(answer, name, counter, began_now=restarted)
                changed = True
            else:
                known.update(counter, self._moment)
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
        streams_version: int,
        late: bool,
    ) -> None:
        """Second pass of a poll, when the streams of all servers are up to date.

        ``streams_version``: see :meth:`Subscriptions.update`.
        ``late``: the server was asked in an earlier poll, its counters are as old as that.
        """
        subscriptions = self._subscriptions
        subscriptions.begin_poll(moment)
        if answer.ended or (self._replied_life > 0 and self.life != self._replied_life):
            subscriptions.end_all(moment)
        if answer.reply is None:
            subscriptions.hold(moment)
            self.samples.hold()
            if answer.failure in _NOT_RUNNING:
                self._was_down, self.down_ns = True, moment.monotonic_ns
            return
        if self.life != self._replied_life:
            subscriptions.forget_process()
        if not answer.followed:
            subscriptions.update(
                answer.reply.client,
                find_stream,
                find_publisher,
                moment,
                streams_version=streams_version,
                late=late,
                was_down=self._was_down,
            )
            subscriptions.take_as_complete(answer.complete)
        self._answered_monotonic_ns = answer.answered_monotonic_ns
        subscriptions.forget_process()
        self._replied_life = self.life

    def add_up(self, answer: Answer, moment: Moment) -> None:
        """Third pass of a poll, when it is known which streams are subscribed."""
        if answer.reply is not None and self._first_answer_ns is None:
            self._first_answer_ns = moment.monotonic_ns
        began_again = self._add_up_streams(answer, moment)
        added, totals = self._subscriptions.add_up(), self.totals
        self.received_delta = added.received
        self.totals = Counts(
            published=totals.published + self.published_delta,
            received=totals.received + added.received,
            missed=totals.missed + added.missed,
            gaps=totals.gaps + added.gaps,
            discarded=totals.discarded + added.discarded,
            resets=totals.resets + added.resets + began_again,
            overdue=added.overdue,
            disconnected=added.disconnected,
            unaccounted=totals.unaccounted + added.unaccounted,
            missed_before=totals.missed_before + added.missed_before,
            unobserved=totals.unobserved + added.unobserved,
            blind_seconds=totals.blind_seconds + added.blind_seconds,
            books_unbalanced=totals.books_unbalanced + added.books_unbalanced,
            overdue_unknown=added.overdue_unknown,
            unseen_streams=self._unseen_streams,
        )
        if answer.reply is not None:
            self.samples.update(answer, self.published_delta, added.received + added.discarded)

    def reset_totals(self) -> None:
        for streams in (self.streams, self._vanished_streams):
            for stream in streams.values():
                stream.reset_totals()
        self._steady = None
        self._subscriptions.reset_totals()
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
        waiting = self._subscriptions.that_wait
        return structs.replace(
            self.totals, overdue=0, disconnected=0, overdue_unknown=waiting, unseen_streams=0
        )

    def record(self, answer: Answer, now_monotonic_ns: int) -> ServerRecord:
        """The server as it is known after this poll."""
        came = answer.answered_monotonic_ns > 0
        return ServerRecord(
            name=self.name,
            state=answer.state,
            reason=answer.reason,
            since_utc_ns=answer.since_utc_ns,
            tango_version=answer.tango_version,
            age_seconds=self._age_seconds(answer, now_monotonic_ns),
            asked_utc_ns=answer.asked_utc_ns if came else None,
            asked_monotonic_ns=answer.asked_monotonic_ns if came else None,
            round_trip_seconds=max(0, answer.answered_monotonic_ns - answer.asked_monotonic_ns) / 1e9
            if came
            else math.nan,
            queries=answer.queries,
            sampling=answer.sampling,
            sampling_ours=answer.sampling_ours,
            drained_by_others=self.samples.drained_by_others,
            publisher_samples=self.samples.publisher_samples,
            subscriber_samples=self.samples.subscriber_samples,
            sampled_events=self.samples.events,
            counts=self.totals,
            streams=self._stream_records,
            subscriptions=self._subscriptions.records,
            channels=self._subscriptions.channels,
            not_connected=self._subscriptions.not_connected,
            texts=answer.texts,
            failure=answer.failure,
            identity=answer.identity,
            ended=answer.ended,
            followed=answer.followed,
            event_endpoints=answer.event_endpoints,
            heartbeat_endpoints=answer.heartbeat_endpoints,
            asked_every=answer.asked_every,
            tap=answer.tap,
        )

    def _add_up_streams(self, answer: Answer, moment: Moment) -> int:
        """The rows of this poll and what was pushed; returns how many streams have begun again.

        All streams of a target count; of a followed server, those that monitored subscriptions depend on.
        """
        now, steady = moment.monotonic_ns, None if answer.followed else self._steady
        streams: Collection[StreamAccount] = self.streams.values()
        if answer.followed:
            streams = [one for one in streams if one.subscribed_ns == now]
        elif answer.reply is not None:
            doubtful = [one for one in streams if one.unseen or (one.delta and one.subscribed_ns != now)]
            news = [one.look_for_unseen(now, self._first_answer_ns or now) for one in doubtful]
            if any(news):
                steady = self._steady = None  # its rows say otherwise
        if steady is not None and steady.rows is self._stream_records:  # nothing moves
            self.published_delta = 0
            return 0
        self._unseen_streams = sum([one.unseen is not Unseen.NOT_TOLD for one in streams])
        if steady is not None:
            self._stream_records, self.published_delta = steady.rows, steady.published_delta
            return 0
        self._stream_records = tuple([one.record for one in streams])
        self.published_delta = sum([one.delta for one in streams])
        return sum([one.began_again for one in streams])

    def _new_stream(self, answer: Answer, name: str, counter: int, *, began_now: bool) -> StreamAccount:
        """A stream that vanished and is there again has begun again from scratch.

        One that is tapped was pushed before, nobody knows since when: it counts from the first event on.
        """
        former = self._vanished_streams.pop(name, None)
        if answer.state is ServerState.TAPPED:
            before = answer.heard_from.get(name, counter - 1)
            if former is not None:
                return former.heard_again(counter, before, life=self.life, began_now=began_now)
            return StreamAccount.heard(name, counter, before, life=self.life)
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

    def _age_seconds(self, answer: Answer, now_monotonic_ns: int) -> float | None:
        if self._answered_monotonic_ns is None:
            return None
        if answer.reply is not None:
            return 0.0
        return max(0, now_monotonic_ns - self._answered_monotonic_ns) / 1e9

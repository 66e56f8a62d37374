"""The account of one subscription: one topic in one subscribing server, over all of its lives."""

from __future__ import annotations

from typing import TypeGuard

from stem_device.accounting.beginning import begin, place
from stem_device.accounting.booking import miss_between
from stem_device.accounting.books import Books
from stem_device.accounting.counters import CounterReader
from stem_device.accounting.lives import Former, Fresh, Live, State, owed_at_end
from stem_device.accounting.moment import Moment
from stem_device.accounting.rules import began_again, difference, discarded_count, jumped, went_on
from stem_device.accounting.sight import Sight, Step
from stem_device.accounting.stream import StreamAccount
from stem_device.model.reply import EventCallback
from stem_device.model.snapshot import SubscriptionRecord
from stem_device.model.topics import stream_of


class SubscriptionAccount:
    """Follows the counters of one subscription over polls.

    ``books`` has its totals, and what this poll added. ``ended``: it is no more.
    """

    __slots__ = (
        "_anchor_utc_ns",
        "_first_seen_utc_ns",
        "_gap_before",
        "_gaps_before",
        "_lag_seconds",
        "_left_at_end",
        "_lost_since_utc_ns",
        "_overdue",
        "_reader",
        "_state",
        "books",
        "ended",
        "record",
        "stream_name",
        "topic",
    )

    record: SubscriptionRecord
    _anchor_utc_ns: int
    _overdue: int | None
    _lag_seconds: float | None
    _lost_since_utc_ns: int | None

    def __init__(self, topic: str, sight: Sight, *, baseline: bool, blind_ns: int = 0) -> None:
        """``baseline``: first poll of a server that may have run before; what it counted is left out.

        ``blind_ns``: for so long its server had been asked without an answer, or it had been retried.
        """
        self.topic = topic
        self.stream_name = stream_of(topic)
        self.books = Books()
        self.books.be_blind(blind_ns)
        self._gaps_before = sight.now.missed_event_count if baseline else 0
        self._begin(sight, baseline=baseline)
        if not baseline:
            self._count_from_beginning(sight)
        self._finish(sight)

    @property
    def overdue(self) -> int | None:
        return self._overdue

    def update(
        self,
        now: EventCallback,
        endpoint: str,
        stream: StreamAccount | None,
        life: int,
        moment: Moment,
        *,
        late: bool = False,
    ) -> None:
        """Take what a poll shows, see :class:`Sight`; in pieces, as most polls need no more than a glance."""
        state, last = self._state, self._reader.counters
        if (
            self._follows(state, stream, endpoint)
            and last.server_counter <= state.stream.pushed
            and went_on(last, now)
        ):
            self._go_on(state, now, moment, late=late)
        else:
            self._update_with_care(Sight(now, endpoint, stream, life, moment, late))

    def steady_state(self, stream: StreamAccount | None, endpoint: str) -> Live | None:
        """Its state if it simply goes on where the next poll's counters say so; nothing waits or was lost.

        ``stream`` and ``endpoint`` are those of this poll. None: it has to be looked at with care.
        """
        state, reader = self._state, self._reader
        steady = (
            self._follows(state, stream, endpoint)
            and reader.counters is reader.raw
            and reader.counters.server_counter > 0
            and not (self._overdue or self._lag_seconds or self.books.moved)
        )
        return state if steady and isinstance(state, Live) else None

    @property
    def counters(self) -> EventCallback:
        """As they came at the last poll that was taken."""
        return self._reader.raw

    def catch_up(self, now: EventCallback, arrived: int) -> None:
        """Take the polls since at which it simply went on: the last one's counters, and what came at it."""
        self.books.go_on(now.event_count - self._reader.counters.event_count)
        self.books.received_delta = arrived
        self._reader.take(now)
        self._write()

    def renew(self, sight: Sight, blind_ns: int = 0, *, just_ended: bool = True) -> None:
        """Take the counters of a subscription that had ended, perhaps in this poll, and is there again.

        ``blind_ns``: for so long it had been retried.
        """
        self.books.be_blind(blind_ns)
        # Had it ended in this poll, its successor has received a part of what was pushed since the last one.
        self.books.take_back(0, min(self.books.unobserved_delta, sight.now.event_count))
        self._begin_again(sight, renewed=just_ended)
        self._finish(sight)

    def owe_nothing(self) -> None:
        """All that was due at this poll has arrived, by what is known besides the counters."""
        self._overdue, self._lag_seconds = 0, 0.0
        self._write()

    def hold(self, moment: Moment) -> None:
        """The server did not answer in this poll: nothing is counted."""
        state = self._state
        if isinstance(state, Live | Fresh) and state.stream is not None:
            state.stream.subscribed_ns = moment.monotonic_ns
        if self.books.moved or self.books.received_delta:
            self.books.clear_deltas()
            self._lost_since_utc_ns = None
            self._write()

    def end(self, moment: Moment) -> None:
        """It is no more: unsubscribed, or its process ended. Nobody knows what became of what was overdue."""
        self.books.clear_deltas()
        counter = self._reader.counters.server_counter
        left = self._leave_overdue(counter, moment)
        unobserved = max(0, self._pushed_beyond(counter) - left)
        self.books.leave_unobserved(unobserved)
        self._left_at_end = (left, unobserved)
        self.ended = True
        self._overdue, self._lag_seconds = 0, None
        self._note_losses(moment)
        self._write()

    def resume(self, sight: Sight) -> None:
        """It has not ended after all: the same process answers again, and its counters decide."""
        (left, unobserved), self._left_at_end = self._left_at_end, (0, 0)
        self.ended, self._overdue = False, left
        self._update_with_care(sight)
        self.books.take_back(left, unobserved)
        self._write()

    def reset_totals(self) -> None:
        self.books.reset()
        self._gaps_before = self._reader.raw.missed_event_count
        self._left_at_end = (0, 0)
        self._write()

    def _begin(self, sight: Sight, *, baseline: bool) -> None:
        """Take the counters of this poll as the first ones of a life."""
        self._reader = CounterReader(sight.now)
        self._state: State = begin(sight, baseline=baseline)
        self._first_seen_utc_ns = self._anchor_utc_ns = sight.moment.utc_ns
        self._overdue = None
        self._lag_seconds = None
        self._lost_since_utc_ns = None
        self._gap_before = self.ended = False
        self._left_at_end = (0, 0)

    def _begin_again(self, sight: Sight, *, explained: int = 0, renewed: bool = True) -> None:
        """Begin another life; what the one before left unaccounted in this poll keeps its onset."""
        anchor_utc_ns = self._anchor_utc_ns if self.books.unaccounted_delta > 0 else None
        self._begin(sight, baseline=False)
        self.books.begin_series()
        self._count_from_beginning(sight, explained=explained, renewed=renewed)
        if anchor_utc_ns is not None:
            self._anchor_utc_ns = anchor_utc_ns

    def _count_from_beginning(self, sight: Sight, *, explained: int = 0, renewed: bool = False) -> None:
        """Count what a subscription has received since it began, after the previous poll.

        Where that was in the publisher's series is not known: after the previous poll, and a gap is one
        event at least. ``renewed``: what was pushed to the one before it is counted there.
        """
        now, stream = sight.now, sight.stream
        gaps = now.missed_event_count
        if stream is not None and stream.began_now and not renewed:
            # What the life before pushed to it is not known, nor which of the two its counter is of.
            self.books.be_blind(sight.moment.monotonic_ns - sight.moment.marks[-2][1])
        self.books.receive(now.event_count, gaps=gaps, discarded=discarded_count(now))
        if stream is not None and not explained and now.server_counter <= stream.pushed:
            before = stream.pushed_before(late=sight.late)
            possible = now.server_counter - now.event_count - before
            miss_between(gaps, possible, self.books)
            if isinstance(self._state, Fresh) and not renewed:  # it connects, or has lost them already
                self.books.leave_unobserved(stream.pushed - before)
        else:
            self.books.miss(max(0, gaps - explained), at_least=True)
        self._anchor_utc_ns = sight.moment.marks[-2][0]

    def _follows(self, state: State, stream: StreamAccount | None, endpoint: str) -> TypeGuard[Live]:
        """Whether nothing but the counters is needed to see that it goes on in its publisher's life."""
        return (
            type(state) is Live
            and stream is state.stream
            and state.unproven_ns is None
            and not (stream.ended or (stream.ports and state.unplaced_ns is not None))
            and not (self._reader.torn or self._gap_before)
            and bool(stream.life or endpoint == state.endpoint)
        )

    def _go_on(self, state: Live, now: EventCallback, moment: Moment, *, late: bool) -> None:
        """All that was pushed was received, or nothing was pushed."""
        stream, books = state.stream, self.books
        stream.subscribed_ns = moment.monotonic_ns
        arrived = now.event_count - self._reader.counters.event_count
        # Conditions instead of max(), and no calls: this is done for every subscription in every poll.
        counter, before = now.server_counter, stream.pushed_before(late=late)
        reached = counter if counter > state.base else state.base
        overdue = before - reached if before > reached else 0
        nothing_new = now.callback_count == self._reader.raw.callback_count
        if nothing_new and not (arrived or overdue or books.received_delta or books.moved or self._overdue):
            return
        self._reader.take(now)
        books.go_on(arrived)
        self._overdue, self._lost_since_utc_ns = overdue, None
        if overdue or self._lag_seconds:
            self._note_lag(moment)
        self._write()

    def _update_with_care(self, sight: Sight) -> None:
        state, books, last = place(self._state, sight), self.books, self._reader.counters
        books.clear_deltas()
        crossed = isinstance(state, Former) or state.ended(sight)
        stale = isinstance(state, Fresh) and state.stale
        now = self._reader.read(sight.now, one_life=not (crossed or stale))
        if began_again(last, now) or (jumped(last, now) and not self._gap_before):
            counter, overdue, received = last.server_counter, self._overdue or 0, sight.now.event_count
            left = self._leave_overdue(counter, sight.moment)
            books.leave_unobserved(overdue - left)  # pushed before monitoring began
            if not sight.now.missed_event_count:  # else that tells of it
                books.leave_unobserved(self._pushed_beyond(counter) - overdue - received)
            self._begin_again(sight, explained=1 if crossed else 0)
        else:
            self._anchor_utc_ns = self._caught_up_utc_ns(state, last.server_counter, sight.moment)
            owed = owed_at_end(state, self._overdue, last.server_counter)
            step = Step(sight, last, now, difference(last, now), self._gap_before, owed)
            self._state = state.step(step, books)
            if isinstance(self._state, Fresh | Former) and self._state.held is not None:
                self._reader.wait(last)
        self._gap_before = books.gaps_delta > 0 and type(self._state) is Live
        self._finish(sight)

    def _finish(self, sight: Sight) -> None:
        if sight.stream is not None:
            sight.stream.subscribed_ns = sight.moment.monotonic_ns
        self._note_losses(sight.moment)
        self._overdue = self._state.overdue(self._reader.reached, late=sight.late)
        self._note_lag(sight.moment)
        self._write()

    def _leave_overdue(self, counter: int, moment: Moment) -> int:
        """A life of the subscription ended at ``counter``; what is overdue may have arrived since or not."""
        left = owed_at_end(self._state, self._overdue, counter)
        self.books.leave_unaccounted(left)
        self.books.be_blind(self._state.unwatched_ns(moment))
        self._anchor_utc_ns = self._caught_up_utc_ns(self._state, counter, moment)
        return left

    def _pushed_beyond(self, counter: int) -> int:
        """What the publisher has pushed that this subscription had not received by then, as far as known.

        What a former life of the publisher still owes is overdue, or booked already.
        """
        state = self._state
        if not isinstance(state, Live | Fresh) or state.stream is None:
            return 0
        return max(0, state.stream.pushed - state.reached_at(counter))

    def _note_losses(self, moment: Moment) -> None:
        """When what was found lost in this poll was lost at the earliest."""
        found = self.books.missed_delta > 0 or self.books.unaccounted_delta > 0
        self._lost_since_utc_ns = min(self._anchor_utc_ns, moment.utc_ns) if found else None

    def _caught_up_utc_ns(self, state: State, counter: int, moment: Moment) -> int:
        """The last poll by which nothing had been pushed that was not received, as far as is known."""
        if isinstance(state, Live | Fresh | Former) and state.stream is not None:
            passed = state.stream.passed(state.reached_at(counter), moment)
            found = passed[0].utc_ns if passed else self._anchor_utc_ns
        else:
            found = moment.marks[-2][0]
        return max(found, self._first_seen_utc_ns)

    def _note_lag(self, moment: Moment) -> None:
        """How long ago the publisher's counter passed this one; nothing lags that is merely in flight."""
        self._lag_seconds = 0.0 if self._overdue == 0 else None
        state = self._state
        if not self._overdue or not isinstance(state, Live | Fresh | Former) or state.stream is None:
            return
        passed = state.stream.passed(state.reached_at(self._reader.reached), moment)
        if passed is not None:
            self._lag_seconds = max(0.0, (moment.monotonic_ns - passed[1]) / 1e9)

    def _write(self) -> None:
        now, books = self._reader.raw, self.books
        # In the order of the record's fields: by name it takes eight times as long, and this is done for
        # every subscription in every poll.
        self.record = SubscriptionRecord(
            self.topic,
            self.stream_name,
            now.channel_name,
            now.callback_count,
            now.server_counter,
            now.event_count,
            now.missed_event_count,
            discarded_count(now),
            now.last_resubscribed,
            books.received,
            books.received_delta,
            books.missed,
            books.missed_delta,
            books.at_least,
            books.gaps,
            books.gaps_delta,
            self._gaps_before,
            books.discarded,
            books.resets,
            self._overdue,
            books.unaccounted,
            books.unaccounted_delta,
            books.missed_before,
            books.unobserved,
            self._lag_seconds,
            self._lost_since_utc_ns,
            self._first_seen_utc_ns,
            self._state.link,
            self.ended,
            "",
            books.blind_ns / 1e9,
        )

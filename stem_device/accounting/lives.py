"""How a subscription stands to the life of its publisher, and what each poll makes of that.

The counters of a subscription mean something only within one life of the publisher: one process, one series.
The four states are those of :class:`stem_device.model.snapshot.Link`; every ``step`` takes the counters
of one poll, writes into the books what is certain, and returns the state that follows. The reasons are in
``docs/reference/accounting.md``.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, structs

from stem_device.accounting.booking import begin_to_go_on, go_on, miss, miss_between, receive
from stem_device.accounting.books import Books
from stem_device.accounting.moment import Moment
from stem_device.accounting.sight import (
    Sight,
    Step,
    is_ahead,
    is_another,
    is_elsewhere,
    present_stream,
    unplaced_since,
    unwatched_ns,
    unwatched_since,
)
from stem_device.accounting.stream import StreamAccount
from stem_device.model.snapshot import Link

CONNECT_SECONDS = 1.0
"""For so long after a subscription or a reconnection ZeroMQ may still be connecting, and what is pushed
meanwhile may go nowhere: it is not observed. Measured are 0.03 s over loopback; with half a second, what a
subscription over a slow network could never get would be overdue. Whatever is added to it is not observed of
every new subscription (docs/explanation/connecting.md)."""

DRAIN_POLLS = 2
DRAIN_SECONDS = 30.0
"""A subscription whose publisher's life has ended, and that receives nothing at so many polls and for so
long, has emptied its queue: what it has not received by then is lost. Half of it would take a callback that
waits for a few time limits of 3 s for the end of the queue; with twice as much, the losses of a crash were
told after a minute. With one poll instead of two, a monitor that polls once a minute would take the first
poll for the end of every queue."""

QUIET_SECONDS = 2.0
"""With fixed event ports nothing tells when a subscription is connected to its publisher's new life: an event
after DRAIN_POLLS polls and so long without one is of the new life. Half of it would take a callback of 1.5 s
for the end of the queue, so that the rest of that would count for the new life; with twice as much, a
subscriber that was connected again within 3 s, as it may be, would stay in the former one."""


class Unknown(Struct, frozen=True, gc=False):
    """The publisher is not asked, or does not tell what it pushes. Its life may be known nevertheless.

    ``at_baseline``: monitoring has begun, and nothing has arrived since.
    """

    life: int
    endpoint: str
    at_baseline: bool = False
    link: ClassVar[Link] = Link.UNKNOWN

    def ended(self, sight: Sight) -> bool:
        """Whether the publisher has begun another life: by its identity, else by a new endpoint."""
        if self.life and sight.life:
            return self.life != sight.life
        return bool(self.endpoint) and sight.endpoint != self.endpoint

    def step(self, step: Step, books: Books) -> State:
        if self.ended(step.sight):
            return Former.after(None, 0, self.endpoint, step.sight).step(step, books)
        state = adopt(step.sight, step.now.server_counter)
        if not self.at_baseline:
            go_on(step, books, before=0)
            return state
        stream = step.sight.stream
        begin_to_go_on(step, books, None if stream is None else stream.pushed)
        if isinstance(state, Live):
            return structs.replace(state, before=state.stream.pushed)
        return structs.replace(state, at_baseline=step.quiet) if isinstance(state, Unknown) else state

    def overdue(self, counter: int, *, late: bool) -> int | None:  # noqa: ARG002
        return None

    def unwatched_ns(self, moment: Moment) -> int:
        """For how long nobody has counted what is pushed to it, before it ends at this poll."""
        return unwatched_ns(None, moment)


class Live(Struct, frozen=True, gc=False):
    """The counter belongs to the present life of the publisher.

    Overdue events are looked for beyond ``base``. What had been pushed by ``before`` was pushed before
    monitoring began. ``unproven_ns``: since then (monotonic) the counter is ahead of what the publisher has
    told, as the events came between the two questions or as it belongs to another life; the publisher's next
    answer decides.
    ``unplaced_ns``: see :func:`unplaced_since`.
    """

    stream: StreamAccount
    base: int
    before: int
    endpoint: str
    unproven_ns: int | None = None
    unplaced_ns: int | None = None
    link: ClassVar[Link] = Link.LIVE

    def ended(self, sight: Sight) -> bool:
        return self.stream.ended or is_another(self.stream, self.endpoint, sight)

    def step(self, step: Step, books: Books) -> State:
        sight, last = step.sight, step.last.server_counter
        if self.ended(sight):
            known = None if sight.stream is self.stream and not self.stream.ended else self.stream
            reached = max(last, self.base, self.before)
            books.leave_unobserved(self.before - max(last, self.base))
            return Former.after(known, reached, self.endpoint, sight).step(step, books)
        if sight.stream is None:
            go_on(step, books, before=self.before)
            return Unknown(sight.life, sight.endpoint)
        told = self.stream.answered and not sight.late
        if self.stream.lower_bound and step.change.counter >= 0:
            self.stream.raise_to(step.now.server_counter, sight.moment)
        if step.change.counter < 0 or (told and last > self.stream.pushed):
            # Book (b): what was received by the last poll has been pushed by this one. If not, there was
            # another life of the publisher that nothing else has told of.
            if self.unproven_ns is None:
                books.contradict()
            return Former.after(None, 0, "", sight).step(step, books)
        go_on(step, books, before=self.before)
        if self.unproven_ns is None or not told:
            return self
        if step.quiet:  # the publisher has got to a counter of another life, or this one goes on
            books.be_blind(sight.moment.monotonic_ns - self.unproven_ns)
        return structs.replace(self, unproven_ns=None)

    def reached_at(self, counter: int) -> int:
        """How far the subscription has come in the publisher's series."""
        return max(counter, self.base)

    def overdue(self, counter: int, *, late: bool) -> int | None:
        return max(0, self.stream.pushed_before(late=late) - max(counter, self.base))

    def unwatched_ns(self, moment: Moment) -> int:
        """See :class:`Unknown`."""
        return self.stream.unwatched_ns(moment)


class Fresh(Struct, frozen=True, gc=False):
    """No event of the publisher's present life has arrived yet.

    ``base`` is what it had pushed when ZeroMQ had had the time to connect; until then (``connecting_ns`` is
    when that began) it moves on from ``first``. ``stale``: the counters are those of a former life.
    ``held``: see :class:`Former`. ``unplaced_ns``: see :func:`unplaced_since`. ``at_baseline``: see
    :class:`Unknown`.
    """

    stream: StreamAccount | None
    first: int
    base: int
    before: int
    endpoint: str
    life: int
    connecting_ns: int | None
    stale: bool = False
    held: int | None = None
    unplaced_ns: int | None = None
    at_baseline: bool = False
    link: ClassVar[Link] = Link.FRESH

    def ended(self, sight: Sight) -> bool:
        if self.stream is not None:
            return self.stream.ended or is_another(self.stream, self.endpoint, sight)
        return Unknown(self.life, self.endpoint).ended(sight)

    def step(self, step: Step, books: Books) -> State:
        sight, change = step.sight, step.change
        if self.ended(sight):
            known = self.stream if self.connecting_ns is None else None
            return Former.after(known, self.base, self.endpoint, sight).step(step, books)
        if step.quiet and self.held is None:
            return self._wait(sight, books)
        counter = step.now.server_counter
        stream = self.stream if self.stream is not None else sight.stream
        if stream is not None and self.stale:
            ahead = is_ahead(counter, self.held, stream, sight)
            if ahead is None:
                return structs.replace(self, held=counter)
            if ahead:  # of the former life: its queue was not empty after all
                receive(change, books)
                return structs.replace(self, held=None)
        receive(change, books)
        self._lose(step, books)
        if stream is None:
            return Unknown(sight.life, sight.endpoint)
        # Where the publisher was not asked it may have been restarted: a number below the base may be that of
        # a life that nothing tells of, and then what the known one pushed before the base is owed to nobody.
        base = counter if stream.answered else max(counter, self.base)
        return Live(stream, base, self.before, self.endpoint, unplaced_ns=self.unplaced_ns)

    def _lose(self, step: Step, books: Books) -> None:
        """What was lost before the first events arrived, and between them."""
        counter, received = step.now.server_counter, step.change.received
        gaps = step.change.gaps - (1 if self.stale else 0)  # a stale counter makes a gap by itself
        lost = counter - self.base - received
        if self.stream is None and self.at_baseline:
            books.leave_unaccounted(gaps)
        elif self.stream is None:
            books.miss(gaps, at_least=True)
        elif self.connecting_ns is not None or lost < gaps:
            miss_between(gaps, counter - self.first - received, books)
            if not gaps:  # pushed while ZeroMQ connected: nothing is certain
                books.leave_unobserved(lost)
        else:
            miss(lost, self.base, counter, self.before, books, at_least=self.base > self.first)

    def _wait(self, sight: Sight, books: Books) -> State:
        if self.stream is None and sight.stream is not None:
            pushed = sight.stream.pushed
            if sight.stream.is_new:
                books.leave_unobserved(pushed)
            elif self.connecting_ns is not None:
                books.be_blind(sight.moment.monotonic_ns - self.connecting_ns)
            since_ns = unplaced_since(sight, sight.stream)
            return structs.replace(self, stream=sight.stream, first=pushed, base=pushed, unplaced_ns=since_ns)
        if self.stream is None or self.connecting_ns is None:
            return self
        books.leave_unobserved(self.stream.pushed - self.base)
        connecting = sight.moment.monotonic_ns - self.connecting_ns < CONNECT_SECONDS * 1e9
        return structs.replace(
            self, base=self.stream.pushed, connecting_ns=self.connecting_ns if connecting else None
        )

    def reached_at(self, counter: int) -> int:  # noqa: ARG002
        return self.base

    def overdue(self, counter: int, *, late: bool) -> int | None:  # noqa: ARG002
        if self.stream is None:
            return None
        return max(0, self.stream.pushed_before(late=late) - self.base)

    def unwatched_ns(self, moment: Moment) -> int:
        """See :class:`Unknown`."""
        return unwatched_ns(self.stream, moment)


class Former(Struct, frozen=True, gc=False):
    """The publisher's life that the counter belongs to has ended; its queue may still hold events.

    ``stream`` is that of the former life, None where it is not known what that had pushed; ``reached`` is
    how far the subscription had come in it. ``settled``: what it owed has been booked, or is not known.
    ``idle`` is what shows that nothing is being pushed: its publisher's stream, while no process has it or
    nothing was pushed in it. ``watched_ns``: what is pushed later, nothing has counted. ``held`` is a counter
    that is ahead of what the publisher's new life has told: whose it is, its next answer decides, and the
    counters wait until then.
    ``still_polls`` polls, since ``still_ns``, nothing has arrived. ``here_ns`` is when the subscription was
    first seen to be connected to the new life.
    """

    stream: StreamAccount | None
    reached: int
    endpoint: str
    settled: bool
    still_polls: int
    still_ns: int
    watched_ns: int
    here_ns: int | None = None
    idle: StreamAccount | None = None
    held: int | None = None
    link: ClassVar[Link] = Link.FORMER

    @classmethod
    def after(
        cls,
        stream: StreamAccount | None,
        reached: int,
        endpoint: str,
        sight: Sight,
        since_ns: int | None = None,
    ) -> Former:
        """``since_ns``: since then nothing has counted what is pushed to it, where that is known."""
        moment = sight.moment
        since = unwatched_since(stream, moment) if since_ns is None else since_ns
        return cls(stream, reached, endpoint, stream is None, 0, moment.monotonic_ns, since)

    def step(self, step: Step, books: Books) -> State:
        sight, counter = step.sight, step.now.server_counter
        stream = self.stream
        if stream is not None and sight.stream is stream and not stream.ended:
            return self._come_back(step, stream, books)
        idle, watched_ns = self._idle_stream(sight), sight.moment.monotonic_ns
        if self.idle is None or idle is not self.idle:  # else nothing was pushed
            books.be_blind(watched_ns - self.watched_ns)
        new = self._is_new_life(step)
        if new is None:
            return structs.replace(self, held=counter, idle=idle, watched_ns=watched_ns)
        if new:
            return self._begin_new_life(step, books)
        receive(step.change, books)
        reached = self.reached
        if self.stream is not None and step.change.counter > 0:
            # Not what the counter rose by: a first event does not tell of what was pushed before the base.
            lost = counter - reached - step.change.received
            if step.change.gaps and lost > 0:
                books.miss(lost, at_least=True)
            reached = max(reached, counter)
        moving = not step.quiet
        state = structs.replace(
            self,
            reached=reached,
            idle=idle,
            watched_ns=watched_ns,
            held=None,
            still_polls=0 if moving else self.still_polls + 1,
            still_ns=sight.moment.monotonic_ns if moving else self.still_ns,
        )
        return state._settle(sight, books)._await_new_life(sight, books)

    def _come_back(self, step: Step, stream: StreamAccount, books: Books) -> State:
        """It is the same process after all: it had refused its connections for a while."""
        go_on(step, books, before=0)
        return Live(stream, stream.pushed if self.settled else self.reached, 0, step.sight.endpoint)

    def _is_new_life(self, step: Step) -> bool | None:
        """Whether the counter is that of another life, by evidence that no other story has.

        None: the publisher's next answer decides.
        """
        sight, change, counter = step.sight, step.change, step.now.server_counter
        if change.counter < 0:
            return True
        new = present_stream(sight)
        # Number c of the new life may be taken for a duplicate (measured); else a change makes a gap, or
        # more has arrived than one life has room for.
        duplicate = change.discarded > 0 and change.counter == 0
        jumped = duplicate or change.gaps > 0 or change.lost < 0
        if new is None:
            # Of a publisher that is not asked only a jump tells; of one that is gone there is no new life.
            return jumped and self.stream is None
        if is_elsewhere(sight.endpoint, new):
            return False
        if not (jumped or (change.received > 0 and self._was_quiet(sight))):
            return False
        ahead = is_ahead(counter, self.held, new, sight)
        return None if ahead is None else not ahead

    def _was_quiet(self, sight: Sight) -> bool:
        """Whether the queue of the former life was empty before this poll."""
        quiet_ns = sight.moment.monotonic_ns - self.still_ns
        if self.still_polls >= DRAIN_POLLS and quiet_ns >= QUIET_SECONDS * 1e9:
            return True
        return self.still_polls > 0 and self._is_here(sight)

    def _begin_new_life(self, step: Step, books: Books) -> State:
        """Of what the former life owed, no more has arrived than ``e`` rose by.

        What the new life had pushed up to this counter is not observed. One gap is explained by the change
        where the counter rose; where it falls, cppTango notices none (measured).
        """
        sight, change = step.sight, step.change
        owed = 0 if self.settled and self.still_polls else step.owed
        certain = max(0, owed - change.received)
        explained = 1 if change.gaps and change.counter > 0 else 0
        receive(change, books)
        books.begin_series()
        lost = max(certain, change.gaps - explained)
        if lost or owed:
            books.miss(lost, at_least=True)
        books.leave_unaccounted(max(0, owed - lost))
        counter = step.now.server_counter
        return adopt(sight, counter) if sight.stream is not None else Unknown(sight.life, sight.endpoint)

    def _settle(self, sight: Sight, books: Books) -> Former:
        """Once the queue is empty, what the former life still owes is lost."""
        quiet_ns = sight.moment.monotonic_ns - self.still_ns
        if self.settled or self.still_polls < DRAIN_POLLS or quiet_ns < DRAIN_SECONDS * 1e9:
            return self
        owed = self._owed()
        if owed:
            books.miss(owed, at_least=True)
        return structs.replace(self, settled=True)

    def _await_new_life(self, sight: Sight, books: Books) -> State:
        """Connected to the new life, and nothing owed by the former: the new one is observed from here on."""
        new = present_stream(sight)
        if new is None or not self.still_polls or self._owed() or not self._is_here(sight):
            return self
        if self.here_ns is None:
            return structs.replace(self, here_ns=sight.moment.monotonic_ns)
        if sight.moment.monotonic_ns - self.here_ns < CONNECT_SECONDS * 1e9:
            return self
        books.begin_series()
        books.leave_unobserved(new.pushed)
        pushed = new.pushed
        return Fresh(new, pushed, pushed, 0, sight.endpoint, sight.life, None, stale=True)

    def _is_here(self, sight: Sight) -> bool:
        """Whether it is connected to the publisher's present life, and was not so in the former: fixed
        event ports hide it."""
        new = present_stream(sight)
        if new is None or sight.endpoint == self.endpoint:
            return False
        return not is_elsewhere(sight.endpoint, new)

    def _idle_stream(self, sight: Sight) -> StreamAccount | None:
        """Not one that went while its process stayed: its attribute may be there again, uncounted."""
        stream = sight.stream
        if stream is None:
            return None
        gone = stream is self.stream  # and has ended, with its process
        return stream if gone or stream.pushed == 0 else None

    def _owed(self) -> int:
        if self.settled or self.stream is None:
            return 0
        return max(0, self.stream.pushed - self.reached)

    def reached_at(self, counter: int) -> int:  # noqa: ARG002
        return self.reached

    def overdue(self, counter: int, *, late: bool) -> int | None:  # noqa: ARG002
        """What the former life still owes; what a new one has pushed is not known yet."""
        owed = self._owed()
        return owed if owed or self.idle is not None else None

    def unwatched_ns(self, moment: Moment) -> int:
        """See :class:`Unknown`."""
        return 0 if self.idle is not None else moment.monotonic_ns - self.watched_ns


State = Unknown | Live | Fresh | Former


def adopt(sight: Sight, counter: int) -> State:
    """The state of a subscription whose counter was not compared with the publisher's yet."""
    stream = sight.stream
    if stream is None:
        return Unknown(sight.life, sight.endpoint)
    elsewhere = is_elsewhere(sight.endpoint, stream)
    if stream.ended or elsewhere:
        return Former.after(None, 0, sight.endpoint if elsewhere else "", sight)
    ahead = counter > stream.pushed and not stream.lower_bound
    unproven_ns = sight.moment.monotonic_ns if ahead else None
    return Live(stream, counter, 0, sight.endpoint, unproven_ns, unplaced_since(sight, stream))


def owed_at_end(state: State, overdue: int | None, counter: int) -> int:
    """Of what is overdue, that which was pushed since monitoring began."""
    if not overdue:
        return 0
    if isinstance(state, Live):
        return overdue - min(overdue, max(0, state.before - max(counter, state.base)))
    return overdue

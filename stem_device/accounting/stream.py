"""The account of one stream in one life of its publisher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from stem_device.accounting.moment import Moment
from stem_device.model.snapshot import StreamRecord, Unseen

HISTORY_KEPT = 64
"""Polls of which a stream remembers its counter while somebody waits for its events. Beyond that every
second one is dropped: a lag is interpolated between those that are left."""

RENEWAL_SECONDS = 600.0
"""For so long after its last subscriber a counter goes on (measured, and a constant of cppTango)."""

ALL_MARKS = 3
"""Polls of which a stream always knows its counter: this, the one before and one more, for late answers."""

WRAP = 2**32
"""cppTango keeps its counters in 32 bits."""


def port_of(endpoint: str) -> str:
    """The port of ``tcp://host:port``: what differs between two lives, however the host is called."""
    return endpoint.rpartition(":")[2]


class Point(Struct, frozen=True, gc=False):
    """What a stream had pushed at a poll."""

    utc_ns: int
    monotonic_ns: int
    pushed: int


class StreamAccount:
    """Follows one event counter of a publisher. cppTango's counter is pushes + 1.

    A new life of the publisher is a new account, made by ``successor``, so that what was pushed in the
    former one stays to be compared with what its subscribers received.
    ``ports`` are those at which its publisher's heartbeats are to be had; empty while not known.
    ``answered``: ``pushed`` is of this poll. ``is_new``: nothing was pushed in it before monitoring began.
    ``began_again``: it is the successor of another one since this poll; ``began_now``: and so is the process.
    ``observed_ns``: a life that has ended, or does not answer, answered last then (monotonic).
    ``before_mark``: what had been pushed at the previous poll, see :meth:`pushed_before`.
    ``lower_bound``: its source may not know of the last pushes, so that a subscription may be ahead of it.
    ``subscribed_ns`` is when a monitored subscription was last seen (monotonic); None for never.
    """

    __slots__ = (
        "_at_mark",
        "_history",
        "_known_marks",
        "_record",
        "_resets",
        "_told",
        "_two_marks_before",
        "_uncounted",
        "_unseen_ns",
        "_watched",
        "answered",
        "before_mark",
        "began_again",
        "began_now",
        "delta",
        "ended",
        "is_new",
        "life",
        "lower_bound",
        "name",
        "observed_ns",
        "ports",
        "pushed",
        "subscribed_ns",
        "unseen",
    )

    def __init__(self, name: str, counter: int, *, life: int = 0, baseline: bool) -> None:
        """``baseline``: what was pushed until now was before monitoring began, and does not count."""
        self.name = name
        self.life = life
        self.ports: frozenset[str] = frozenset()
        self.ended = self.began_again = self.began_now = self._watched = False
        self.answered, self.is_new = True, not baseline
        self.subscribed_ns: int | None = None
        self.observed_ns = 0
        self.unseen = Unseen.NOT_TOLD
        self._unseen_ns = 0
        self._history: list[Point] = []
        # Before it was first seen, a stream that is new had pushed nothing; of others that is not known.
        self._known_marks = 1 if baseline and counter > 1 else ALL_MARKS
        self.pushed = self._at_mark = max(counter - 1, 0)
        self.before_mark = self._two_marks_before = 0
        self._told, self.lower_bound = self.pushed, False
        self.delta = 0 if baseline else self.pushed
        self._uncounted = self.pushed - self.delta  # the total is what was pushed, but for this
        self._resets = 0
        self._record: StreamRecord | None = None

    @property
    def record(self) -> StreamRecord:
        """Its row; the same object for as long as nothing in it changes."""
        if self._record is None:
            total = self.pushed - self._uncounted
            self._record = StreamRecord(self.name, self.pushed, total, self.delta, self._resets, self.unseen)
        return self._record

    @property
    def is_steady(self) -> bool:
        """Whether at the next poll :meth:`update` is going to do no more than :func:`go_on_together` does,
        if the counter does not fall and nobody waits for its events. Asked of one that was just updated.
        """
        known = self._known_marks == ALL_MARKS
        return known and not (self.began_again or self._history or self.lower_bound)

    @property
    def told(self) -> int:
        """What had been pushed as its source said last."""
        return self._told if self.lower_bound else self.pushed

    def successor(self, counter: int, *, life: int, began_now: bool = False) -> StreamAccount:
        """The same stream in a new life of its publisher; totals go on."""
        new = StreamAccount(self.name, counter, life=life, baseline=False)
        new._uncounted -= self.pushed - self._uncounted
        new._resets = self._resets + 1
        new.began_again, new.began_now = True, began_now
        return new

    @classmethod
    def heard(cls, name: str, counter: int, before: int, *, life: int) -> StreamAccount:
        """A stream of which some events were heard, the first after ``before`` pushes: those do not count."""
        new = cls(name, counter, life=life, baseline=True)
        new.delta = max(0, new.pushed - before)
        new._uncounted = new.pushed - new.delta
        new.lower_bound = True
        return new

    def heard_again(self, counter: int, before: int, *, life: int, began_now: bool = False) -> StreamAccount:
        """The successor of a stream of which some events were heard, see :meth:`heard`."""
        new = StreamAccount.heard(self.name, counter, before, life=life)
        new._uncounted -= self.pushed - self._uncounted
        new._resets = self._resets + 1
        new.began_again, new.began_now = True, began_now
        return new

    def raise_to(self, pushed: int, moment: Moment) -> None:
        """A subscription has received what the source did not hear of: so much was pushed at least."""
        if pushed > self.pushed:
            self.delta += pushed - self.pushed
            self.pushed = pushed
            if moment.mark:
                self._at_mark = pushed
            self._record = None

    def end(self, moment: Moment, observed_ns: int) -> None:
        """This life has ended; ``moment`` is the poll before. What was remembered stays as it is."""
        if not self.ended:
            self.observed_ns = observed_ns
            self._history = list(self._points(moment))
            self._known_marks = 0
            self.ended = True

    def go_on(self) -> None:
        """It has not ended after all."""
        self.ended = False
        self._known_marks = 1

    def falls(self, counter: int) -> bool:
        """Whether this poll's counter is lower than that of the one before, and has not come full circle."""
        return counter <= self.told and self.told > 0 and self.told - counter < WRAP // 2

    def pushed_before(self, *, late: bool) -> int:
        """What had been pushed at the previous poll; at the one before that, for a ``late`` answer.

        Polls that follow too soon upon another are left out, see :class:`stem_device.accounting.Ledger`.
        """
        return self._two_marks_before if late else self.before_mark

    def update(self, counter: int, moment: Moment) -> None:
        """Take the counter of this poll, of the same life."""
        self.answered = True
        self.began_again = self.began_now = False
        pushed = counter - 1 if counter else 0
        if pushed < self.told:
            pushed += (self.told - pushed + WRAP // 2) // WRAP * WRAP
        if self.lower_bound:  # a subscription may be ahead of the source
            self._told, pushed = pushed, max(pushed, self.pushed)
        if pushed == self.pushed == self._two_marks_before and not self.delta:
            return
        self.delta = pushed - self.pushed
        self.pushed = pushed
        self._remember(moment)
        self._record = None

    def hold(self, moment: Moment) -> None:
        """The server did not answer in this poll: nothing is counted."""
        if self.answered:
            self.observed_ns = moment.marks[-2][1]
        self.began_again = self.began_now = self.answered = False
        if not self.ended:
            self._remember(moment)
        if self.delta:
            self.delta = 0
            self._record = None

    def unwatched_ns(self, moment: Moment) -> int:
        """For how long nothing has counted what its publisher pushes: since its last answer."""
        return 0 if self.answered and not self.ended else moment.monotonic_ns - self.observed_ns

    def look_for_unseen(self, now_ns: int, since_ns: int) -> bool:
        """Note whether somebody is subscribed who is not monitored; returns whether that is news.

        ``since_ns``: publisher known since.
        """
        limit = RENEWAL_SECONDS * 1e9
        seen = self.subscribed_ns is not None and now_ns - self.subscribed_ns <= limit
        unseen = self.unseen
        if seen:
            unseen = Unseen.NOT_TOLD
        elif self.delta:
            unseen = Unseen.CERTAIN if now_ns - since_ns > limit else max(Unseen.MAYBE, unseen)
            self._unseen_ns = now_ns
        elif unseen and now_ns - self._unseen_ns > limit:
            unseen = Unseen.NOT_TOLD
        if unseen is self.unseen:
            return False
        self.unseen = unseen
        self._record = None
        return True

    def passed(self, counter: int, moment: Moment) -> tuple[Point, int] | None:
        """The last poll known at which no more than ``counter`` had been pushed, and when it was passed.

        The second is monotonic ns, interpolated to the poll after: a whole number, as a float has no
        nanoseconds where the clock shows years. None where it was passed before anything
        that is remembered. What is asked for in every poll is remembered for long.
        """
        self._watched = True
        before: Point | None = None
        for point in self._points(moment):
            if point.pushed > counter:
                if before is None:
                    return None
                share = (counter - before.pushed) / (point.pushed - before.pushed)
                return before, before.monotonic_ns + round(share * (point.monotonic_ns - before.monotonic_ns))
            before = point
        return (before, before.monotonic_ns) if before is not None else None

    def reset_totals(self) -> None:
        self._uncounted = self.pushed
        self._resets = 0
        self._record = None

    def _points(self, moment: Moment) -> Iterator[Point]:
        yield from self._history
        values = [self._two_marks_before, self.before_mark, self._at_mark]
        known = list(zip(moment.marks[1:], values, strict=True))[len(values) - self._known_marks :]
        for (utc_ns, monotonic_ns), pushed in known:
            if monotonic_ns:
                yield Point(utc_ns, monotonic_ns, pushed)

    def _remember(self, moment: Moment) -> None:
        if not moment.mark:
            return
        if self._watched or self._history:
            self._keep_history(moment)
        self._two_marks_before, self.before_mark = self.before_mark, self._at_mark
        self._at_mark = self.pushed
        if self._known_marks < ALL_MARKS:
            self._known_marks += 1

    def _keep_history(self, moment: Moment) -> None:
        """Of what somebody asks for, see :meth:`passed`."""
        if self._watched and self._known_marks == ALL_MARKS:
            self._history.append(Point(*moment.marks[0], self._two_marks_before))
            if len(self._history) > HISTORY_KEPT:
                del self._history[1::2]
        elif not self._watched:
            self._history.clear()
        self._watched = False


def go_on_together(streams: Sequence[StreamAccount], pushed: Sequence[int], deltas: Sequence[int]) -> bool:
    """What ``update`` does at a mark, for streams that are all steady and whose counters did not fall.

    False, and nothing was done, if somebody waits for events of one of them: that one has to remember more.
    """
    if True in [one._watched for one in streams]:
        return False
    for one, count, delta in zip(streams, pushed, deltas, strict=True):
        one._two_marks_before, one.before_mark, one._at_mark = one.before_mark, one._at_mark, count
        one.pushed, one.delta, one._record = count, delta, None
    return True

"""Property tests: whatever happens to a publisher and a subscriber, the interval holds the truth.

``world`` knows each event's fate. What is left out is what the reference names: a client that renews its
subscription between two polls and loses events in the same interval.
"""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from stem_device.accounting import Ledger
from stem_device.model.snapshot import Counts, Link, Snapshot, SubscriptionRecord
from tests.unit.accounting.replies import PUBLISHER, SUBSCRIBER
from tests.unit.accounting.world import Event, World

SOME = st.integers(min_value=1, max_value=300)
SECONDS = st.sampled_from([0.5, 1.0, 10.0, 20.0])
TOTALS = ("published", "received", "missed", "gaps", "discarded", "resets", "unaccounted", "missed_before")
NOT_CLEAR = (
    "missed",
    "unaccounted",
    "overdue",
    "unobserved",
    "overdue_unknown",
    "blind_seconds",
    "books_unbalanced",
)


class Lives(RuleBasedStateMachine):
    """Everything that may begin and end, and polls at any moment between."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.snapshot: Snapshot | None = None
        self.before: Counts | None = None
        self.renewed = self.lost = False  # since the last poll
        self.left = False  # unsubscribed since the last poll that both answered
        self.told = (0, 0)  # events pushed by that poll, and the counter that it showed
        self.known = (1, 0)  # life of the publisher and its pushes, as of its last answer
        self.watched: tuple[int, int, int] | None = None
        self.watched_from = 0
        self.seen = 0  # events that had been pushed by the last poll that both answered
        self.covered: dict[int, bool] = {}
        """Subscriptions that were seen; whether they are covered while ZeroMQ connects, too."""

    @initialize(
        fixed=st.booleans(),
        told=st.sampled_from(["at once", "late", "never"]),
        subscribed=st.booleans(),
        history=st.integers(0, 50),
        late=SOME,
    )
    def begin(self, fixed, told, subscribed, history, late):
        self.world = World(fixed_ports=fixed, endpoints_told=told)
        if subscribed:
            self.world.subscribe()
            self.world.pass_time(2.0)
            self.world.push(history)
            self.world.deliver(late)

    @property
    def subscription(self):
        return self.world.subscription

    @rule(n=SOME, part=st.integers(0, 300))
    @precondition(lambda self: self.world.publisher_runs)
    def push(self, n, part):
        """Push n events, of which some arrive at once."""
        self.world.push(n)
        if self.subscription is not None:
            self.world.deliver(part)

    @rule(n=SOME)
    @precondition(lambda self: self.subscription is not None and self.subscription.queue)
    def deliver(self, n):
        self.world.deliver(n)

    @rule(n=SOME)
    @precondition(lambda self: self.world.publisher_runs and not self.renewed)
    def lose(self, n):
        self.world.push(n, lose=True)
        self.lost = True

    @rule(left=st.integers(0, 300))
    @precondition(lambda self: self.world.publisher_runs)
    def stop_publisher(self, left):
        # Where no port tells the lives apart, an event of the one before monitoring that arrives late looks
        # like one of the present.
        hidden = self.world.fixed_ports or self.world.endpoints_told == "never"
        known = self.world.subscriptions_made in self.covered
        self.world.stop_publisher(0 if hidden and not known else left)

    @rule()
    @precondition(lambda self: not self.world.publisher_runs)
    def start_publisher(self):
        self.world.start_publisher()

    @rule()
    @precondition(
        lambda self: (
            self.world.publisher_runs
            and self.subscription is not None
            and self.subscription.connected_to != self.world.publisher_life
        )
    )
    def reconnect(self):
        self.world.reconnect()

    @rule()
    @precondition(lambda self: self.world.subscriber_runs)
    def stop_subscriber(self):
        self.world.stop_subscriber()

    @rule()
    @precondition(lambda self: not self.world.subscriber_runs)
    def start_subscriber(self):
        self.world.start_subscriber()

    @rule()
    @precondition(
        lambda self: (
            self.world.subscriber_runs
            and self.world.publisher_runs
            and self.subscription is None
            # A renewal of what had received nothing by the last poll cannot be seen: it looks as if it had
            # stayed, and missed what was pushed until then.
            and (not self.left or self.told[1] > 0 or self.told[0] == len(self.world.events))
        )
    )
    def subscribe(self):
        self.world.subscribe()
        self.renewed = True

    @rule()
    @precondition(lambda self: self.subscription is not None and not self.lost)
    def unsubscribe(self):
        self.left = True
        self.world.unsubscribe()
        self.renewed = True

    @rule(
        seconds=SECONDS,
        publisher_silent=st.integers(0, 9),
        subscriber_silent=st.integers(0, 9),
        spared=st.sampled_from([(), (), (), (PUBLISHER,), (SUBSCRIBER,), (PUBLISHER, SUBSCRIBER)]),
        between=st.integers(0, 3),
    )
    def poll(self, seconds, publisher_silent, subscriber_silent, spared, between):
        world = self.world
        world.pass_time(seconds)
        spared = world.can_be_spared(spared)
        self.pushed_when_asked, pushed = world.pushed, len(world.events)
        answered = (
            world.publisher_runs and publisher_silent != 9 and PUBLISHER not in spared,
            world.subscriber_runs and subscriber_silent != 9 and SUBSCRIBER not in spared,
        )
        self.snapshot = self.ledger.account(
            world.poll(
                publisher_silent=publisher_silent == 9,
                subscriber_silent=subscriber_silent == 9,
                spared=spared,
                between=between,
            )
        )
        self._note_observed(publisher=answered[0], subscriber=answered[1])
        self._check_all_clear(pushed if all(answered) else None)
        if all(answered):
            self.renewed = self.lost = False
            self.left = False
            record = self._record()
            self.told = (pushed, record.server_counter if record is not None else 0)
        self._check(self.snapshot)

    def _note_observed(self, *, publisher: bool, subscriber: bool) -> None:
        """Mark the events that are observed by now: pushed after a poll that watched, and by the poll before
        one at which both sides of these lives answered."""
        world, record = self.world, self._record()
        known_before = self.known
        self.known = (world.publisher_life, self.pushed_when_asked) if publisher else self.known
        if not (publisher and subscriber) or record is None:
            return
        lives = (world.publisher_life, world.subscriber_life, world.subscriptions_made)
        if lives == self.watched and known_before[0] == lives[0]:
            for event in self.pushed_since:
                event.observed = event.observed or event.number <= known_before[1]
        settled = world.now - record.first_seen_utc_ns / 1e9 >= 1.0
        proven = record.link is Link.LIVE and record.server_counter <= self.pushed_when_asked
        if proven or (record.link is Link.FRESH and settled):
            if lives != self.watched:
                self.watched, self.watched_from = lives, len(world.events)
        else:
            self.watched = None

    @property
    def pushed_since(self) -> list[Event]:
        return self.world.events[self.watched_from :]

    def _record(self) -> SubscriptionRecord | None:
        assert self.snapshot is not None
        live = [s for s in self.snapshot.servers[1].subscriptions if not s.ended]
        return live[0] if live else None

    def _check(self, snapshot: Snapshot) -> None:
        counts = snapshot.counts
        lost = [event for event in self.world.events if event.counts and event.lost]
        assert counts.missed <= len(lost), "nothing is missed that was not lost"
        assert counts.received <= sum(event.delivered for event in self.world.events), "nothing comes twice"
        observed = sum(event.observed for event in lost)
        assert observed <= counts.missed + counts.unaccounted + counts.overdue, "the interval holds the truth"
        assert (
            counts.books_unbalanced == 0 or self.world.endpoints_told != "at once" or self.world.fixed_ports
        )
        if self.before is not None:
            for name in TOTALS:
                assert getattr(counts, name) >= getattr(self.before, name), f"{name} never falls"
        self.before = counts
        for name in ("received", "missed", "gaps", "discarded", "unaccounted", "missed_before", "unobserved"):
            total = sum(
                getattr(s, f"{name}_total", None) or int(getattr(s, name, 0)) for s in self._rows(snapshot)
            )
            assert total == getattr(counts, name), f"the rows add up to the total of {name}"

    def _check_all_clear(self, pushed: int | None) -> None:
        """Where no number tells of a loss or of something unknown, no known subscription lost anything.

        What was pushed since the poll before is in flight: the next all-clear has to know of it. ``pushed``:
        how many events there were when the publisher was asked, None where one of the two did not answer.
        """
        assert self.snapshot is not None
        record, counts = self._record(), self.snapshot.counts
        if record is not None:
            # Its base is before its first event, where it has any: what was lost earlier nothing tells.
            self.covered.setdefault(self.world.subscriptions_made, record.event_count == 0)
        if pushed is None:
            return
        seen, self.seen = self.seen, pushed
        if not any(getattr(counts, name) for name in NOT_CLEAR):
            for event in self.world.events[:seen]:
                if event.lost and event.subscription in self.covered:
                    uncovered = event.connecting and not self.covered[event.subscription]
                    assert uncovered, "an all-clear"

    def _rows(self, snapshot: Snapshot):
        return [row for server in snapshot.servers for row in server.subscriptions]


def test_a_number_of_a_life_that_nobody_saw() -> None:
    """Found by the histories below: the publisher was not asked while it was restarted, and the first event
    had a number that the life before could have had, which had pushed 241 before there was a subscription."""
    story = Lives()
    story.begin(fixed=False, told="late", subscribed=False, history=0, late=1)
    asked = {"publisher_silent": 0, "subscriber_silent": 0, "between": 0}
    story.poll(seconds=10.0, spared=(), **asked)
    story.lose(n=241)
    story.subscribe()
    story.poll(seconds=0.5, spared=(), **asked)
    story.stop_publisher(left=0)
    story.start_publisher()
    story.lose(n=10)
    story.poll(seconds=10.0, spared=(PUBLISHER,), **{**asked, "between": 1})
    story.stop_publisher(left=0)
    story.start_publisher()
    story.reconnect()
    story.poll(seconds=10.0, spared=(), **{**asked, "between": 1})
    assert story.snapshot is not None
    assert (story.snapshot.counts.missed, story.snapshot.counts.overdue) == (0, 0)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=200, stateful_step_count=40, deadline=None, derandomize=True)
"""The same histories in every run."""


@pytest.mark.matrix
@pytest.mark.timeout(1800)
class TestOtherLives(Lives.TestCase):  # type: ignore[valid-type, misc]
    """Others in every run, and more of them."""

    settings = settings(max_examples=2000, stateful_step_count=40, deadline=None)

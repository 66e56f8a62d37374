"""Property tests: a simulated stream that knows the truth, against what the ledger makes of its counters.

The simulation follows what was measured of cppTango: a lost event leaves no trace until a later one of the
same series arrives; a subscription's counters begin at 0, a publisher's series at 1.
"""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from replies import PUBLISHER, SUBSCRIBER, callback, poll, publisher, subscriber

from stem_device.accounting import Ledger

SOME = st.integers(min_value=1, max_value=300)


class OneStream(RuleBasedStateMachine):
    """One publisher, one subscription, and polls at any moment between what happens to them."""

    def __init__(self):
        super().__init__()
        self.ledger = Ledger()
        self.number = 0
        self.pushed = 0
        self.port = 5000
        self.c = self.e = self.m = self.d = 0
        self.stuck = 0  # pushed and lost, not noticed yet
        self.published = self.received = 0
        self.missed = 0  # and noticed by cppTango
        self.missed_unnoticed = 0
        self.old_counter = self.polled_old_counter = False  # c is of the publisher's former life
        self.swallowed = 0  # taken for a duplicate, and that not contradicted by a later event
        self.disturbed = self.renewed = False  # since the last poll
        self.counted = self.missed_at_poll = self.c_polled = 0
        self.totals = None
        self.poll()

    @rule(n=SOME)
    def deliver(self, n):
        """Push n events that arrive. cppTango compares the first with the last it has received."""
        first = self.pushed + 1
        self.pushed += n
        self.published += n
        duplicate = (
            self.c > 0 and first == self.c
        )  # of a former life of the publisher, which it does not know
        if self.c == 0:
            self.missed_unnoticed += self.stuck
        elif first - self.c >= 2:
            self.m += 1
            self.missed += self.stuck
        else:
            self.missed_unnoticed += self.stuck + duplicate
        self.d += duplicate
        self.swallowed = int(duplicate)
        self.old_counter = False
        self.stuck = 0
        self.c = self.pushed
        self.e += n - duplicate
        self.received += n - duplicate

    @rule(n=SOME)
    def lose(self, n):
        self.pushed += n
        self.published += n
        self.stuck += n

    @precondition(lambda self: self.c_polled > 0 and not self.disturbed)
    @rule()
    def renew(self):
        """Unsubscribe and subscribe again. If no poll saw an event of the old one, nothing tells of it."""
        self.c = self.e = self.m = self.d = self.stuck = 0
        self.disturbed = self.renewed = True

    @precondition(lambda self: not self.disturbed)
    @rule()
    def restart_publisher(self):
        """The endpoint changes, the counters of the subscription stay."""
        self.pushed = self.stuck = 0
        self.port += 1
        self.disturbed = self.old_counter = True

    @rule()
    def poll(self):
        self.number += 1
        snapshot = self.ledger.account(
            poll(
                self.number,
                {
                    PUBLISHER: publisher(self.pushed),
                    SUBSCRIBER: subscriber(
                        callback(self.c, self.e, self.m, self.d), endpoint=f"tcp://127.0.0.1:{self.port}"
                    ),
                },
            )
        )
        counts = snapshot.counts
        assert counts.overdue <= self.stuck + self.swallowed, (
            "overdue tells of nothing but events that did not arrive"
        )
        if self.totals is not None:
            for name in ("published", "received", "missed", "gaps", "discarded", "resets"):
                assert getattr(counts, name) >= getattr(self.totals, name), "totals never fall"
        assert counts.published <= self.published
        assert counts.received <= self.received
        if not self.renewed:
            assert counts.missed <= self.missed + self.missed_unnoticed, "nothing is missed that was not lost"
        if not self.disturbed and not self.polled_old_counter:
            assert counts.missed - self.counted >= self.missed - self.missed_at_poll, "all that was noticed"
        if self.renewed:  # what was lost around a renewal nobody can know
            self.missed_unnoticed = max(self.missed_unnoticed, counts.missed - self.missed)
        self.totals, self.counted, self.missed_at_poll = counts, counts.missed, self.missed
        self.c_polled = self.c
        self.polled_old_counter = self.old_counter
        self.disturbed = self.renewed = False


TestOneStream = OneStream.TestCase
TestOneStream.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)

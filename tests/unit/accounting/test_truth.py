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
        self.c = self.e = self.m = 0
        self.stuck = 0  # pushed and lost, not noticed yet
        self.published = self.received = self.missed = self.gaps = 0
        self.disturbed = False  # something happened since the last poll that hides numbers
        self.renewed = self.lost = False
        self.lost_before_first = 0  # nobody but the ledger can know of them, and it only sometimes
        self.missed_seen = self.c_polled = 0
        self.totals = None
        self.poll()

    @rule(n=SOME)
    def deliver(self, n):
        if self.stuck and self.c:
            self.m += 1
            self.gaps += 1
            self.missed += self.stuck
            self.lost = True
        elif self.stuck:
            self.lost_before_first += self.stuck
        self.stuck = 0
        self.pushed += n
        self.published += n
        self.c = self.pushed
        self.e += n
        self.received += n

    @rule(n=SOME)
    def lose(self, n):
        self.pushed += n
        self.published += n
        self.stuck += n

    @precondition(lambda self: self.c_polled > 0)
    @rule()
    def renew(self):
        """Unsubscribe and subscribe again. If no poll saw an event of the old one, nothing tells of it."""
        self.c = self.e = self.m = self.stuck = 0
        self.renewed = self.disturbed = True

    @rule()
    def restart_publisher(self):
        self.pushed = self.stuck = 0
        self.port += 1
        self.disturbed = True
        if self.c:
            self.c = 0
            self.deliver(1)

    @rule()
    def poll(self):
        self.number += 1
        snapshot = self.ledger.account(
            poll(
                self.number,
                {
                    PUBLISHER: publisher(self.pushed),
                    SUBSCRIBER: subscriber(
                        callback(self.c, self.e, self.m), endpoint=f"tcp://127.0.0.1:{self.port}"
                    ),
                },
            )
        )
        counts = snapshot.counts
        assert counts.overdue <= self.stuck, "overdue tells of nothing but events that did not arrive"
        before, self.totals = self.totals, counts
        if before is not None:
            assert all(
                getattr(counts, name) >= getattr(before, name)
                for name in ("published", "received", "missed", "gaps", "discarded", "resets")
            ), "totals never fall"
            assert counts.published <= self.published
            assert counts.received <= self.received
            if not self.disturbed:
                more = counts.missed - before.missed - (self.missed - self.missed_seen)
                assert 0 <= more <= self.lost_before_first, "exact"
                self.lost_before_first -= more
            elif not (self.renewed and self.lost):
                lost = self.missed - self.missed_seen + self.lost_before_first
                assert counts.missed - before.missed <= lost, "a lower bound"
        self.missed_seen = self.missed
        self.c_polled = self.c
        self.disturbed = self.renewed = self.lost = False


TestOneStream = OneStream.TestCase
TestOneStream.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)

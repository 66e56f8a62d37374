"""What a subscription has come to: its totals, and what the present poll added."""

from __future__ import annotations

_TOTALS = (
    "received",
    "missed",
    "gaps",
    "discarded",
    "resets",
    "unaccounted",
    "missed_before",
    "unobserved",
    "blind_ns",
)


class Books:
    """Totals of one subscription, over all of its lives. ``at_least``: see SubscriptionRecord.

    ``moved``: this poll added something else than events received, so that all deltas have to be looked at.
    """

    __slots__ = (
        "at_least",
        "blind_delta_ns",
        "blind_ns",
        "discarded",
        "discarded_delta",
        "gaps",
        "gaps_delta",
        "missed",
        "missed_before",
        "missed_before_delta",
        "missed_delta",
        "moved",
        "received",
        "received_delta",
        "resets",
        "resets_delta",
        "unaccounted",
        "unaccounted_delta",
        "unbalanced_delta",
        "unobserved",
        "unobserved_delta",
    )

    moved: bool

    def __init__(self) -> None:
        self.reset()
        self.clear_deltas()

    def reset(self) -> None:
        """Begin all totals at 0."""
        self.received = self.missed = self.gaps = self.discarded = self.resets = 0
        self.unaccounted = self.missed_before = self.unobserved = self.blind_ns = 0
        self.at_least = False

    def go_on(self, received: int) -> None:
        """Begin a poll in which nothing but events came, as in by far most."""
        if self.moved:
            self.clear_deltas()
        self.received += received
        self.received_delta = received

    def clear_deltas(self) -> None:
        """Begin a poll."""
        self.received_delta = self.missed_delta = self.gaps_delta = 0
        self.discarded_delta = self.resets_delta = self.unaccounted_delta = 0
        self.unobserved_delta = self.unbalanced_delta = self.missed_before_delta = 0
        self.blind_delta_ns = 0
        self.moved = False

    @property
    def is_empty(self) -> bool:
        """Whether all totals are 0."""
        return not any(getattr(self, name) for name in _TOTALS)

    def add(self, other: Books, *, sign: int = 1) -> None:
        """Add the totals of another one, or take them away again. The mark *at least* stays."""
        for name in _TOTALS:
            setattr(self, name, getattr(self, name) + sign * getattr(other, name))
        self.at_least = self.at_least or other.at_least

    def receive(self, events: int, *, gaps: int = 0, discarded: int = 0) -> None:
        self.moved = True
        self.received += events
        self.received_delta += events
        self.gaps += gaps
        self.gaps_delta += gaps
        self.discarded += discarded
        self.discarded_delta += discarded

    def miss(self, events: int, *, at_least: bool = False) -> None:
        """Certainly lost; ``at_least``: unobserved ones may have been lost besides."""
        if events > 0 or at_least:
            self.moved = True
            self.missed += events
            self.missed_delta += events
            self.at_least = self.at_least or (at_least and events > 0)

    def miss_before(self, events: int) -> None:
        """Certainly lost, and pushed before monitoring began."""
        if events > 0:
            self.moved = True
            self.missed_before += events
            self.missed_before_delta += events

    def leave_unaccounted(self, events: int) -> None:
        """Overdue when a life ended."""
        if events > 0:
            self.moved = True
            self.unaccounted += events
            self.unaccounted_delta += events

    def take_back(self, unaccounted: int, unobserved: int) -> None:
        """Their life has not ended after all: they are overdue again, or have arrived."""
        self.unaccounted -= unaccounted
        self.unaccounted_delta -= unaccounted
        self.unobserved -= unobserved
        self.unobserved_delta -= unobserved

    def leave_unobserved(self, events: int) -> None:
        """Pushed where nothing tells whether they arrived."""
        if events > 0:
            self.moved = True
            self.unobserved += events
            self.unobserved_delta += events

    def be_blind(self, nanoseconds: int) -> None:
        """For so long nobody counted what was pushed to it."""
        if nanoseconds > 0:
            self.moved = True
            self.blind_ns += nanoseconds
            self.blind_delta_ns += nanoseconds

    def begin_series(self) -> None:
        self.moved = True
        self.resets += 1
        self.resets_delta += 1

    def contradict(self) -> None:
        """The counters of publisher and subscription cannot both be of the life they were taken for."""
        self.moved = True
        self.unbalanced_delta += 1

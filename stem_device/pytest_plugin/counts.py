"""Counts that can say what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


class EventCount(int):
    """A number of events. ``what`` says which, ``details`` who has them, a sentence each."""

    what: str
    details: tuple[str, ...]

    def __new__(cls, value: int, what: str = "events", details: tuple[str, ...] = ()) -> Self:
        count = super().__new__(cls, value)
        count.what = what
        count.details = details
        return count

    def __str__(self) -> str:
        return f"{int(self):,} {self.what}"

    def __repr__(self) -> str:
        """On one line, for wherever the number is shown."""
        return f"<{self!s}: {'; '.join(self.details)}>" if self.details else f"<{self!s}>"

    def __format__(self, spec: str) -> str:
        return format(int(self), spec)


@dataclass(frozen=True, slots=True)
class SubscriptionEvents:
    """What happened to one subscription during a test.

    ``received``, ``missed`` and ``gaps`` were added during the test; ``missed`` is a lower bound where
    ``at_least``. ``overdue`` were pushed during the test and have not arrived; None where the publisher is
    not monitored. ``overdue_before`` were overdue when the test began: they may be among ``missed``.
    """

    subscriber: str
    publisher: str
    stream: str
    received: int
    missed: int
    at_least: bool
    gaps: int
    overdue: int | None
    overdue_before: int

    def missed_sentence(self) -> str:
        """Who missed how many of what from whom."""
        bound = "at least " if self.at_least else ""
        before = f" ({self.overdue_before} of its events were overdue before)" if self.overdue_before else ""
        return (
            f"{self.subscriber} missed {bound}{_events(self.missed)} of {self.stream}, "
            f"published by {self.publisher}{before}"
        )

    def overdue_sentence(self) -> str:
        """Who waits for how many of what from whom."""
        return (
            f"{self.subscriber} did not receive the last {_events(self.overdue or 0)} of {self.stream}, "
            f"published by {self.publisher}"
        )


def _events(number: int) -> str:
    return f"{number:,} event" if number == 1 else f"{number:,} events"

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

    ``received``, ``missed``, ``unaccounted`` and ``gaps`` were added during the test; more may have been
    missed where ``at_least``. ``unaccounted`` were overdue when the publisher or the subscription ended:
    nobody can know whether they arrived. ``overdue`` were pushed during the test and have not arrived; None
    where that is not known. ``overdue_before`` were overdue when the test began: they may be among
    ``missed``. What was lost was lost after ``lost_since_utc_ns`` and noticed by ``noticed_utc_ns``; 0 where
    that is not told. ``reason`` says why, ``advice`` what to do; empty where nothing was lost lately and
    nothing waits.
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
    unaccounted: int = 0
    lost_since_utc_ns: int = 0
    noticed_utc_ns: int = 0
    reason: str = ""
    advice: str = ""

    @property
    def lost(self) -> int:
        """Missed and unaccounted."""
        return self.missed + self.unaccounted

    def missed_sentence(self) -> str:
        """Who lost how many of what from whom, when, and why."""
        bound = "at least " if self.at_least else ""
        before = f" ({self.overdue_before} of its events were overdue before)" if self.overdue_before else ""
        of_what = f"of {self.stream}, published by {self.publisher}"
        unaccounted = "unaccounted (nobody can know whether they arrived)"
        if self.missed:
            text = f"{self.subscriber} missed {bound}{_events(self.missed)} {of_what}{before}"
            text += f", and {self.unaccounted:,} are {unaccounted}" if self.unaccounted else ""
        else:
            text = f"{self.subscriber} has {_events(self.unaccounted)} {of_what}, {unaccounted}{before}"
        return f"{text}{self._when()}{self._because()}"

    def _when(self) -> str:
        if not self.noticed_utc_ns:
            return ""
        from stem_device.analysis.wording import interval_text  # noqa: PLC0415 - imports msgspec

        lost = "lost " if self.missed else ""
        return f", {lost}{interval_text(self.lost_since_utc_ns, self.noticed_utc_ns)}"

    def overdue_sentence(self) -> str:
        """Who waits for how many of what from whom."""
        return (
            f"{self.subscriber} did not receive the last {_events(self.overdue or 0)} of {self.stream}, "
            f"published by {self.publisher}{self._because()}"
        )

    def _because(self) -> str:
        return f": {self.reason}" if self.reason else ""


def _events(number: int) -> str:
    return f"{number:,} event" if number == 1 else f"{number:,} events"

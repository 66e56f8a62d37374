"""When polls happened, as the accounts need it."""

from __future__ import annotations

from msgspec import Struct

IN_FLIGHT_SECONDS = 0.2
"""How long an event may be under way. A poll that follows sooner is no "previous poll" for overdue.

Half of it would be too short for a process that gets no processor for 0.1 s, as on a machine with a few times
more threads than processors: what it receives a moment later would be overdue. With twice as much, no second
poll would count where they are 0.25 s apart, and losses were told that much later.
"""

_NEVER = (0, 0)


class Moment(Struct, frozen=True, gc=False):
    """One poll. ``marks`` are UTC and monotonic ns of the last four polls that count as "previous" to
    later ones, newest last; ``mark`` is whether this poll is the newest of them."""

    utc_ns: int = 0
    monotonic_ns: int = 0
    mark: bool = True
    marks: tuple[tuple[int, int], ...] = (_NEVER,) * 4

    def next(self, utc_ns: int, monotonic_ns: int) -> Moment:
        """The poll that follows this one."""
        last = self.marks[-1]
        if last != _NEVER and monotonic_ns - last[1] < IN_FLIGHT_SECONDS * 1e9:
            return Moment(utc_ns, monotonic_ns, mark=False, marks=self.marks)
        return Moment(utc_ns, monotonic_ns, mark=True, marks=(*self.marks[1:], (utc_ns, monotonic_ns)))

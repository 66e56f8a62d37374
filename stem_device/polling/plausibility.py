"""Whether the counters of a reply can be true; those of a server that lies must not spoil the sums of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter

from stem_device.errors import ImplausibleError
from stem_device.model.reply import Reply
from stem_device.responses import shown_name

EVENTS_PER_SECOND = 10_000_000
"""No process comes near: a push takes some microseconds."""

MAX_COUNTER = 2**32
"""cppTango keeps the counters of streams in 32 bits."""

MAX_COUNT = 2**53
"""Beyond this no other counter can get within a hundred years; and a double holds all that are less."""

SHORTEST_SECONDS = 0.1
"""Two polls may follow each other at once; what was pushed while the first was answered is in the second."""


class Plausibility:
    """Compares the counters of one process with those of its last plausible reply.

    What it refused once it goes on to refuse: that time goes by makes no jump more plausible.
    """

    def __init__(self) -> None:
        self._before: Reply | None = None
        self._before_ns = 0
        self._limit: float | None = None

    def forget(self) -> None:
        """Another process answers."""
        self._before, self._limit = None, None

    def check(self, reply: Reply, asked_monotonic_ns: int) -> None:
        """Raise ImplausibleError if the reply cannot be true; else take it as the next to compare with."""
        for name, value, most in _largest(reply):
            if value >= most:
                raise ImplausibleError(name, f"is {value}, and cannot get beyond {most - 1}")
        if self._before is not None:
            self._check_rises(self._before, reply, (asked_monotonic_ns - self._before_ns) / 1e9)
        self._before, self._before_ns, self._limit = reply, asked_monotonic_ns, None

    def _check_rises(self, before: Reply, reply: Reply, seconds: float) -> None:
        limit = self._limit
        if limit is None:
            limit = EVENTS_PER_SECOND * max(seconds, SHORTEST_SECONDS)
        for name, former, now in _counters(before, reply):
            # The quick look at all of them at once that every good reply passes.
            if sum(now.values()) - sum(former.values()) <= limit:
                continue
            entry, rise = max(
                ((key, value - former[key]) for key, value in now.items() if key in former),
                key=lambda item: item[1],
                default=("", 0),
            )
            if rise > limit:
                self._limit = limit
                raise ImplausibleError(
                    f"{name}[{shown_name(entry)}]", f"rose by {rise} within {max(seconds, 0.0):.3g} s"
                )


def _counters(before: Reply, now: Reply) -> Iterator[tuple[str, Mapping[str, int], Mapping[str, int]]]:
    """Each kind of counter by entry, before and now."""
    if before.server is not None and now.server is not None:
        yield "event_counters", before.server.event_counters, now.server.event_counters
    if before.client is not None and now.client is not None:
        former, present = before.client.event_callbacks, now.client.event_callbacks
        for name in ("server_counter", "event_count", "missed_event_count"):
            get = attrgetter(name)
            yield (
                name,
                dict(zip(former, map(get, former.values()), strict=True)),
                dict(zip(present, map(get, present.values()), strict=True)),
            )


def _largest(reply: Reply) -> Iterator[tuple[str, int, int]]:
    """The largest value of each kind of counter, its name and its bound."""
    if reply.server is not None:
        counters = reply.server.event_counters
        yield "event_counters", max(counters.values(), default=0), MAX_COUNTER
    if reply.client is not None:
        callbacks = reply.client.event_callbacks.values()
        yield "server_counter", max([entry.server_counter for entry in callbacks], default=0), MAX_COUNTER
        yield "event_count", max([entry.event_count for entry in callbacks], default=0), MAX_COUNT
        yield (
            "missed_event_count",
            max([entry.missed_event_count for entry in callbacks], default=0),
            MAX_COUNT,
        )

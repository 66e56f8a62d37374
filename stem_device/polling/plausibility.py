"""Whether the counters of a reply can be true; those of a server that lies must not spoil the sums of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from msgspec import Struct

from stem_device.errors import ImplausibleError
from stem_device.model.limits import MAX_COUNT
from stem_device.model.reply import EventCallback, Reply
from stem_device.responses import shown_name

EVENTS_PER_SECOND = 10_000_000
"""No process comes near: a push takes some microseconds."""

MAX_COUNTER = 2**32
"""cppTango keeps the counters of streams in 32 bits."""


SHORTEST_SECONDS = 0.1
"""Two polls may follow each other at once; what was pushed while the first was answered is in the second. So
a million events may lie between two polls however close they are: 300,000 a second, and an answer that came
just within a time limit of 3 s. Half of it would refuse that; more than that no publisher does."""


class Plausibility:
    """Compares the counters of one process with those of its last plausible reply.

    What it refused once it goes on to refuse: that time goes by makes no jump more plausible.
    """

    def __init__(self) -> None:
        self._before: _Counters | None = None
        self._sums: _Sums = ()
        self._before_ns = 0
        self._limit: float | None = None

    def forget(self) -> None:
        """Another process answers."""
        self._before, self._sums, self._limit = None, (), None

    def check(self, reply: Reply, asked_monotonic_ns: int) -> None:
        """Raise ImplausibleError if the reply cannot be true; else take it as the next to compare with."""
        sums = _sums(reply)
        if max(sums, default=0) >= MAX_COUNTER:  # a sum that is less has no part that is more
            _check_bounds(reply)
        counters = _Counters.of(reply)
        if self._before is not None:
            self._check_rises(self._before, counters, sums, (asked_monotonic_ns - self._before_ns) / 1e9)
        self._before, self._sums, self._limit = counters, sums, None
        self._before_ns = asked_monotonic_ns

    def _check_rises(self, before: _Counters, now: _Counters, sums: _Sums, seconds: float) -> None:
        limit = self._limit
        if limit is None:
            limit = EVENTS_PER_SECOND * max(seconds, SHORTEST_SECONDS)
        # The quick look at all of them at once that every good reply passes.
        if len(sums) == len(self._sums) and all(
            present - former <= limit for present, former in zip(sums, self._sums, strict=True)
        ):
            return
        for name, former, present in _kinds(before, now):
            rises = ((value - former[key], key) for key, value in present.items() if key in former)
            rise, entry = max(rises, default=(0, ""))
            if rise > limit:
                self._limit = limit
                raise ImplausibleError(
                    f"{name}[{shown_name(entry)}]", f"rose by {rise} within {max(seconds, 0.0):.3g} s"
                )


class _Counters(Struct, frozen=True):
    """All of a reply that is compared with the next one: its samples must not be kept for that."""

    pushed: Mapping[str, int] | None
    callbacks: Mapping[str, EventCallback] | None

    @classmethod
    def of(cls, reply: Reply) -> _Counters:
        return cls(
            reply.server.event_counters if reply.server is not None else None,
            reply.client.event_callbacks if reply.client is not None else None,
        )


_Sums = tuple[int, ...]
_CALLBACK = {
    "server_counter": (attrgetter("server_counter"), MAX_COUNTER),
    "event_count": (attrgetter("event_count"), MAX_COUNT),
    "missed_event_count": (attrgetter("missed_event_count"), MAX_COUNT),
}


def _sums(reply: Reply) -> _Sums:
    """The sum of each kind of counter; one for a publisher, three for a subscriber, four for both."""
    sums: list[int] = []
    if reply.server is not None:
        sums.append(sum(reply.server.event_counters.values()))
    if reply.client is not None:
        callbacks = reply.client.event_callbacks.values()
        # Written out, in the order of _CALLBACK: with a getter for each it takes half as long again.
        sums.append(sum([entry.server_counter for entry in callbacks]))
        sums.append(sum([entry.event_count for entry in callbacks]))
        sums.append(sum([entry.missed_event_count for entry in callbacks]))
    return tuple(sums)


def _check_bounds(reply: Reply) -> None:
    if reply.server is not None:
        _check_bound("event_counters", reply.server.event_counters.values(), MAX_COUNTER)
    if reply.client is not None:
        callbacks = reply.client.event_callbacks.values()
        for name, (get, most) in _CALLBACK.items():
            _check_bound(name, map(get, callbacks), most)


def _check_bound(name: str, values: Iterable[int], most: int) -> None:
    largest = max(values, default=0)
    if largest >= most:
        raise ImplausibleError(name, f"is {largest}, and cannot get beyond {most - 1}")


def _kinds(before: _Counters, now: _Counters) -> Iterator[tuple[str, Mapping[str, int], Mapping[str, int]]]:
    """Each kind of counter by entry, before and now."""
    if before.pushed is not None and now.pushed is not None:
        yield "event_counters", before.pushed, now.pushed
    if before.callbacks is not None and now.callbacks is not None:
        for name, (get, _) in _CALLBACK.items():
            yield (
                name,
                {topic: get(entry) for topic, entry in before.callbacks.items()},
                {topic: get(entry) for topic, entry in now.callbacks.items()},
            )

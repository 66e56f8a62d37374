"""Sampling of event timing: what a reply tells of it, what to switch, how often to ask. Arithmetic only."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence

from msgspec import Struct

from stem_device.model.reply import SAMPLES_KEPT, Reply

FILL = 0.75
"""How full a buffer may be expected to be when it is emptied; events do not come evenly."""


class Sampling(enum.Enum):
    """What a reply says of sampling. PARTLY: only on one of the server's two sides (it subscribed to
    its first event after sampling was switched on). UNKNOWN: the server has neither side yet."""

    ON = "on"
    OFF = "off"
    PARTLY = "partly"
    UNKNOWN = "unknown"


class Rate(Struct, frozen=True):
    """Events of each kind that a server has counted, at a moment of the monotonic clock."""

    monotonic_ns: int
    published: int
    received: int


def sampling_of(reply: Reply) -> Sampling:
    """Whether sampling was on when this reply was made."""
    sides = [side.perf is not None for side in (reply.server, reply.client) if side is not None]
    if not sides:
        return Sampling.UNKNOWN
    if all(sides):
        return Sampling.ON
    return Sampling.PARTLY if any(sides) else Sampling.OFF


def switch_needed(seen: Sampling, *, wanted: bool, ours: bool) -> bool | None:
    """What to switch at a server: True on, False off, None nothing.

    ``ours`` is whether this monitor switched it on. Where somebody else did, it is left alone,
    but completed where it is on only partly.
    """
    if wanted:
        needed = seen in (Sampling.OFF, Sampling.PARTLY) or (seen is Sampling.UNKNOWN and not ours)
        return True if needed else None
    return False if ours else None


def owner_after_switching_on(seen: Sampling, *, ours: bool) -> bool:
    """Whether sampling is ours once we have switched it on: not where some of it was on before."""
    return ours or seen in (Sampling.OFF, Sampling.UNKNOWN)


def is_full(reply: Reply) -> bool:
    """Whether a sample buffer had run full, so that samples were probably lost."""
    published = reply.server.perf if reply.server is not None else None
    received = reply.client.perf if reply.client is not None else None
    return len(published or ()) >= SAMPLES_KEPT or len(received or ()) >= SAMPLES_KEPT


def rate_of(reply: Reply, monotonic_ns: int) -> Rate:
    """The event counts of a reply that was asked for at ``monotonic_ns``."""
    published = sum(reply.server.event_counters.values()) if reply.server is not None else 0
    callbacks = reply.client.event_callbacks.values() if reply.client is not None else ()
    received = sum([entry.event_count + (entry.discarded_event_count or 0) for entry in callbacks])
    return Rate(monotonic_ns=monotonic_ns, published=published, received=received)


def queries_needed(
    before: Rate | None,
    now: Rate,
    replies: Sequence[Reply],
    *,
    period_seconds: float,
    limit: int,
) -> int:
    """How often to ask within one poll period so that no sample buffer overflows; 1 to ``limit``.

    From the rate of events since ``before``, and twice the number of this poll's ``replies`` if one of them
    was full nevertheless: events that come in bursts.
    """
    needed = 1
    if before is not None and now.monotonic_ns > before.monotonic_ns:
        seconds = (now.monotonic_ns - before.monotonic_ns) / 1e9
        events = max(now.published - before.published, now.received - before.received, 0)
        needed = math.ceil(events / seconds * period_seconds / (SAMPLES_KEPT * FILL))
    if any(is_full(reply) for reply in replies):
        needed = max(needed, 2 * len(replies))
    return max(1, min(needed, limit))


def times_between(start_ns: int, period_seconds: float, queries: int) -> tuple[int, ...]:
    """When to ask between a poll at ``start_ns`` and the next: evenly, the polls themselves not included."""
    step = period_seconds * 1e9 / queries
    return tuple(start_ns + round(step * number) for number in range(1, queries))

"""The timings of a recording, described overall and by server."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.reading import Recording
from stem_device.statistics.choice import Choice
from stem_device.statistics.distribution import Distribution, Grouping
from stem_device.statistics.polls import Polls


@dataclass(frozen=True, slots=True)
class Timing:
    """One column of samples, in microseconds. ``worse_if_higher`` is False where longer means only other."""

    name: str
    table: str
    column: str
    about: str
    worse_if_higher: bool = False


TIMINGS = (
    Timing("push_interval", "publisher_samples", "micros_since_last_event", "between two pushes"),
    Timing("push", "publisher_samples", "push_event_micros", "spent pushing", worse_if_higher=True),
    Timing(
        "receive_interval", "subscriber_samples", "micros_since_last_event", "between two events received"
    ),
    Timing("sleep", "subscriber_samples", "sleep_micros", "spent waiting for the event"),
    Timing(
        "processing", "subscriber_samples", "process_micros", "spent in all callbacks", worse_if_higher=True
    ),
    Timing(
        "latency",
        "subscriber_samples",
        "first_callback_latency_micros",
        "from the event's stamp to the first callback",
        worse_if_higher=True,
    ),
)
"""In the order in which an event lives through them."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Descriptions by name of the timing; ``servers`` has one such dictionary a server of Choice."""

    overall: dict[str, Distribution]
    servers: tuple[dict[str, Distribution], ...]


def describe_timings(recording: Recording, polls: Polls, choice: Choice) -> Timings:
    """Every sample of the selected polls counts, also those that the first poll found in the buffers."""
    found: dict[str, tuple[Distribution, list[Distribution]]] = {}
    for table in ("publisher_samples", "subscriber_samples"):
        found |= _describe_table(recording, table, polls, choice)
    return Timings(
        {name: whole for name, (whole, _) in found.items()},
        tuple(
            {name: parts[server] for name, (_, parts) in found.items()} for server in range(len(choice.names))
        ),
    )


def _describe_table(
    recording: Recording, name: str, polls: Polls, choice: Choice
) -> dict[str, tuple[Distribution, list[Distribution]]]:
    table = recording[name]
    codes, lengths = table.server_runs()
    server = choice.server_index(codes)
    if len(recording.sources) > 1:
        server = np.repeat(server, lengths)
        lengths = np.ones(len(server), dtype=np.int64)
        kept = choice.keeps(server, polls.source[table.poll_rows()])
        server = server if kept is None else np.where(kept, server, -1)
    grouping = Grouping(server, len(choice.names), lengths)
    return {
        timing.name: grouping.describe(table[timing.column]) for timing in TIMINGS if timing.table == name
    }

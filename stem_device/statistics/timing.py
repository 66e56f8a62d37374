"""The timings of a recording, described overall and by server."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.model.sample_timings import (
    LATENCY,
    PROCESSING,
    PUSH,
    PUSH_INTERVAL,
    RECEIVE_INTERVAL,
    SLEEP,
    SampleTiming,
    micros,
)
from stem_device.reading import Recording
from stem_device.statistics.distribution import Distribution, Grouping
from stem_device.statistics.polls import Polls
from stem_device.statistics.source_choice import Choice


@dataclass(frozen=True, slots=True)
class Timing:
    """What is said of one timing. ``worse_if_higher`` is False where longer means only other."""

    of: SampleTiming
    about: str
    worse_if_higher: bool = False

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def table(self) -> str:
        return self.of.table


TIMINGS = (
    Timing(PUSH_INTERVAL, "between two pushes"),
    Timing(PUSH, "spent pushing", worse_if_higher=True),
    Timing(RECEIVE_INTERVAL, "between two events received"),
    Timing(SLEEP, "spent waiting for the event"),
    Timing(PROCESSING, "spent in all callbacks", worse_if_higher=True),
    Timing(LATENCY, "from the event's stamp to the first callback", worse_if_higher=True),
)
"""In the order in which an event lives through them."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Descriptions by name of the timing; ``servers`` has one such dictionary a server of Choice."""

    overall: dict[str, Distribution]
    servers: tuple[dict[str, Distribution], ...]


def describe_timings(recording: Recording, polls: Polls, choice: Choice) -> Timings:
    """Of every sample of the selected polls that counts (:mod:`stem_device.model.sample_timings`), also of
    those that the first poll found in the buffers.
    """
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
        timing.name: grouping.describe(micros(timing.of, table.__getitem__))
        for timing in TIMINGS
        if timing.table == name
    }

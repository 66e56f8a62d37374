"""Which source tells of which server, so that nothing counts twice where several monitors see it."""

from __future__ import annotations

import numpy as np

from stem_device.reading import Recording
from stem_device.statistics.distribution import Codes
from stem_device.statistics.polls import Flags, Integers, Polls
from stem_device.statistics.results import LeftOut


class Choice:
    """The servers of a recording, and the sources whose rows of them count.

    Rule: of sources whose spans (first to last poll) overlap, the one in which the server answered for the
    longest time counts, and the others do not; of equal ones the first. Sources that follow each other all
    count.
    """

    def __init__(self, recording: Recording, polls: Polls) -> None:
        servers = recording["servers"]
        codes = servers.codes("server")
        present = np.unique(codes)
        present = present[present >= 0]
        self.codes: Integers = present.astype(np.int64)
        self.names: list[str] = [str(name) for name in recording.names[present]]
        self._index = np.full(len(recording.names) + 1, -1, dtype=np.int64)
        self._index[present] = np.arange(len(present))
        self._all = len(recording.sources) == 1
        self.used: Flags = np.ones((len(present), len(recording.sources)), dtype=np.bool_)
        self.left_out: tuple[LeftOut, ...] = ()
        if not self._all:
            self._choose(recording, polls)

    def server_index(self, codes: Codes) -> Integers:
        """From rows of names to rows of ``names`` of this; -1 for other names and for none."""
        found: Integers = self._index[codes]
        return found

    def keeps(self, server: Integers, source: Integers) -> Flags | None:
        """Which rows count; None for all of them."""
        if self._all:
            return None
        kept: Flags = self.used[server, source] & (server >= 0)
        return kept

    def _choose(self, recording: Recording, polls: Polls) -> None:
        table = recording["servers"]
        server, poll = self.server_index(table.codes("server")), table.poll_rows()
        pair = server * len(recording.sources) + polls.source[poll]
        seconds = np.where(table["age_seconds"] == 0, polls.interval_seconds[poll], 0.0)
        size = self.used.size
        answered = np.bincount(pair, seconds, size).reshape(self.used.shape)
        seen = np.bincount(pair, minlength=size).reshape(self.used.shape) > 0
        spans = [_span(polls, source) for source in range(len(recording.sources))]
        for index in range(len(self.names)):
            self.used[index] = _chosen(answered[index], seen[index], spans)
        rejected = np.argwhere(seen & ~self.used)
        self.left_out = tuple(LeftOut(self.names[row], int(source)) for row, source in rejected)


def _chosen(answered: Integers, seen: Flags, spans: list[tuple[int, int]]) -> list[bool]:
    """The longest first; each further one only if it overlaps with none that was taken."""
    taken: list[int] = []
    for source in np.argsort(-answered, kind="stable").tolist():
        begin, end = spans[source]
        free = all(end <= spans[other][0] or begin >= spans[other][1] for other in taken)
        if seen[source] and free:
            taken.append(source)
    return [source in taken for source in range(len(spans))]


def _span(polls: Polls, source: int) -> tuple[int, int]:
    times = polls.time_utc_ns[polls.source == source]
    return (int(times.min()), int(times.max())) if len(times) else (0, 0)

"""Rows of a table that count: those of the chosen sources, with the poll and server of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.reading import Recording
from stem_device.statistics.polls import Floats, Integers, Polls
from stem_device.statistics.source_choice import Choice


class CountedRows:
    """Columns (n) of one table: ``poll`` (index into Polls), ``server`` (index into Choice), and its own."""

    def __init__(self, recording: Recording, name: str, polls: Polls, choice: Choice) -> None:
        self._table = recording[name]
        self._polls = polls
        poll = self._table.poll_rows()
        server = choice.server_index(self._table.codes("server"))
        self._kept = choice.keeps(server, polls.source[poll])
        self.poll: Integers = self._of(poll)
        self.server: Integers = self._of(server)

    def __len__(self) -> int:
        return len(self.poll)

    def column(self, name: str) -> npt.NDArray[Any]:
        return self._of(self._table[name])

    def known(self, name: str) -> Floats:
        """A column of numbers, NaN where there is none, or an older file does not have it."""
        masked = self._table.masked(name)
        values: Floats = np.where(np.ma.getmaskarray(masked), np.nan, masked.data.astype(np.float64))
        return self._of(values)

    def codes(self, name: str) -> Integers:
        return self._of(self._table.codes(name))

    def delta(self, name: str) -> Integers:
        """What each poll added; 0 where that precedes the recording."""
        counted: Integers = self.column(name) * self._polls.counts[self.poll]
        return counted

    def known_delta(self, name: str) -> Floats:
        """As ``delta``; NaN where nobody knows."""
        values: Floats = self.known(name) * self._polls.counts[self.poll]
        return values

    def rise(self, name: str, group: Integers) -> Floats:
        """How much a total grew with each row, since the row before of its group and source.

        The first row of a group is where it is counted from. A total that has fallen was set back
        (ResetCounters): all of it is new.
        """
        values = self.known(name)
        source = self._polls.source[self.poll]
        order = np.lexsort((self.poll, source, group))
        ordered = values[order]
        begins = (np.diff(group[order], prepend=-1) != 0) | (np.diff(source[order], prepend=-1) != 0)
        grown = np.diff(ordered, prepend=0)
        grown = np.where(begins, 0, np.where(grown < 0, ordered, grown))
        rise = np.empty(len(values))
        rise[order] = grown
        return rise

    def _of(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values if self._kept is None else values[self._kept]

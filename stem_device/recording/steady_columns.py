"""The columns of ``subscriptions`` and ``streams``: what stays from poll to poll is converted once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from stem_device.model.arrays import integers
from stem_device.model.rows import Standing, SteadyRows

Columns = Mapping[str, npt.NDArray[Any]]
"""Arrays of equal length by field."""
Groups = Sequence[Sequence[Any]]
"""The rows of each server, all of one table."""


class SteadyColumns:
    """Keeps the columns of records that stay, for as long as they do: those of one poll."""

    def __init__(self, convert: Callable[[Groups], Columns]) -> None:
        """``convert``: from the records of some servers to all columns."""
        self._convert = convert
        self._kept: dict[Standing[Any], Columns] = {}

    def of(self, groups: Groups) -> Columns:
        """The columns of all rows, in their order."""
        others = [rows for rows in groups if not isinstance(rows, SteadyRows)]
        converted = self._convert(others)
        before, self._kept = self._kept, {}
        if len(others) == len(groups):
            return converted
        parts = pairwise(accumulate(map(len, others), initial=0))
        pieces: list[Columns] = []
        for rows in groups:
            if isinstance(rows, SteadyRows):
                pieces.append(self._steady(rows, before))
            else:
                begin, end = next(parts)
                pieces.append({name: values[begin:end] for name, values in converted.items()})
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in converted}

    def _steady(self, rows: SteadyRows[Any], before: Mapping[Standing[Any], Columns]) -> Columns:
        standing = rows.standing
        stays = before.get(standing) or self._convert([standing.records])
        self._kept[standing] = stays
        moved = {name: integers(values) for name, values in rows.moved().items()}
        if standing.live == len(rows):
            return {**stays, **moved}
        ended = {name: stays[name][standing.live :] for name in moved}
        return {**stays, **{name: np.concatenate((moved[name], ended[name])) for name in moved}}

"""Sums by group: columns of counts, one row a group."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from stem_device.analysis.worst import rows_worst_first
from stem_device.statistics.polls import Flags, Floats, Integers, Polls
from stem_device.statistics.results import Counted
from stem_device.statistics.rows import CountedRows

UNKNOWN = -1
"""An overdue that nobody knows, as in recordings."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Columns of length n, fields of Counted; NaN where nobody knows, and so in sums of it.

    ``overdue`` and ``worst_overdue`` are UNKNOWN or at least 0.
    """

    published: Floats
    received: Floats
    missed: Floats
    gaps: Floats
    discarded: Floats
    resets: Floats
    missed_at_least: Flags
    overdue: Floats
    worst_overdue: Floats
    unaccounted: Floats
    missed_before: Floats
    unobserved: Floats
    overdue_unknown: Floats

    @classmethod
    def zeros(cls, groups: int) -> Sums:
        columns = {field.name: np.zeros(groups) for field in fields(cls)}
        unknown = {name: np.full(groups, float(UNKNOWN)) for name in ("overdue", "worst_overdue")}
        return cls(**{**columns, "missed_at_least": np.zeros(groups, dtype=np.bool_), **unknown})

    def counted(self, seconds: Floats) -> list[Counted]:
        """One Counted a row; ``seconds`` (n) is the time that each covers."""
        columns = zip(*(getattr(self, field.name).tolist() for field in fields(self)), strict=True)
        return [_counted(row, covered) for row, covered in zip(columns, seconds.tolist(), strict=True)]

    def worst_first(self) -> list[int]:
        """Rows, see :mod:`stem_device.analysis.worst`: by the largest overdue; of equals by resets."""
        lost = np.nan_to_num(self.missed) + np.nan_to_num(self.unaccounted)
        found: list[int] = rows_worst_first(lost, self.worst_overdue, self.gaps, self.resets).tolist()
        return found


def group_sum(group: Integers, values: Floats | Integers | Flags, groups: int) -> Floats:
    """Sum of ``values`` (n) by ``group`` (n); rows in group -1 do not count."""
    sums: Floats = np.bincount(group + 1, values, groups + 1)[1:].astype(np.float64, copy=False)
    return sums


def overdue_by(
    group: Integers, rows: CountedRows, overdue: Integers, polls: Polls, groups: int
) -> tuple[Floats, Floats]:
    """The overdue of each group in the last poll of its source, and the largest of any one poll.

    UNKNOWN where no row of the group tells.
    """
    told = overdue >= 0
    poll, group, overdue = rows.poll[told], group[told], overdue[told]
    pairs, where = np.unique(group * len(polls) + poll, return_inverse=True)
    together = np.bincount(where, overdue, len(pairs))
    owner, when = pairs // max(len(polls), 1), pairs % max(len(polls), 1)
    worst, last = np.full(groups, float(UNKNOWN)), np.full(groups, float(UNKNOWN))
    np.maximum.at(worst, owner, together)
    last[owner] = 0
    final = np.isin(when, polls.last_polls())
    np.add.at(last, owner[final], together[final])
    return last, worst


def unknown_overdue_by(
    group: Integers, rows: CountedRows, overdue: Integers, polls: Polls, groups: int
) -> Floats:
    """Subscriptions of each group that live in the last poll of their source with an unknown overdue."""
    wanted = (overdue == UNKNOWN) & (rows.column("ended") == 0) & np.isin(rows.poll, polls.last_polls())
    return group_sum(group, wanted, groups)


def _counted(row: tuple[float, ...], seconds: float) -> Counted:
    published, received, missed, gaps, discarded, resets, at_least, overdue, worst = row[:9]
    unaccounted, before, unobserved, overdue_unknown = row[9:]
    return Counted(
        published=_whole(published),
        received=_whole(received),
        missed=_whole(missed),
        gaps=_whole(gaps),
        discarded=_whole(discarded),
        resets=_whole(resets),
        published_rate=rate(published, seconds),
        received_rate=rate(received, seconds),
        missed_rate=rate(missed, seconds),
        loss_share=rate(missed, missed + received),
        missed_at_least=bool(at_least),
        overdue=None if overdue == UNKNOWN else int(overdue),
        worst_overdue=None if worst == UNKNOWN else int(worst),
        unaccounted=_whole(unaccounted),
        missed_before=_whole(before),
        unobserved=_whole(unobserved),
        overdue_unknown=int(overdue_unknown),
    )


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else int(value)


def rate(amount: float, of: float) -> float:
    """``amount / of``; NaN where there is nothing to divide by."""
    return amount / of if of > 0 else math.nan

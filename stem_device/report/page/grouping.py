"""Rows of equal keys brought together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report.page.bins import Integers
from stem_device.report.page.report_data import Codes


@dataclass(frozen=True, slots=True)
class Groups:
    """``of_row`` is the group of each row; ``first`` and ``last`` are rows of each group."""

    of_row: Integers
    first: Integers
    last: Integers

    def __len__(self) -> int:
        return len(self.first)

    def sums(self, values: Integers) -> Integers:
        """Sum of the values of each group."""
        return np.rint(np.bincount(self.of_row, weights=values, minlength=len(self))).astype(np.int64)

    def counts(self) -> Integers:
        """Rows of each group."""
        return np.bincount(self.of_row, minlength=len(self)).astype(np.int64)


def group_rows(*keys: Codes) -> Groups:
    """Groups of rows with equal keys (one array or two), in the order of the keys."""
    combined = keys[0].astype(np.int64)
    for key in keys[1:]:
        combined = (combined << 32) + key
    _, first, of_row = np.unique(combined, return_index=True, return_inverse=True)
    last = np.zeros(len(first), dtype=np.int64)
    last[of_row] = np.arange(len(of_row))  # of equal indices the last one stays
    return Groups(of_row.astype(np.int64), first.astype(np.int64), last)

"""What one quantity is: its name, unit and meaning, and where its value comes from."""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct

from stem_device.catalogue.scope import Scope
from stem_device.model.snapshot import Floats

PREFIX = "stem_"


class Kind(enum.StrEnum):
    """How values of a quantity follow each other, in the words of OpenMetrics.

    COUNTER: a total that rises, and begins again at a restart or by ``ResetCounters``. GAUGE: a level.
    HISTOGRAM: how values are spread over buckets. STATE_SET: one of some states. INFO: labels alone.
    """

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    STATE_SET = "state set"
    INFO = "info"


class Spread(Struct, frozen=True, gc=False):
    """Values in buckets: ``counts[i]`` of them are at most ``bounds[i]`` and more than the bound before.

    The last of ``counts``, which has one element more than ``bounds``, are those beyond.
    ``total`` is the sum of the values; None where negative ones are among them, as a sum that falls would be
    taken for a restart.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float | None

    @classmethod
    def of(cls, values: Floats, bounds: tuple[float, ...]) -> Spread:
        """Sort values into buckets."""
        buckets = np.searchsorted(bounds, values, side="left")
        counts = np.bincount(buckets, minlength=len(bounds) + 1)
        total = None if bool((values < 0).any()) else float(values.sum())
        return cls(bounds, tuple(counts.tolist()), total)

    def plus(self, other: Spread) -> Spread:
        """Both together; they must have the same bounds."""
        total = None if self.total is None or other.total is None else self.total + other.total
        counts = tuple(map(operator.add, self.counts, other.counts))
        return Spread(self.bounds, counts, total)

    @property
    def count(self) -> int:
        return sum(self.counts)


Value = int | float | str | Spread
"""A number; of a state set the name of the state; of an info 1; of a histogram a Spread of one poll."""


class Quantity(Struct, frozen=True, kw_only=True):
    """One quantity.

    ``name`` is in snake case and ends with the unit if that is one of time or size; :attr:`metric` is what
    tools show. ``unit`` is written as in Tango attributes. ``value`` gives None where it is not known, for
    one row of ``scope``, whose labels it has. ``attribute`` is the Tango attribute with the same number (a
    spectrum has it by server), ``json`` the key in QuerySnapshot: of the document, a server, a stream or a
    subscription, whatever the scope is. Either is empty where there is none.
    ``states`` are those of a STATE_SET, ``bounds`` those of a HISTOGRAM.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    scope: Scope
    value: Callable[[Any], Value | None]
    attribute: str = ""
    json: str = ""
    states: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels; a STATE_SET has one more, :attr:`family`, with the state."""
        return self.scope.labels

    @property
    def whole(self) -> bool:
        """Whether values are whole numbers: all but times, shares and rates are."""
        return self.unit not in {"s", "ratio"} and not self.unit.endswith("/s")

    @property
    def family(self) -> str:
        """``stem_events_missed``: without the ending that says which kind it is."""
        return PREFIX + self.name

    @property
    def metric(self) -> str:
        """``stem_events_missed_total``: the name in every tool, as Prometheus' conventions have it."""
        return self.family + {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(self.kind, "")

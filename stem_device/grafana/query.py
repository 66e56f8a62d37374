"""What a panel asks for, in no tool's language: a quantity of the catalogue, and what becomes of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from msgspec import Struct

from stem_device.catalogue import QUANTITIES, Kind, Quantity

_BY_NAME = {one.name: one for one in QUANTITIES}


class Flavour(enum.StrEnum):
    """The data source that dashboards ask."""

    PROMETHEUS = "prometheus"
    OPENTSDB = "opentsdb"


@enum.unique
class How(enum.Enum):
    """What becomes of the values. LEVEL: as they are; of a state set the position of the present state.

    RATE: how much a counter rises per second. P99, MEDIAN: quantiles of a histogram, which Prometheus alone
    computes. AGE: how long ago a time is, which Prometheus alone knows. ROWS: a line of a table with all
    labels, in Prometheus alone.
    """

    LEVEL = "level"
    RATE = "rate"
    P99 = "p99"
    MEDIAN = "median"
    AGE = "age"
    ROWS = "rows"


class Query(Struct, frozen=True, kw_only=True):
    """One question.

    ``by`` are the labels whose series stay apart; over all others they are put together by ``combine``
    (sum, max or min). ``where`` chooses values of labels: a name that begins with ``$`` is one of the
    dashboard's variables. ``legend`` has names of labels in braces. ``part`` is ``_sum`` or ``_count`` of a
    histogram.
    """

    name: str
    how: How = How.LEVEL
    by: tuple[str, ...] = ()
    where: Mapping[str, str] = {}
    combine: str = "sum"
    legend: str = ""
    part: str = ""

    @property
    def quantity(self) -> Quantity:
        return _BY_NAME[self.name]

    @property
    def metric(self) -> str:
        return self.quantity.metric + self.part

    @property
    def label(self) -> str:
        """The legend; the labels that stay if there is none, or the name."""
        return self.legend or " ".join(f"{{{name}}}" for name in self.by) or self.name.replace("_", " ")

    @property
    def is_state(self) -> bool:
        return self.quantity.kind is Kind.STATE_SET


UNITS = {
    "s": "s",
    "bytes": "bytes",
    "ratio": "percentunit",
    "boolean": "bool_on_off",
    "events/s": "eps",
    "bytes/s": "Bps",
    "state": "none",
    "level": "none",
    "text": "none",
}
"""Grafana's names of the catalogue's units; all others are numbers of things."""
COUNT = "locale"
"""In full: of 1,234,567 lost events each counts."""


def unit_of(query: Query) -> str:
    """Grafana's name of the unit of the answer."""
    unit = query.quantity.unit
    if query.how is How.RATE:
        # A counter of seconds rises by seconds a second: a share of time.
        return {"events": "eps", "s": "percentunit"}.get(unit, "cps")
    if query.part == "_count":
        return COUNT
    return UNITS.get(unit, COUNT)

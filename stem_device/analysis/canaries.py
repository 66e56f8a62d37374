"""What the counters of the monitor's own process add to what its canaries saw."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from stem_device.model.canary import CanaryFigures
from stem_device.model.snapshot import Snapshot, SubscriptionRecord
from stem_device.model.topics import local_name

PREFIX = "canary/"


def with_counters(figures: Iterable[CanaryFigures], snapshot: Snapshot | None) -> tuple[CanaryFigures, ...]:
    """Where nothing says when an event is due, losses and what is in flight are those of the accounts.

    ``produced`` is then what was pushed up to the last event that arrived, and what is overdue.
    """
    rows = _rows(snapshot)
    return tuple(one if one.lost is not None else _counted(one, rows) for one in figures)


def _rows(snapshot: Snapshot | None) -> dict[str, SubscriptionRecord]:
    """By attribute and event, without the database."""
    own = [server for server in snapshot.servers if server.name.startswith(PREFIX)] if snapshot else []
    return {local_name(row.stream.lower()): row for server in own for row in server.subscriptions}


def _counted(figures: CanaryFigures, rows: dict[str, SubscriptionRecord]) -> CanaryFigures:
    row = rows.get(local_name(f"{figures.attribute}.{figures.event}".lower()))
    if row is None:
        return figures
    lost = row.missed_total + row.unaccounted_total
    return structs.replace(
        figures, lost=lost, in_flight=row.overdue, produced=figures.received + lost + (row.overdue or 0)
    )

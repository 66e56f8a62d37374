"""One poll's rows of a server whose subscriptions, or streams, all simply went on: as columns.

Of by far most servers nothing but five numbers of each subscription and three of each stream change from poll
to poll. All that stays is in records of an earlier poll, which the rows of all polls since then share.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from typing import Generic, TypeVar, overload

from msgspec import Struct, structs

from stem_device.model.reply import EventCallback
from stem_device.model.snapshot import StreamRecord, SubscriptionRecord

Row = TypeVar("Row", bound=Struct)


class Standing(Generic[Row]):
    """What stays of the rows of one server while they go on: their ``records`` at the poll before that began.

    The first ``live`` of them go on, the others have ended. ``otherwise`` is, of each that goes on, how much
    more its total is than cppTango's counter: counted in former lives, or less what was before monitoring.
    """

    __slots__ = ("live", "otherwise", "records")

    def __init__(self, records: tuple[Row, ...], live: int, otherwise: Sequence[int]) -> None:
        self.records = records
        self.live = live
        self.otherwise = otherwise


class StandingSubscriptions(Standing[SubscriptionRecord]):
    """None of them lost something at the poll before, or waits. ``lossy``: one of them lost something before,
    or noticed a gap. ``topics`` are those that go on.
    """

    __slots__ = ("lossy", "topics")

    def __init__(self, records: tuple[SubscriptionRecord, ...], live: int) -> None:
        super().__init__(records, live, [one.received_total - one.event_count for one in records[:live]])
        self.lossy = any(map(_is_lossy, records))
        self.topics = frozenset([record.topic for record in records[:live]])


class SteadyRows(Sequence[Row], Generic[Row]):
    """The rows of one poll: a sequence of records like any other, which are made when one is asked for."""

    __slots__ = ("_records",)

    def __init__(self) -> None:
        self._records: tuple[Row, ...] | None = None

    @property
    def standing(self) -> Standing[Row]:
        """What stays."""
        raise NotImplementedError

    def moved(self) -> dict[str, list[int]]:
        """The columns of all fields that may change, of the rows that go on."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.standing.records)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self._all()[index]

    def __eq__(self, other: object) -> bool:
        return self._all() == (other._all() if isinstance(other, SteadyRows) else other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> tuple[Row, ...]:
        if self._records is None:
            known, live = self.standing.records, self.standing.live
            moved = self.moved()
            made = [
                structs.replace(record, **dict(zip(moved, values, strict=True)))
                for record, values in zip(known[:live], zip(*moved.values(), strict=True), strict=True)
            ]
            self._records = (*made, *known[live:])
        return self._records


class SteadySubscriptionRows(SteadyRows[SubscriptionRecord]):
    """Of subscriptions that all simply went on."""

    __slots__ = ("_arrived", "_now", "_standing")

    def __init__(
        self, standing: StandingSubscriptions, now: Sequence[EventCallback], arrived: Sequence[int]
    ) -> None:
        """Of each that goes on: its counters now, and what came since the poll before."""
        super().__init__()
        self._standing, self._now, self._arrived = standing, now, arrived

    @property
    def standing(self) -> StandingSubscriptions:
        return self._standing

    def moved(self) -> dict[str, list[int]]:
        events = [one.event_count for one in self._now]
        return {
            "callback_count": [one.callback_count for one in self._now],
            "server_counter": [one.server_counter for one in self._now],
            "event_count": events,
            "received_total": list(map(add, events, self._standing.otherwise)),
            "received_delta": list(self._arrived),
        }


class SteadyStreamRows(SteadyRows[StreamRecord]):
    """Of streams that all simply went on."""

    __slots__ = ("_delta", "_pushed", "_standing")

    def __init__(self, standing: Standing[StreamRecord], pushed: list[int], delta: list[int]) -> None:
        """Of each: how much was pushed until now, and of it since the poll before."""
        super().__init__()
        self._standing, self._pushed, self._delta = standing, pushed, delta

    @property
    def standing(self) -> Standing[StreamRecord]:
        return self._standing

    def moved(self) -> dict[str, list[int]]:
        return {
            "pushed": self._pushed,
            "published_total": list(map(add, self._pushed, self._standing.otherwise)),
            "published_delta": self._delta,
        }


def troubled(rows: Sequence[SubscriptionRecord]) -> Sequence[SubscriptionRecord]:
    """The rows in which something may have been lost at this poll, or be overdue: not those that went on."""
    return () if isinstance(rows, SteadySubscriptionRows) else rows


def lossy(rows: Sequence[SubscriptionRecord]) -> list[SubscriptionRecord]:
    """The rows of subscriptions that ever lost something, or noticed a gap, or wait."""
    if isinstance(rows, SteadySubscriptionRows) and not rows.standing.lossy:
        return []
    return [row for row in rows if _is_lossy(row)]


def _is_lossy(row: SubscriptionRecord) -> bool:
    return bool(row.missed_total or row.unaccounted_total or row.overdue or row.gaps_total)


def live_topics(rows: Sequence[SubscriptionRecord]) -> frozenset[str]:
    """The topics of the subscriptions that have not ended."""
    if isinstance(rows, SteadySubscriptionRows):
        return rows.standing.topics
    return frozenset([row.topic for row in rows if not row.ended])


def live_count(rows: Sequence[SubscriptionRecord]) -> int:
    """How many of them have not ended."""
    return (
        rows.standing.live
        if isinstance(rows, SteadySubscriptionRows)
        else sum([not row.ended for row in rows])
    )

"""Subscriptions of one server that are not connected: nothing counts what is pushed meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from stem_device.model.reply import NotConnected
from stem_device.model.topics import local_name


class WaitingSubscriptions:
    """Since when subscriptions have been retried, by what they are to."""

    def __init__(self) -> None:
        self.records: tuple[NotConnected, ...] = ()
        self._since_ns: dict[str, int] = {}

    def take(self, records: Iterable[NotConnected], now_ns: int) -> None:
        """Take what a reply tells; ``now_ns``: monotonic time of the poll."""
        self.records = tuple(records)
        if self.records or self._since_ns:
            self._since_ns = {
                key: self._since_ns.get(key, now_ns) for key in (_key(one) for one in self.records)
            }

    def since_ns(self, stream: str) -> int | None:
        """Monotonic time of the first poll that found it so; None if the last one did not."""
        return self._since_ns.get(local_name(stream)) if self._since_ns else None


def _key(one: NotConnected) -> str:
    """The database is left out, as cppTango tells it not always."""
    return local_name(f"{one.subject}.{one.event_type}".lower())

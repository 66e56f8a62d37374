"""Since when each total counts: OTLP tells it with every value, so that a restart is not taken for a fall."""

from __future__ import annotations

from stem_device.catalogue import Labels, Quantity, Scope
from stem_device.catalogue.quantities.monitor import MONITOR
from stem_device.model.snapshot import Snapshot

Key = tuple[str, Labels]

_SINCE_START = frozenset(one.name for one in MONITOR)
"""What ResetCounters leaves as it is."""


class Starts:
    """Call ``begin`` for each Snapshot in turn, then ``of`` for each of its totals.

    Totals of a server that joins later begin after the poll before; those that begin again (a recording, a
    server that comes back), after the last poll that showed the former one.
    """

    def __init__(self, begun_utc_ns: int) -> None:
        self._begun_utc_ns = begun_utc_ns
        self._since_utc_ns = 0
        self._previous_utc_ns = self._last_utc_ns = 0
        self._servers: dict[str, int] = {}
        self._falls: dict[Key, int] = {}
        self._values: dict[Key, float] = {}
        self._seen: dict[Key, float] = {}

    def begin(self, snapshot: Snapshot) -> None:
        """Go on to the next Snapshot; what is not in it is forgotten."""
        names = {server.name for server in snapshot.servers}
        since = snapshot.monitoring_since_utc_ns
        if since != self._since_utc_ns:
            self._servers = dict.fromkeys(names, since)
            self._falls, self._values, self._seen = {}, {}, {}
        else:
            self._servers = {name: self._servers.get(name, self._previous_utc_ns) for name in names}
            self._values, self._seen = self._seen, {}
            self._falls = {key: at for key, at in self._falls.items() if key in self._values}
        self._since_utc_ns = since
        self._last_utc_ns, self._previous_utc_ns = self._previous_utc_ns, snapshot.time_utc_ns

    def of(self, quantity: Quantity, labels: Labels, value: float) -> int:
        """Nanoseconds since 1970 UTC."""
        key = quantity.name, labels
        if value < self._values.get(key, value):
            self._falls[key] = self._last_utc_ns
        self._seen[key] = value
        fell = self._falls.get(key)
        if fell is not None:
            return fell
        if quantity.name in _SINCE_START:
            return self._begun_utc_ns
        if quantity.scope is Scope.MONITOR or not labels:
            return self._since_utc_ns
        return self._servers.get(labels[0], self._since_utc_ns)

"""Which publishers should be heard, and which were. Arithmetic only; times are monotonic ns."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from stem_device.model.link import MISSED, LinkFigures
from stem_device.model.snapshot import Snapshot

_ENDING = ".heartbeat"


class _Link:
    def __init__(self, endpoint: str, now_ns: int) -> None:
        self.endpoint = endpoint
        self.since_ns = now_ns
        self.heard_ns: int | None = None


class Links:
    """Methods are for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, _Link] = {}

    def follow(self, endpoints: Mapping[str, str], now_ns: int) -> tuple[set[str], set[str]]:
        """Listen for these publishers, by name, and no others; endpoints to connect to and to leave."""
        with self._lock:
            before = {link.endpoint for link in self._links.values()}
            known, self._links = self._links, {}
            for name, endpoint in endpoints.items():
                link = known.get(name.lower())
                if link is None or link.endpoint != endpoint:
                    link = _Link(endpoint, now_ns)
                self._links[name.lower()] = link
            after = {link.endpoint for link in self._links.values()}
        return after - before, before - after

    def hear(self, topic: str, now_ns: int) -> None:
        """A heartbeat has come. Whose it is stands in its topic, ``tango://host:port/dserver/x/y.heartbeat``."""
        name = topic.lower().removesuffix(_ENDING)
        with self._lock:
            link = self._links.get(name) or self._of_path(name)
            if link is not None:
                link.heard_ns = now_ns

    def figures(self, now_ns: int) -> tuple[LinkFigures, ...]:
        """All links, by name."""
        with self._lock:
            return tuple(
                LinkFigures(
                    publisher=name,
                    endpoint=link.endpoint,
                    age_seconds=None if link.heard_ns is None else (now_ns - link.heard_ns) / 1e9,
                    waited_seconds=(now_ns - max(link.since_ns, link.heard_ns or 0)) / 1e9,
                )
                for name, link in sorted(self._links.items())
            )

    def _of_path(self, name: str) -> _Link | None:
        """The publisher may call its database by another name than its subscribers do."""
        path = _path(name)
        found = [link for known, link in self._links.items() if _path(known) == path]
        return found[0] if len(found) == 1 else None


def publishers_of(snapshot: Snapshot) -> dict[str, str]:
    """Where monitored subscriptions get heartbeats from, by publisher; unsupported ones included."""
    found: dict[str, str] = {}
    for server in snapshot.servers:
        found.update(server.channels)
    return {name: endpoint for name, endpoint in found.items() if endpoint.startswith("tcp://")}


def told(figures: Iterable[LinkFigures], host: str) -> tuple[str, ...]:
    """A sentence for each link that is silent."""
    return tuple(
        f"seen from {host}: no heartbeat of {one.publisher} at {one.endpoint} "
        + (f"since {MISSED} were due" if one.age_seconds is not None else "ever since it is listened for")
        + ": it is dead or frozen, or its port cannot be reached from here"
        for one in figures
        if one.silent
    )


def _path(name: str) -> str:
    return "/".join(name.split("/")[-3:])

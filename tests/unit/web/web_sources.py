"""A source made by hand, a port of it, and a client without manners."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stem_device.catalogue import Details, series_of
from stem_device.errors import StemError
from stem_device.model.options import HttpOptions
from stem_device.model.options.kinds import LocalPort
from stem_device.model.snapshot import Snapshot
from stem_device.web.exposition import Exposition
from stem_device.web.port import Port
from stem_device.web.source import Content, Health, NotReadyError


class MadeSource:
    """Shows one Snapshot; None: nothing yet."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.shown = snapshot
        self.exposition = Exposition()
        if snapshot is not None:
            self.exposition.renew(lambda details: series_of(snapshot, None, details))
        self.alive = True
        self.closed = False
        self.page_error: StemError | None = None
        self.pages = 0

    def health(self) -> Health:
        return Health(self.alive, self.shown is not None, {"status": "ok" if self.alive else "stuck"})

    def snapshot(self) -> Snapshot:
        if self.shown is None:
            raise NotReadyError("no poll has ended yet")
        return self.shown

    def ready_metrics(self, accept: str, details: Details) -> Content | None:
        return self.exposition.ready(accept, details)

    def metrics(self, accept: str, details: Details) -> Content:
        return self.exposition.content(accept, details)

    def page(self) -> bytes:
        self.pages += 1
        if self.page_error is not None:
            raise self.page_error
        return b"<!DOCTYPE html>page"

    def close(self) -> None:
        self.closed = True


def options(address: str = "0", **more: Any) -> HttpOptions:
    """As a property says it."""
    return HttpOptions(http_address=LocalPort().parse(address), **more)


@contextmanager
def opened(source: MadeSource, address: str = "0", **more: Any) -> Iterator[Port]:
    """A port, closed at the end."""
    routes = {name: more.pop(name) for name in ("routes", "write_routes", "patience") if name in more}
    port = Port(source, options(address, **more), **routes)
    try:
        assert not port.error, port.error
        yield port
    finally:
        port.close()


def place(port: Port) -> tuple[str, int]:
    host, _, number = port.url.partition("//")[2].rpartition(":")
    return host.strip("[]"), int(number)


def ask(
    port: Port, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, body."""
    connection = http.client.HTTPConnection(*place(port), timeout=30)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def connected(port: Port) -> socket.socket:
    """A socket, for a client that does not speak HTTP as it should."""
    return socket.create_connection(place(port), timeout=30)

"""An HTTP server that does as it is told: well, badly, or not at all."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

LIMIT = 20.0


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = bytes | Iterator[bytes]
Behaviour = Callable[[Request], Answer]


def answer(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> bytes:
    """A whole answer; names of headers with ``_`` for ``-``."""
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def slowly(content: bytes) -> Iterator[bytes]:
    """A byte a second."""
    for number in range(len(content)):
        yield content[number : number + 1]
        time.sleep(1.0)


def silent(_: Request) -> Answer:
    while True:
        time.sleep(0.2)
        yield b""


def slow(_: Request) -> Answer:
    return slowly(answer(200, b"{}" * 100))


def slow_body(_: Request) -> Answer:
    whole = answer(200, b"{}" * 100, X_Elastic_Product="Elasticsearch")
    return itertools.chain([whole[:-200]], slowly(whole[-200:]))


def garbage(_: Request) -> Answer:
    return bytes(range(256)) * 20


def endless_headers(_: Request) -> Answer:
    return itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X-More: and more\r\n" * 50))


def endless_line(_: Request) -> Answer:
    return itertools.chain([b"HTTP/1.1 200 OK\r\nX-More: "], itertools.repeat(b"more" * 1000))


def endless_body(_: Request) -> Answer:
    head = b"HTTP/1.1 200 OK\r\nX-Elastic-Product: Elasticsearch\r\nContent-Type: application/json\r\n\r\n"
    return itertools.chain([head], itertools.repeat(b"[" * 65536))


def redirect(request: Request) -> Answer:
    where = f"http://{request.headers['host']}{request.path}"
    return answer(307, Location=where, X_Elastic_Product="Elasticsearch")


HOSTILE: dict[str, Behaviour] = {
    behaviour.__name__: behaviour
    for behaviour in (
        silent,
        slow,
        slow_body,
        garbage,
        endless_headers,
        endless_line,
        endless_body,
        redirect,
    )
}


@dataclass
class HttpStub:
    """``behaviour`` may be changed at any time; ``requests`` are those that have come whole."""

    behaviour: Behaviour
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    wrap: Callable[[socket.socket], socket.socket] | None = None
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http{'s' if self.wrap else ''}://127.0.0.1:{self.port}"

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._speak, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _speak(self, connection: socket.socket) -> None:
        try:
            connection = self.wrap(connection) if self.wrap else connection
        except OSError:
            return  # no certificate that the client knows
        self._open.append(connection)
        with connection, connection.makefile("rb") as lines:
            try:
                while request := _read(lines):
                    self.requests.append(request)
                    said = self.behaviour(request)
                    for piece in [said] if isinstance(said, bytes) else said:
                        connection.sendall(piece)
            except (OSError, ValueError):
                return  # the client has had enough


def _read(lines: Any) -> Request | None:
    first = lines.readline().decode()
    if not first:
        return None
    method, path, _ = first.split()
    headers = {}
    while line := lines.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, path, headers, lines.read(int(headers.get("content-length", "0"))))


@contextmanager
def http_stub(
    behaviour: Behaviour, wrap: Callable[[socket.socket], socket.socket] | None = None
) -> Iterator[HttpStub]:
    """Serve on loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    stub = HttpStub(behaviour, port=listener.getsockname()[1], wrap=wrap)
    thread = threading.Thread(target=stub.serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        stub.stop()
        thread.join(LIMIT)

"""Clients that are slow, silent, hostile or many: cut off, with bounded memory, and others are served."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from stem_device.demo.processes import wait_until
from stem_device.web.patience import Patience
from stem_device.web.port import Port
from tests.unit.made_snapshots import snapshot
from tests.unit.web.web_sources import MadeSource, ask, connected, opened, place

psutil = pytest.importorskip("psutil")
MAX_CONNECTIONS = pytest.importorskip("stem_device.web.connections").MAX_CONNECTIONS
MAX_BODY_BYTES = pytest.importorskip("stem_device.web.guard").MAX_BODY_BYTES
pytestmark = pytest.mark.extras

SHORT = Patience(request=0.5, answer=0.5, idle=0.5, work=20.0)
LIMIT_SECONDS = 20.0


@pytest.fixture
def port() -> Iterator[Port]:
    with opened(MadeSource(snapshot()), patience=SHORT) as one:
        yield one


def cut_off(connection: socket.socket) -> bytes:
    """What still came until the other side closed the connection."""
    connection.settimeout(LIMIT_SECONDS)
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"G",
        GET,
        GET + b"Content-Length: 10\r\n\r\n12345",
        GET + b"\r\n" + GET,
        GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12",
    ],
)
def test_half_a_request_is_cut_off(port: Port, begun: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(begun)
        cut_off(connection)
        assert ask(port, "/health")[0] == 200


def test_a_request_a_byte_at_a_time_is_cut_off(port: Port) -> None:
    with connected(port) as connection:
        sent = 0
        with contextlib.suppress(ConnectionError):
            for byte in GET * 1000:
                connection.sendall(bytes([byte]))
                sent += 1
                time.sleep(0.05)
        assert 5 < sent < 100


def test_endless_headers_end(port: Port) -> None:
    with connected(port) as connection:
        connection.sendall(GET)
        with contextlib.suppress(ConnectionError):
            for number in range(100_000):
                connection.sendall(f"X-{number}: {'x' * 100}\r\n".encode())
        assert number < 50_000


def test_nonsense(port: Port) -> None:
    for nonsense in (
        b"\x00" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/x\r\n\r\n",
        b"\r\n" * 50_000,
    ):
        with connected(port) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(nonsense)
            answer = cut_off(connection)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert ask(port, "/health")[0] == 200


def test_bodies_are_bounded(port: Port) -> None:
    assert ask(port, "/health", body=b"x" * 1000)[0] == 200
    told = GET + f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode()
    for head in (told, GET + b"Content-Length: 99999999999999999999999\r\n\r\n"):
        with connected(port) as connection:
            connection.sendall(head)
            assert cut_off(connection).startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))


def test_an_endless_body_takes_no_memory(port: Port) -> None:
    before = psutil.Process().memory_info().rss
    with connected(port) as connection:
        connection.settimeout(LIMIT_SECONDS)
        connection.sendall(b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        with contextlib.suppress(OSError):
            for _ in range(5000):  # 328 MB
                connection.sendall(piece)
    assert psutil.Process().memory_info().rss - before < 50_000_000


class Large(MadeSource):
    def page(self) -> bytes:
        return LARGE


LARGE = b"x" * 30_000_000


def test_slow_readers_take_no_memory_and_are_cut_off() -> None:
    with opened(Large(snapshot()), patience=SHORT) as port, ExitStack() as stack:
        before = psutil.Process().memory_info().rss
        readers = []
        for _ in range(MAX_CONNECTIONS - 1):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(LIMIT_SECONDS)
            one.connect(place(port))
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            readers.append(one)
        assert ask(port, "/health")[0] == 200
        grown = psutil.Process().memory_info().rss - before
        assert grown < 200_000_000  # all answers whole would be 1.9 GB
        for one in readers[:2]:
            assert len(cut_off(one)) < len(LARGE)


def test_many_clients_are_turned_away_and_others_served_afterwards() -> None:
    with opened(MadeSource(snapshot()), patience=SHORT._replace(request=100.0)) as port:
        with ExitStack() as stack:
            every = [stack.enter_context(connected(port)) for _ in range(MAX_CONNECTIONS * 4)]
            for one in every[MAX_CONNECTIONS:]:
                assert cut_off(one) == b""
            with pytest.raises(OSError):  # noqa: PT011 - reset, or closed without an answer
                ask(port, "/health")
        wait_until(lambda: is_served(port), "that others are served")


def is_served(port: Port) -> bool:
    try:
        return ask(port, "/health")[0] == 200
    except OSError:
        return False


def test_a_scrape_does_not_wait_for_a_page() -> None:
    class Slow(MadeSource):
        def page(self) -> bytes:
            time.sleep(3)
            return b"page"

    with opened(Slow(snapshot()), patience=SHORT) as port, ExitStack() as stack:
        for _ in range(20):
            one = stack.enter_context(connected(port))
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        ask(port, "/metrics")
        begin = time.monotonic()
        for _ in range(10):
            assert ask(port, "/metrics")[0] == ask(port, "/health")[0] == ask(port, "/snapshot")[0] == 200
        assert time.monotonic() - begin < 2.5

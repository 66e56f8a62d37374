"""Points by lines: ``put metric seconds.milliseconds value tag=value``.

OpenTSDB takes milliseconds with a point before them or without. VictoriaMetrics 1.79 takes them for seconds
without, and drops the points as of the far future; with the point it keeps the seconds.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence

from stem_device.errors import PushError
from stem_device.opentsdb.pushing.endpoint import Endpoint, reason_of
from stem_device.opentsdb.pushing.http_put import PutPoint
from stem_device.outlets.bounded_http import BoundedSocket, ExchangeBudget, connected

MAX_ANSWER_BYTES = 65_536


class TelnetPut:
    """Sends points to one endpoint, by a connection that is kept. One thread at a time.

    A server of this form answers nothing but errors: what it does not say it refused counts as taken.
    """

    def __init__(self, endpoint: Endpoint, budget: ExchangeBudget) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._socket: socket.socket | None = None

    def send(self, points: Sequence[PutPoint]) -> int:
        """How many were taken. Raises PushError."""
        lines = b"".join(map(line_of, points))
        try:
            self._budget.begin()
            sock = self._connected()
            BoundedSocket(sock, self._budget).sendall(lines)
            refused = _answer(sock)
        except OSError as error:
            self.close()
            raise PushError(str(self._endpoint), reason_of(error)) from error
        if refused:
            # What else was refused comes later, or never: none of them is said to be taken.
            raise PushError(str(self._endpoint), f"it refused points: {refused}", 0)
        return len(points)

    def close(self) -> None:
        """Close the connection; the next points have a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is not None and _closed_by_peer(self._socket):
            self.close()
        if self._socket is None:
            address = (self._endpoint.host, self._endpoint.port)
            self._socket = connected(address, self._budget)
        return self._socket


def line_of(point: PutPoint) -> bytes:
    """One line, with its end."""
    tags = " ".join(f"{key}={value}" for key, value in point.tags.items())
    seconds, milliseconds = divmod(point.timestamp, 1000)
    line = f"put {point.metric} {seconds}.{milliseconds:03} {point.value!r} {tags}\n"
    return line.encode("ascii")


def _readable(sock: socket.socket) -> bool:
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return bool(poller.poll(0))


def _closed_by_peer(sock: socket.socket) -> bool:
    if not _readable(sock):
        return False
    sock.settimeout(0)
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def _answer(sock: socket.socket) -> str:
    """The first line of what it says; empty if it says nothing (yet), as it does if all is well."""
    said = b""
    sock.settimeout(0)
    while len(said) < MAX_ANSWER_BYTES and _readable(sock):
        piece = sock.recv(MAX_ANSWER_BYTES)
        if not piece:
            break
        said += piece
    return said.decode(errors="replace").strip().partition("\n")[0][:200]

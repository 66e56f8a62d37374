"""Connections of clients that may be slow, silent, hostile or many: bounded in number, in time and in memory.

uvicorn limits neither how long a client may take for its request and for reading the answer, nor how many
may connect: it leaves that to a proxy before it, and there is none here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from stem_device.web.patience import Patience

MAX_CONNECTIONS = 64
"""At the same time. Each may hold about a megabyte; and a process with few file descriptors has to keep some
for Tango."""

RETRY_SECONDS = 0.5
"""After a connection could not be accepted."""

_log = logging.getLogger("stem_device.web.http")
_log.setLevel(logging.ERROR)  # a client must not be able to fill the log with its mistakes


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, that can tell how far its request is."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.logger = _log
        self.closed = asyncio.Event()
        self._seen: tuple[str, int] = ("", 0)
        self._since = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.closed.set()

    def cut_off(self, now: float, patience: Patience) -> bool:
        """Abort the connection if it has been at one stage for too long. To be called often."""
        stage = self._stage()
        if stage != self._seen:
            self._seen, self._since = stage, now
        elif now - self._since > getattr(patience, stage[0]):
            self.transport.abort()
            return True
        return False

    def _stage(self) -> tuple[str, int]:
        """A field of Patience, and which request it is."""
        cycle = self.cycle
        if cycle is None:
            return "request", 0
        if cycle.response_complete:
            return ("answer" if self.transport.get_write_buffer_size() else "idle"), id(cycle)
        if cycle.response_started:
            return "answer", id(cycle)
        return ("request" if cycle.more_body else "work"), id(cycle)


class Acceptor:
    """Accepts connections, and closes at once those that are too many; handshakes of TLS count too."""

    def __init__(
        self,
        make_protocol: Callable[[], GuardedProtocol],
        tls: ssl.SSLContext | None,
        patience: Patience,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._make_protocol = make_protocol
        self._tls = tls
        self._patience = patience
        self._max_connections = max_connections
        self._open: set[asyncio.Task[None]] = set()
        self._protocols: set[GuardedProtocol] = set()
        self._listener: socket.socket | None = None
        self._again: asyncio.TimerHandle | None = None

    def accept(self, listener: socket.socket) -> None:
        """From a socket that listens and does not block, in the running loop, until ``close``.

        Called back by the loop, and no coroutine that waits for connections: cancelled in the moment one
        comes, that would lose it, open.
        """
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._accept_one, listener)

    def _accept_one(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:  # no file descriptor is left, say
            loop.remove_reader(listener)
            self._again = loop.call_later(RETRY_SECONDS, self.accept, listener)
            return
        if len(self._open) >= self._max_connections:
            connection.close()
            return
        connection.settimeout(0)
        task = loop.create_task(self._serve(connection))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        # Also of a task that was cancelled before it began.
        task.add_done_callback(lambda _: connection.close())

    async def _serve(self, connection: socket.socket) -> None:
        protocol = self._make_protocol()
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=self._patience.request if self._tls else None,
            )
        except (OSError, EOFError):  # a handshake that failed, or took too long
            return
        self._protocols.add(protocol)
        try:
            await protocol.closed.wait()
        finally:
            self._protocols.discard(protocol)

    def cut_off_slow(self, now: float) -> None:
        """To be called often."""
        for protocol in tuple(self._protocols):
            protocol.cut_off(now, self._patience)

    def close(self) -> Iterable[asyncio.Task[None]]:
        """Accept no more and abort every connection; what is to be waited for."""
        if self._again is not None:
            self._again.cancel()
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
        for protocol in tuple(self._protocols):
            protocol.transport.abort()
        for task in tuple(self._open):
            task.cancel()
        return tuple(self._open)

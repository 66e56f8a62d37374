"""An HTTP server on a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
import time
from email.utils import formatdate
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from stem_device.web.connections import Acceptor, GuardedProtocol
from stem_device.web.patience import Patience

MAX_HEAD_BYTES = 32_768
"""Of the lines and headers of a request; the longest that are honest are queries in an address."""
STOP_SECONDS = 5.0
BACKLOG = 64
TICK_SECONDS = 1.0

_log = logging.getLogger(__name__)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.settimeout(0)
    except OSError:
        listener.close()
        raise
    return listener


class HttpServer:
    """Serves an ASGI application on a socket that listens, from when it is made until ``stop``."""

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        tls: ssl.SSLContext | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._application = application
        self._listener = listener
        self._tls = tls
        self._patience = patience or Patience()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="stem-http", daemon=True)
        self._thread.start()

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Close every connection and end; waits some seconds for that at most."""
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except Exception:  # noqa: BLE001 - the port is opened again
            _log.exception("The HTTP server failed")
        finally:
            self._listener.close()

    async def _serve(self) -> None:
        config = _config(self._application, self._patience)
        state = ServerState()
        loop = asyncio.get_running_loop()
        acceptor = Acceptor(
            lambda: GuardedProtocol(config=config, server_state=state, app_state={}, _loop=loop),
            self._tls,
            self._patience,
        )
        acceptor.accept(self._listener)
        try:
            while not self._stop.is_set():
                state.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]
                acceptor.cut_off_slow(loop.time())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), TICK_SECONDS)
        finally:
            await asyncio.gather(*acceptor.close(), *state.tasks, return_exceptions=True)


def _config(application: Any, patience: Patience) -> Config:
    config = Config(
        application,
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(patience.idle),
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
    config.load()
    return config

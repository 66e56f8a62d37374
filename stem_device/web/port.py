"""The port: opened when that is possible, tried again when it is not, and told in both cases."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from stem_device.errors import MissingExtraError, OptionError
from stem_device.model.options import Address, HttpOptions
from stem_device.text import visible
from stem_device.web.access import is_loopback, tls_of, token_of
from stem_device.web.patience import Patience
from stem_device.web.source import Source

RETRY_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Port:
    """One HTTP port of a source, from when it is made until ``close``. Any thread may call the methods.

    What prevents it from being opened (somebody else has it, a file cannot be read, packages are missing) is
    in ``error``, and tried again every 10 s. ``routes`` are further ones of Starlette that only read,
    ``write_routes`` those that change something; they are made anew whenever it is opened.
    """

    def __init__(
        self,
        source: Source,
        options: HttpOptions,
        *,
        routes: Callable[[], Sequence[Any]] = tuple,
        write_routes: Callable[[], Sequence[Any]] = tuple,
        patience: Patience | None = None,
    ) -> None:
        self._source = source
        if options.http_address is None:
            raise OptionError("HttpAddress", "", "says where the port is to be, and is not set")
        self._address: Address = options.http_address
        self._options = options
        self._routes = routes
        self._write_routes = write_routes
        self._patience = patience
        self._changing = threading.Lock()
        self._closing = threading.Event()
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self.error = ""
        """Why it is not open, in a sentence; empty if it is."""
        self.url = ""
        """``http://host:port`` while it is open."""
        self._open()
        self._thread = threading.Thread(target=self._keep_open, name="stem-http-port", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close it for good. Closing twice is no error."""
        self._closing.set()
        self._source.close()
        with self._changing:
            if self._server is not None:
                self._server.stop()
                self._server = None
            self.url = ""

    def _keep_open(self) -> None:
        while not self._closing.wait(RETRY_SECONDS):
            if self._server is None or not self._server.runs:
                self._open()

    def _open(self) -> None:
        with self._changing:
            if self._closing.is_set():
                return
            try:
                self._server, self.url = self._opened()
            except (MissingExtraError, OptionError) as error:
                self._failed(str(error))
            except (OSError, ValueError) as error:  # ValueError: a name that can be no host
                reason = getattr(error, "strerror", None) or error
                self._failed(f"HttpAddress {self._address} cannot be opened: {reason}")
            else:
                self.error = ""

    def _failed(self, reason: str) -> None:
        if reason != self.error:
            _log.error("%s", reason)
        self._server, self.url, self.error = None, "", visible(reason)

    def _opened(self) -> tuple[Any, str]:
        try:
            from stem_device.web.application import application  # noqa: PLC0415 - an optional part
            from stem_device.web.http_server import HttpServer, listening_socket  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise MissingExtraError("http", "the HTTP port") from error
        token, tls = token_of(self._options), tls_of(self._options)
        listener = listening_socket(*self._address)
        with contextlib.ExitStack() as undo:
            undo.callback(listener.close)
            host, port = listener.getsockname()[:2]
            made = application(
                self._source,
                token=token,
                loopback=is_loopback(host),
                routes=self._routes(),
                write_routes=self._write_routes(),
            )
            server = HttpServer(made, listener, tls, self._patience)
            undo.pop_all()
        return server, f"{'https' if tls else 'http'}://{Address(host, port)}"

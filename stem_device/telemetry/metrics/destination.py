"""Where points go: the HTTP port of an EventMonitor, or the device itself."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import io
import os
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from stem_device.errors import TelemetryError
from stem_device.telemetry.metrics.batch import Answer, parse_answer

PATH = "/api/metrics"
MAX_ANSWER_BYTES = 1_000_000
_KEPT = frozenset({401, 403, 404, 405, 408, 429})
"""Statuses of requests that may succeed later: a token, a port or a monitor can be mended."""


class DestinationError(Exception):
    """The batch did not arrive and can be sent again, unless ``refused``: then it never will be taken."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class Destination(Protocol):
    """Sends batches, one at a time."""

    url: str

    def send(self, body: bytes, points: int, limit_seconds: float) -> Answer:
        """Raises DestinationError, at the latest a little after the limit."""

    def close(self) -> None:
        """Let go of the connection; the next batch makes a new one."""

    def forget(self) -> None:
        """After a fork: the connection is the parent's."""


def destination_of(where: str, settings: Mapping[str, Any]) -> Destination:
    """``http(s)://host:port`` or a Tango device. Raises TelemetryError for what can be neither."""
    if "://" in where and not where.startswith("tango://"):
        return HttpDestination(where, settings)
    if where.count("/") < 2:
        raise TelemetryError(
            "metrics_url",
            f"must be http(s)://host:port or a device, as sys/eventmon/1, and is {where[:200]!r}",
        )
    # By name, as plug-ins are: this package has the standard library alone, and Tango may not be there.
    made: Destination = importlib.import_module("stem_device.client.device_destination").DeviceDestination(
        where
    )
    return made


class HttpDestination:
    """The HTTP port of an EventMonitor, over one connection that is kept."""

    def __init__(self, where: str, settings: Mapping[str, Any]) -> None:
        parts = _split(where)
        self._path = PATH if parts.path in ("", "/") else parts.path
        self.url = f"{parts.scheme}://{parts.netloc}{self._path}"
        self._settings = settings
        self._parts = parts
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: bytes, points: int, limit_seconds: float) -> Answer:
        deadline = time.monotonic() + limit_seconds
        kept = self._connection is not None
        try:
            status, text = self._asked(body, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            if kept and isinstance(error, ConnectionError | http.client.BadStatusLine):
                return self.send(body, points, max(0.1, deadline - time.monotonic()))
            raise DestinationError(_reason(error)) from error
        if status not in (200, 201, 204, 400):
            self.close()
            said = text.decode("utf-8", "replace").strip()[:300]
            refused = 400 <= status < 500 and status not in _KEPT
            raise DestinationError(f"it answers {status}: {said}", refused=refused)
        try:
            return parse_answer(text, points)
        except (ValueError, KeyError, TypeError, AttributeError, LookupError) as error:
            self.close()
            raise DestinationError(
                f"what answers is no EventMonitor ({error})", refused=status == 400
            ) from error

    def _asked(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        connection = self._connected(deadline)
        connection.request("POST", self._path, body, self._headers())
        response = connection.getresponse()
        text = response.read(MAX_ANSWER_BYTES)
        if response.read(1):
            raise ValueError("its answer is too long")
        return response.status, text

    def _connected(self, deadline: float) -> http.client.HTTPConnection:
        left = max(0.1, deadline - time.monotonic())
        connection = self._connection
        if connection is None or connection.sock is None:  # its last answer was the last on that connection
            host, port = self._parts.hostname or "", self._parts.port
            if self._parts.scheme == "https":
                context = ssl.create_default_context(cafile=self._settings.get("ca_file"))
                connection = http.client.HTTPSConnection(host, port, timeout=left, context=context)
            else:
                connection = http.client.HTTPConnection(host, port, timeout=left)
            connection.connect()
            self._connection = connection
        connection.sock.settimeout(left)
        within = deadline

        def response(sock: socket.socket, **more: Any) -> http.client.HTTPResponse:
            return http.client.HTTPResponse(_Within(sock, within), **more)  # type: ignore[arg-type]

        connection.response_class = response  # type: ignore[assignment]
        return connection

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if token := token_of(self._settings):
            headers["Authorization"] = token if " " in token else f"Bearer {token}"
        return headers

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def forget(self) -> None:
        self.close()  # of this process's copy alone


class _Within:
    """A socket whose answers end in time, however slowly they come."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._sock.makefile("rb", 0), self._deadline))


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, raw: Any, deadline: float) -> None:
        self._sock, self._raw, self._deadline = sock, raw, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        count: int | None = self._raw.readinto(into)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def token_of(settings: Mapping[str, Any]) -> str:
    """From the file that the settings name, the setting ``auth_key``, or the environment; read every time."""
    path = settings.get("token_file")
    if path:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes longer to import than this
            return file.read(65_536).strip()
    return str(settings.get("auth_key") or os.environ.get("STEM_HTTP_TOKEN", "")).strip()


def _split(where: str) -> SplitResult:
    must = "must be http(s)://host:port, without a user or a password"
    try:
        parts = urlsplit(where)
        parts.port  # noqa: B018 - raises beyond 65535
    except ValueError as error:
        raise TelemetryError("metrics_url", must) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise TelemetryError("metrics_url", must)
    return parts


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, ssl.SSLError):
        return f"it cannot be spoken to by TLS: {error}"
    if isinstance(error, OSError):
        return f"it cannot be reached: {error.strerror or error}"
    return f"what answers is no EventMonitor ({type(error).__name__}: {error!s:.200})"

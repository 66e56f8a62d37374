"""Who may ask, and how much: before any route sees a request."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 4_194_304
"""Of a request. What is mounted may allow less."""

OPEN_PATHS = frozenset({"/health", "/ready"})
"""Answered without the token: those who probe have none, and get to know nothing but that it works."""

_ADDED = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class _TooLargeError(Exception):
    """A body has more than MAX_BODY_BYTES."""


class Guard:
    """Lets requests through to an application that are allowed and not too large."""

    def __init__(
        self, application: ASGIApp, *, token: str, loopback: bool, write_routes: Sequence[BaseRoute]
    ) -> None:
        self._application = application
        self._token = token.encode()
        self._loopback = loopback
        self._write_routes = tuple(write_routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the server has neither web sockets nor a lifespan
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers) or _too_long(headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._bounded(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        if self._token:
            if scope["path"] not in OPEN_PATHS and not self._has_token(headers):
                return _refused(401, "a bearer token is needed", {"www-authenticate": "Bearer"})
            return None
        if self._loopback and not _is_local(headers.get("host", "")):
            # A page of another site, whose name somebody has made to mean this machine.
            return _refused(403, "the port answers to localhost and to IP addresses, not to this name")
        if any(route.matches(scope)[0] is Match.FULL for route in self._write_routes):
            return self._refused_writing(headers)
        return None

    def _refused_writing(self, headers: Headers) -> PlainTextResponse | None:
        if not self._loopback:
            return _refused(
                403,
                "writing needs the token: the port is open to other machines, and HttpTokenFile is not set",
            )
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            return _refused(403, "pages of other sites must not write")
        return None

    def _has_token(self, headers: Headers) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, started = 0, False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY_BYTES:
                raise _TooLargeError
            return message

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *_ADDED]
            await send(message)

        try:
            await self._application(scope, counted, with_headers)
        except _TooLargeError:
            if not started:
                await _too_large()(scope, receive, send)


def _too_long(headers: Headers) -> PlainTextResponse | None:
    length = headers.get("content-length", "0")
    return _too_large() if not length.isdigit() or int(length[:20]) > MAX_BODY_BYTES else None


def _too_large() -> PlainTextResponse:
    return _refused(413, f"the body of a request may have {MAX_BODY_BYTES} bytes", {"connection": "close"})


def _refused(status: int, reason: str, headers: dict[str, Any] | None = None) -> PlainTextResponse:
    return PlainTextResponse(f"{reason}\n", status, {"connection": "close", **(headers or {})})


def _is_local(host: str) -> bool:
    """Whether a Host header names this machine without asking a name server: an address, or localhost."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.lower() in {"", "localhost"}:
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True

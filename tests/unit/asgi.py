"""An ASGI application asked without a server or a client library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


class Answered:
    """What an application said to one request."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        (start,) = (one for one in messages if one["type"] == "http.response.start")
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body: bytes = b"".join(one.get("body", b"") for one in messages)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    app: Any, method: str, url: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None
) -> Answered:
    """Send one request; the body comes in pieces of 64 kB."""
    parts = urlsplit(url)
    pieces = [body[begin : begin + 65536] for begin in range(0, len(body), 65536)] or [b""]
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "scheme": "http",
    }
    asyncio.run(app(scope, receive, send))
    return Answered(messages)

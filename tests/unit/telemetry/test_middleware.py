from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from stem_device import telemetry
from stem_device.telemetry.middleware import AsgiMiddleware, WsgiMiddleware
from tests.unit.telemetry.earlier_format import read


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/fails":
        raise ZeroDivisionError
    start_response("200 OK", [("Content-Type", "text/plain")])
    return slow_parts()


def slow_parts() -> Iterator[bytes]:
    yield b"a"
    time.sleep(0.02)
    yield b"b"


def request(application: Any, path: str, *, parts: int) -> list[bytes]:
    """What a server does: some parts of the answer, then ``close``."""
    environ: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": ""}
    setup_testing_defaults(environ)
    answer = application(environ, lambda *_: lambda _data: None)
    try:
        return [part for part, _ in zip(answer, range(parts), strict=False)]
    finally:
        answer.close()


def test_a_wsgi_request_lasts_until_its_answer_ends(tmp_path: Path) -> None:
    telemetry.start(tmp_path)
    timed = validator(WsgiMiddleware(validator(app)))
    assert request(timed, "/whole", parts=9) == [b"a", b"b"]
    assert request(timed, "/part", parts=1) == [b"a"]
    with pytest.raises(ZeroDivisionError):
        request(timed, "/fails", parts=9)
    request(WsgiMiddleware(app, label=lambda _path, method: method), "/12345", parts=9)
    telemetry.stop()
    rows = {row.label: row.measurement for row in read(tmp_path)}
    assert list(rows) == ["/whole [GET]", "/part [GET]", "/fails [GET]", "GET"]
    assert rows["/whole [GET]"] >= 0.02


def test_asgi_requests_and_websockets(tmp_path: Path) -> None:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await asyncio.sleep(0.02)
        if scope.get("path") == "/fails":
            raise ZeroDivisionError

    async def main() -> None:
        timed = AsgiMiddleware(application)
        await timed({"type": "lifespan"}, None, None)
        scopes = [{"type": "http", "path": "/a", "method": "PUT"}, {"type": "websocket", "path": "/b"}]
        await asyncio.gather(*(timed(scope, None, None) for scope in scopes * 2))
        with pytest.raises(ZeroDivisionError):
            await timed({"type": "http", "path": "/fails", "method": "GET"}, None, None)

    telemetry.start(tmp_path)
    asyncio.run(main())
    telemetry.stop()
    rows = read(tmp_path)
    labels = ["/a [PUT]", "/a [PUT]", "/b [websocket]", "/b [websocket]", "/fails [GET]"]
    assert sorted(row.label for row in rows) == labels
    assert min(row.measurement for row in rows) >= 0.02

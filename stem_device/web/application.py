"""The routes, and who may use them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from stem_device.catalogue import Details
from stem_device.errors import MissingExtraError, StemError
from stem_device.text import visible
from stem_device.web.document import document_of
from stem_device.web.guard import Guard
from stem_device.web.source import Content, NotReadyError, Source

CHUNK_BYTES = 524_288
"""Of an answer: a client that reads slowly makes the server hold no more than about this."""
MAX_AT_ONCE = 2
"""Answers that are made at the same time; the others wait. The monitor shall keep a processor."""
REFRESH_SECONDS = 60

_Answer = TypeVar("_Answer")


class Sized(Response):
    """Bytes that are sent piece by piece, so that a slow client holds none of them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = memoryview(self.body)
        for begin in range(0, max(1, len(body)), CHUNK_BYTES):
            more = begin + CHUNK_BYTES < len(body)
            piece = bytes(body[begin : begin + CHUNK_BYTES])
            await send({"type": "http.response.body", "body": piece, "more_body": more})


class Pages:
    """The answers of the port itself."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._page_place = asyncio.Semaphore(1)

    def routes(self) -> list[BaseRoute]:
        paths = {
            "/": self.page,
            "/metrics": self.metrics,
            "/snapshot": self.snapshot,
            "/health": self.health,
            "/ready": self.ready,
        }
        return [Route(path, endpoint, methods=["GET"]) for path, endpoint in paths.items()]

    async def health(self, _: Request) -> Response:
        """Whether the monitor does its work."""
        found = self._source.health()
        return _json(found.told, 200 if found.alive else 503)

    async def ready(self, _: Request) -> Response:
        """Whether there is something to show."""
        found = self._source.health()
        return _json(found.told, 200 if found.ready else 503)

    async def metrics(self, request: Request) -> Response:
        """For Prometheus; ``?details=all`` has every subscription."""
        wanted = request.query_params.get("details", Details.LOSING)
        if wanted not in set(Details):
            return _text(f"details must be one of {', '.join(Details)}", 400)
        accept, details = ", ".join(request.headers.getlist("accept")), Details(wanted)
        content: Content | Response | None = self._source.ready_metrics(accept, details)
        if content is None:
            content = await self._worked(lambda: self._source.metrics(accept, details), self._places)
        if isinstance(content, Response):
            return content
        return Sized(content.body, headers={"content-type": content.media_type})

    async def snapshot(self, request: Request) -> Response:
        """As QuerySnapshot; ``?server=`` and ``?subscription=`` choose."""
        servers, streams = (request.query_params.getlist(name) for name in ("server", "subscription"))
        content = await self._worked(
            lambda: document_of(self._source.snapshot(), servers, streams), self._places
        )
        if content is None:
            return _json({"error": "no such server or subscription is known"}, 404)
        return content if isinstance(content, Response) else Sized(content, media_type="application/json")

    async def page(self, _: Request) -> Response:
        """The same page as ``stem report``."""
        content = await self._worked(self._source.page, self._page_place)
        if isinstance(content, Response):
            return content
        return Sized(content, media_type="text/html", headers={"refresh": str(REFRESH_SECONDS)})

    async def _worked(self, work: Callable[[], _Answer], places: asyncio.Semaphore) -> _Answer | Response:
        """Have it done on a thread, a few at a time; what goes wrong becomes an answer too."""
        async with places:
            try:
                return await run_in_threadpool(work)
            except NotReadyError as error:
                return _text(f"{error}; ask again in a moment", 503, {"retry-after": "5"})
            except MissingExtraError as error:
                return _text(str(error), 501)
            except StemError as error:
                return _text(str(error), 500)


def application(
    source: Source,
    *,
    token: str = "",
    loopback: bool = True,
    routes: Sequence[BaseRoute] = (),
    write_routes: Sequence[BaseRoute] = (),
) -> Any:
    """The ASGI application.

    ``routes`` are further ones that only read, ``write_routes`` those that change something: they need the
    token, unless the port can be reached from this machine alone (``loopback``).
    """
    made = Starlette(
        routes=[*Pages(source).routes(), *routes, *write_routes],
        exception_handlers={404: _not_found},
    )
    made.router.redirect_slashes = False
    return Guard(made, token=token, loopback=loopback, write_routes=write_routes)


async def _not_found(request: Request, _: Exception) -> Response:
    return _text(f"there is nothing at {visible(request.url.path[:200])}", 404)


def _text(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers)


def _json(document: Any, status: int) -> Response:
    return Response(json.dumps(document), status, media_type="application/json")

"""The HTTP routes that Grafana's OpenTSDB data source asks, for an application of Starlette's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from stem_device.errors import MissingExtraError, StemError, TsdbQueryError
from stem_device.opentsdb import lookup
from stem_device.opentsdb.aggregators import AGGREGATORS
from stem_device.opentsdb.answer_json import answer_json, error_json
from stem_device.opentsdb.engine import answer
from stem_device.opentsdb.filters import FILTERS, NOT_KEY, NOT_KEY_DESCRIPTION
from stem_device.opentsdb.limits import Budget, Limits
from stem_device.opentsdb.request import checked, decode
from stem_device.opentsdb.series import SeriesSource
from stem_device.opentsdb.uri import flag, from_uri

API_VERSION = "2.4.0"
"""Whose questions and answers these are."""

MAX_AT_ONCE = 2
"""Requests that are answered at the same time; another one waits for a place for a while. Each may take the
memory of all its points, and the monitor shall keep a processor."""
WAIT_SECONDS = 5.0

_log = logging.getLogger(__name__)
_Body = TypeVar("_Body")
Handler = Callable[[Request, bytes], bytes]


def routes(
    source: SeriesSource,
    *,
    limits: Limits | None = None,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> list[Route]:
    """All routes below ``/api``, answered from ``source``; none of them writes, or asks anything of Tango."""
    handlers = _Handlers(source, limits or Limits(), now_ms)
    paths: dict[str, Handler] = {
        "/api/query": handlers.query,
        "/api/suggest": handlers.suggest,
        "/api/search/lookup": handlers.lookup,
        "/api/aggregators": lambda *_: msgspec.json.encode(sorted(AGGREGATORS)),
        "/api/config/filters": lambda *_: _FILTERS,
        "/api/version": lambda *_: _version(),
        "/api/config": lambda *_: handlers.config(),
    }
    return [
        Route(path, _endpoint(handler, handlers.limits, handlers.places), methods=["GET", "POST"])
        for path, handler in paths.items()
    ]


class _Handlers:
    """What each route answers; on threads that may work for long."""

    def __init__(self, source: SeriesSource, limits: Limits, now_ms: Callable[[], int]) -> None:
        self.limits = limits
        self.places = asyncio.Semaphore(MAX_AT_ONCE)
        self._source = source
        self._now_ms = now_ms

    def query(self, request: Request, body: bytes) -> bytes:
        parameters = request.query_params
        given = decode(body) if request.method == "POST" else from_uri(parameters, parameters.getlist("m"))
        arrays = flag(parameters, "arrays")
        wanted = checked(given, self._now_ms(), self.limits, arrays=arrays)
        return answer_json(answer(self._source, wanted, Budget(self.limits)))

    def suggest(self, request: Request, body: bytes) -> bytes:
        if request.method == "POST":
            asked = _decoded(body, lookup.SuggestRequest)
        else:
            parameters = request.query_params
            limit = _whole("max", parameters.get("max"))
            asked = lookup.SuggestRequest(parameters.get("type", ""), parameters.get("q", ""), limit)
        return msgspec.json.encode(lookup.suggest(self._source, asked, Budget(self.limits)))

    def lookup(self, request: Request, body: bytes) -> bytes:
        if request.method == "POST":
            asked = _decoded(body, lookup.LookupRequest)
        else:
            limit = _whole("limit", request.query_params.get("limit"))
            asked = lookup.parse_lookup(request.query_params.get("m", ""), limit)
        begin = time.monotonic()
        found = lookup.lookup(self._source, asked, Budget(self.limits))
        found["time"] = round((time.monotonic() - begin) * 1000)
        return msgspec.json.encode(found)

    def config(self) -> bytes:
        told = {
            "tsd.mode": "ro",
            "tsd.query.limits.data_points.default": str(self.limits.points),
            "tsd.query.timeout": str(round(self.limits.seconds * 1000)),
            "tsd.http.request.max_chunk": str(self.limits.body_bytes),
        }
        return msgspec.json.encode(told)


def _version() -> bytes:
    own = f"stem-device {version('stem-device')}"
    return msgspec.json.encode({"version": API_VERSION, "full_revision": own})


def _filter_types() -> bytes:
    told = {
        name: {
            "examples": f'host={name}({one.example})  {{"type":"{name}","tagk":"host",'
            f'"filter":"{one.example}","groupBy":false}}',
            "description": one.description,
        }
        for name, one in FILTERS.items()
    }
    told[NOT_KEY] = {
        "examples": f'host={NOT_KEY}()  {{"type":"{NOT_KEY}","tagk":"host","filter":"","groupBy":false}}',
        "description": NOT_KEY_DESCRIPTION,
    }
    return msgspec.json.encode(told)


_FILTERS = _filter_types()


def _decoded(body: bytes, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TsdbQueryError("Unable to parse the given JSON", str(error)) from error


def _whole(name: str, text: str | None) -> int:
    if not text:
        return lookup.DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit()):
        raise TsdbQueryError(f"Unable to parse '{name}' as a number: {text:.60}")
    return int(text[:18])


@asynccontextmanager
async def _place(places: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        await asyncio.wait_for(places.acquire(), WAIT_SECONDS)
    except TimeoutError as error:
        busy = f"{MAX_AT_ONCE} requests are being answered"
        raise TsdbQueryError(busy, "ask again in a moment", status=503) from error
    try:
        yield
    finally:
        places.release()


def _endpoint(handler: Handler, limits: Limits, places: asyncio.Semaphore) -> Any:
    """A handler of Starlette: reads a body that is bounded, works on a thread, tells errors in JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await _body(request, limits.body_bytes)
            async with _place(places):
                return _json(await run_in_threadpool(handler, request, body))
        except TsdbQueryError as error:
            return _json(error_json(error), error.status)
        except MissingExtraError as error:
            return _json(error_json(TsdbQueryError(str(error), status=501)), 501)
        except StemError as error:  # a recording that is damaged, say
            return _json(error_json(TsdbQueryError(str(error), status=500)), 500)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:  # noqa: BLE001 - logged; whoever asked gets an answer in JSON
            _log.exception("A question could not be answered: %s", request.url.path)
            failed = TsdbQueryError("Internal error", "see the log of the server", status=500)
            return _json(error_json(failed), 500)

    return endpoint


async def _body(request: Request, limit: int) -> bytes:
    if request.method != "POST":
        return b""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TsdbQueryError(f"The body has more than {limit:,} bytes", status=413)
        parts.append(part)
    return b"".join(parts)


def _json(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="application/json; charset=UTF-8")

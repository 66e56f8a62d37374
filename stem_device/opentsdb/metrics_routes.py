"""Routes for metrics of users: Dragon's and OpenTSDB's ways to write, and our own client's to read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from stem_device.errors import MetricError, StemError, TsdbQueryError
from stem_device.opentsdb.answer_json import error_json
from stem_device.opentsdb.exact import exact_series
from stem_device.opentsdb.limits import Budget, Limits
from stem_device.opentsdb.series import SeriesSource
from stem_device.opentsdb.uri import flag
from stem_device.user_metrics import Intake, Outcome

_READY = b'{"is_ready":true}'


def reading_routes(source: SeriesSource, limits: Limits | None = None) -> list[Route]:
    """``GET /api/ready``, and ``GET /api/metrics?metric=NAME&start=NS&end=NS&tag=KEY=VALUE``."""
    given = limits or Limits()

    def read(request: Request) -> bytes:
        told = request.query_params
        metrics = told.getlist("metric")
        if not metrics:
            return msgspec.json.encode(sorted(source.metrics()))
        tags: dict[str, list[str]] = {}
        for pair in told.getlist("tag"):
            key, _, value = pair.partition("=")
            tags.setdefault(key, []).append(value or "*")
        begin, end = _whole(told.get("start"), 0), _whole(told.get("end"), 2**63 - 1)
        return msgspec.json.encode(exact_series(source, metrics, begin, end, Budget(given), tags=tags))

    async def metrics(request: Request) -> Response:
        try:
            return _json(await run_in_threadpool(read, request))
        except TsdbQueryError as error:
            return _json(error_json(error), error.status)
        except StemError as error:
            return _json(error_json(TsdbQueryError(str(error), status=500)), 500)

    async def ready(_: Request) -> Response:
        return _json(_READY)

    return [Route("/api/metrics", metrics, methods=["GET"]), Route("/api/ready", ready, methods=["GET"])]


def writing_routes(intake: Intake) -> list[Route]:
    """``POST /api/metrics`` as Dragon has it, and ``POST /api/put`` as OpenTSDB has it."""
    return [
        Route("/api/metrics", _taking(intake, _as_dragon), methods=["POST"]),
        Route("/api/put", _taking(intake, _as_put), methods=["POST"]),
    ]


def _taking(intake: Intake, answer: Callable[[Request, Outcome], Response]) -> Any:
    async def endpoint(request: Request) -> Response:
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            return _refused("a body that is compressed is not taken", 415)
        try:
            body = await request.body()
            sender = request.client.host if request.client else ""
            return answer(request, await run_in_threadpool(intake.add_json, body, sender))
        except MetricError as error:
            return _refused(str(error), 400)
        except ClientDisconnect:
            return Response(status_code=499)

    return endpoint


def _as_dragon(_: Request, outcome: Outcome) -> Response:
    return _json(outcome.json(), 201)


def _as_put(request: Request, outcome: Outcome) -> Response:
    """204 where all points were taken and nobody wants to know more; 400 where some were not."""
    details = flag(request.query_params, "details")
    status = 400 if outcome.failed else 200
    if details or flag(request.query_params, "summary"):
        return _json(msgspec.json.encode(outcome.as_put(details=details)), status)
    if not outcome.failed:
        return Response(status_code=204)
    reason = outcome.errors[0].error
    return _refused(f"{outcome.failed} points were not taken: {reason}", 400)


def _refused(reason: str, status: int) -> Response:
    return _json(
        error_json(TsdbQueryError(reason, "see docs/reference/user-metrics.md", status=status)), status
    )


def _whole(text: str | None, default: int) -> int:
    """Nanoseconds since 1970 UTC."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise TsdbQueryError(f"Unable to parse a time in ns: {text:.60}", f"as {time.time_ns()}")
    return min(int(text[:20]), 2**63 - 1)


def _json(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="application/json; charset=UTF-8")

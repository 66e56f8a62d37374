"""Duration of every request of a web application: WSGI and ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any

from stem_device.telemetry import start_duration_sample, stop_duration_sample, watch_event_loop

Environment = MutableMapping[str, Any]
Label = Callable[[str, str], str]
"""Of path and method; one that leaves identities out of paths keeps the number of labels small."""


def request_label(path: str, method: str) -> str:
    """``{path} [{method}]``."""
    return f"{path} [{method}]"


class WsgiMiddleware:
    """Times each request from the call to the end of its answer, also if that ends early or fails."""

    def __init__(self, app: Callable[..., Iterable[bytes]], label: Label = request_label) -> None:
        self._app = app
        self._label = label

    def __call__(self, environ: Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        sample = start_duration_sample()
        label = self._label(
            environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "")
        )
        try:
            answer = self._app(environ, start_response)
        except BaseException:
            stop_duration_sample(label, sample)
            raise
        return _Answer(answer, label, sample)


class _Answer:
    """``answer``, whose ``close`` the server calls in any case (PEP 3333)."""

    def __init__(self, answer: Iterable[bytes], label: str, sample: str) -> None:
        self._answer = answer
        self._label = label
        self._sample = sample

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        close = getattr(self._answer, "close", None)
        try:
            if close is not None:
                close()
        finally:
            stop_duration_sample(self._label, self._sample)
            self._sample = ""


class AsgiMiddleware:
    """Times each HTTP request and each websocket, and watches the event loop that they run in."""

    def __init__(self, app: Callable[..., Awaitable[None]], label: Label = request_label) -> None:
        self._app = app
        self._label = label
        self._watched: Any = None

    async def __call__(self, scope: Environment, receive: Any, send: Any) -> None:
        import asyncio  # noqa: PLC0415 - which WSGI does without

        loop = asyncio.get_running_loop()
        if self._watched is not loop:  # the first request, or the first one after a fork
            self._watched = loop
            watch_event_loop(loop)
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        sample = start_duration_sample()
        try:
            await self._app(scope, receive, send)
        finally:
            method = scope.get("method", "websocket")
            stop_duration_sample(self._label(scope.get("path", ""), method), sample)

"""Points by ``POST /api/put?details``, batch by batch."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from stem_device.errors import PushError
from stem_device.opentsdb.pushing.endpoint import Endpoint, reason_of
from stem_device.outlets.bounded_http import ExchangeBudget, bounded_connection

BATCH_POINTS = 100
"""OpenTSDB advises 50 a request to begin with; its requests take longer the more points they have."""
MAX_ANSWER_BYTES = 100_000
_OK = frozenset({200, 201, 202, 204})


class PutPoint(Struct, frozen=True, gc=False):
    """One point as OpenTSDB takes it; ``timestamp`` in milliseconds since 1970 UTC."""

    metric: str
    timestamp: int
    value: float | int
    tags: dict[str, str]


class _Details(Struct):
    """What ``?details`` answers; other servers answer nothing. OpenTSDB tells both numbers always."""

    success: int
    failed: int
    errors: list[Any] = []


class HttpPut:
    """Sends points to one endpoint, by a connection that is kept. One thread at a time.

    ``authorization`` is the header of that name, empty for none. Redirects are not followed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        budget: ExchangeBudget,
        *,
        authorization: str = "",
        ca_file: Path | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._headers = {"Content-Type": "application/json"}
        if authorization:
            self._headers["Authorization"] = authorization
        self._more: dict[str, Any] = {}
        kind: type[http.client.HTTPConnection] = http.client.HTTPConnection
        if endpoint.scheme == "https":
            kind = http.client.HTTPSConnection
            self._more["context"] = ssl.create_default_context(cafile=ca_file)
        self._kind = bounded_connection(kind, budget)
        self._connection: http.client.HTTPConnection | None = None

    def send(self, points: Sequence[PutPoint]) -> int:
        """How many were taken. Raises PushError; whatever was not said to be taken is lost."""
        taken = 0
        problem = ""
        try:
            self._budget.begin()
            for batch in _batches(points):
                refused, why = self._send_batch(msgspec.json.encode(batch), len(batch))
                taken += len(batch) - refused
                problem = problem or why
        except (OSError, http.client.HTTPException) as error:
            # The next batch would not fare better.
            raise PushError(str(self._endpoint), reason_of(error), taken) from error
        if problem:
            raise PushError(str(self._endpoint), problem, taken)
        return taken

    def close(self) -> None:
        """Close the connection; the next points have a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send_batch(self, body: bytes, points: int) -> tuple[int, str]:
        """How many points were refused, and why."""
        kept = self._connection is not None
        try:
            return self._exchange(body, points)
        except ConnectionError:  # also where the connection ends without an answer
            if not kept:
                raise
        # A connection that was kept may have been closed in the meantime: once more, by a new one.
        return self._exchange(body, points)

    def _exchange(self, body: bytes, points: int) -> tuple[int, str]:
        connection = self._connection or self._kind(self._endpoint.host, self._endpoint.port, **self._more)
        self._connection = None
        try:
            connection.request("POST", f"{self._endpoint.path}?details", body, self._headers)
            response = connection.getresponse()
            with closing(response):
                content = response.read(MAX_ANSWER_BYTES + 1)
                read = response.isclosed()
        except BaseException:
            connection.close()
            raise
        if read and not response.will_close:
            self._connection = connection
        else:
            connection.close()
        return _judged(response, content, points)


def _batches(points: Sequence[PutPoint]) -> Iterator[Sequence[PutPoint]]:
    for begin in range(0, len(points), BATCH_POINTS):
        yield points[begin : begin + BATCH_POINTS]


def _judged(response: http.client.HTTPResponse, content: bytes, points: int) -> tuple[int, str]:
    details = _details(content)
    if details is not None and (details.failed or response.status in _OK):
        return min(details.failed, points), _first_error(details) if details.failed else ""
    if response.status in _OK and not content:
        return 0, ""
    if 300 <= response.status < 400:
        where = (response.getheader("Location") or "")[:200]
        return points, f"it redirects to {where!r}; name that address if it is the right one"
    if response.status in _OK:  # a login page, say
        return points, f"it answers {response.status}, but not as OpenTSDB does"
    text = content[:200].decode(errors="replace").strip()
    return points, f"it answers {response.status} {response.reason[:100]}{': ' if text else ''}{text}"


def _details(content: bytes) -> _Details | None:
    try:
        return msgspec.json.decode(content, type=_Details) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _first_error(details: _Details) -> str:
    first = details.errors[0] if details.errors else None
    said = first.get("error") if isinstance(first, dict) else None
    return f"it refused points: {said or 'it does not say why'!s:.200}"

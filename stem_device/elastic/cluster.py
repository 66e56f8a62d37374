"""The cluster: batches in by its official client, and what became of each document."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from elastic_transport import (
    ApiError,
    ConnectionError,  # noqa: A004 - not Python's
    ConnectionTimeout,
    NodeConfig,
    SerializationError,
    TlsError,
    TransportError,
    Urllib3HttpNode,
)
from elasticsearch import Elasticsearch, UnsupportedProductError
from msgspec import Struct

from stem_device.elastic.documents import Document
from stem_device.elastic.settings import OPTION, Settings
from stem_device.errors import OptionError, SendError
from stem_device.outlets.bounded_http import ExchangeBudget, bound, budget_error

SERVICE = "Elasticsearch"
MAX_REQUEST_BYTES = 5_000_000
"""Of one bulk request: Elasticsearch advises 5 to 15 MB, and refuses 100 MB."""
MAX_RETRY_AFTER_SECONDS = 300.0

_AUTHENTICATION = frozenset({401, 403, 407})
_LATER = frozenset({401, 403, 407, 408, 429, 500, 502, 503, 504, 507})
_PER_DOCUMENT_LATER = frozenset({"cluster_block_exception", "unavailable_shards_exception"})
_BAD_REQUEST = frozenset(
    {
        "action_request_validation_exception",
        "illegal_argument_exception",
        "parse_exception",
        "parsing_exception",
        "x_content_parse_exception",
        "json_parse_exception",
    }
)
"""Of a whole bulk request, because of one document in it."""

# They tell every failure of every request, which the outlet does once.
for _name in ("elastic_transport.transport", "elastic_transport.node_pool"):
    if logging.getLogger(_name).level == logging.NOTSET:
        logging.getLogger(_name).setLevel(logging.CRITICAL)


class Outcome(Struct, frozen=True):
    """``later`` were not taken and can be sent again, ``refused`` never will be; ``reason`` is of one."""

    later: tuple[Document, ...] = ()
    refused: int = 0
    reason: str = ""


class ClusterError(SendError):
    """No document of the request was taken. ``after_seconds``: the cluster wants to be left alone."""

    def __init__(self, reason: str, *, status: int = 0, kind: str = "", after_seconds: float = 0.0) -> None:
        super().__init__(SERVICE, reason)
        self.status = status
        self.kind = kind
        self.after_seconds = after_seconds


class Cluster:
    """Sends batches; one thread at a time, but for ``end_within``. Raises OptionError where it is made."""

    def __init__(self, settings: Settings) -> None:
        self._budget = ExchangeBudget(settings.timeout_seconds)
        self._where = ""
        try:
            self._client = Elasticsearch(**settings.client, node_class=_node_class(self._budget))
        except (TypeError, ValueError, OSError) as error:
            # Its texts name keys; they show values of hosts at most.
            raise OptionError(OPTION, "...", f"the client does not take it: {error!s:.300}") from None
        self._where = ", ".join(
            f"{node.config.scheme}://{node.config.host}:{node.config.port}"
            for node in self._client.transport.node_pool.all()
        )

    @property
    def where(self) -> str:
        """Addresses of the nodes."""
        return self._where

    def put_template(self, name: str, body: Mapping[str, Any]) -> None:
        """Raises ClusterError."""
        self._asked(lambda: self._client.indices.put_index_template(name=name, **body_arguments(body)))

    def send(self, batch: Sequence[Document]) -> Outcome:
        """One bulk request, or a few where it is large. Raises ClusterError where nothing was taken.

        Each document is created under its identity: one that is there already counts as taken.
        """
        later: list[Document] = []
        refused, reason = 0, ""
        for begun, part in enumerate(_parts(batch)):
            try:
                outcome = self._send_part(part)
            except ClusterError as error:
                if begun == 0:
                    raise
                outcome = Outcome(later=tuple(part), reason=error.reason)
            later += outcome.later
            refused += outcome.refused
            reason = reason or outcome.reason
        return Outcome(tuple(later), refused, reason)

    def end_within(self, seconds: float) -> None:
        """Whatever is asked ends within so many seconds from now; by any thread."""
        self._budget.end_within(seconds)

    def close(self) -> None:
        self._client.close()

    def _send_part(self, part: Sequence[Document]) -> Outcome:
        try:
            answer = self._asked(lambda: self._bulk(part))
        except ClusterError as error:
            too_large = error.status == 413
            if not too_large and not (error.status == 400 and error.kind in _BAD_REQUEST):
                raise
            if len(part) == 1:
                return Outcome(refused=1, reason=error.reason)
            return _together(*(self._send_part(half) for half in _halves(part)))
        return _judged(part, answer)

    def _bulk(self, part: Sequence[Document]) -> Any:
        lines: Any = b"".join(b"%b\n%b\n" % (one.action, one.body) for one in part)
        return self._client.bulk(operations=lines, filter_path=["errors", "items.*.status", "items.*.error"])

    def _asked(self, request: Callable[[], Any]) -> Any:
        try:
            return request().body
        except UnsupportedProductError as error:
            raise ClusterError(f"what answers at {self._where} is not Elasticsearch") from error
        except ApiError as error:
            raise _api_error(error) from error
        except SerializationError as error:
            raise ClusterError(f"the answer of {self._where} cannot be understood") from error
        except TransportError as error:
            raise ClusterError(f"{self._where} {_transport_reason(error)}") from error


def body_arguments(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request as arguments of the client's methods."""
    return {key.removeprefix("_"): value for key, value in body.items()}


def _node_class(budget: ExchangeBudget) -> type[Urllib3HttpNode]:
    class BoundedNode(Urllib3HttpNode):
        """A node whose answers end in time, however slowly it sends them."""

        def __init__(self, config: NodeConfig) -> None:
            super().__init__(config)
            bound(self.pool, budget)

        def perform_request(self, *arguments: Any, **more: Any) -> Any:
            budget.begin()
            return super().perform_request(*arguments, **more)

    return BoundedNode


def _parts(batch: Sequence[Document]) -> Iterator[Sequence[Document]]:
    begin = size = 0
    for number, one in enumerate(batch):
        more = len(one.action) + len(one.body) + 2
        if size and size + more > MAX_REQUEST_BYTES:
            yield batch[begin:number]
            begin, size = number, 0
        size += more
    if begin < len(batch):
        yield batch[begin:]


def _halves(part: Sequence[Document]) -> tuple[Sequence[Document], Sequence[Document]]:
    middle = len(part) // 2
    return part[:middle], part[middle:]


def _together(one: Outcome, other: Outcome) -> Outcome:
    return Outcome(one.later + other.later, one.refused + other.refused, one.reason or other.reason)


def _judged(part: Sequence[Document], answer: Any) -> Outcome:
    """Raises ClusterError for an answer that does not say what became of each document."""
    if not isinstance(answer, Mapping) or "errors" not in answer:
        raise ClusterError("the answer to a bulk request is not that of Elasticsearch")
    if not answer["errors"]:
        return Outcome()
    items = answer.get("items")
    if not isinstance(items, list) or len(items) != len(part):
        raise ClusterError("the answer to a bulk request does not say what became of each document")
    later, refused, reason = [], 0, ""
    for one, item in zip(part, items, strict=True):
        told = next(iter(item.values()), None) if isinstance(item, Mapping) else None
        status = told.get("status") if isinstance(told, Mapping) else None
        if not isinstance(status, int):
            raise ClusterError("the answer to a bulk request does not say what became of each document")
        if status < 300 or status == 409:  # it is there already
            continue
        kind, text = _error_of(told)
        reason = reason or f"{kind}: {text}" if text else kind or str(status)
        if status in _LATER or kind in _PER_DOCUMENT_LATER:
            later.append(one)
        else:
            refused += 1
    return Outcome(tuple(later), refused, reason[:500])


def _error_of(told: Any) -> tuple[str, str]:
    """Type and reason of an error as Elasticsearch tells it."""
    error = told.get("error") if isinstance(told, Mapping) else None
    if isinstance(error, Mapping):
        cause = error.get("caused_by")
        why = f" ({str(cause.get('reason'))[:200]})" if isinstance(cause, Mapping) else ""
        return str(error.get("type", ""))[:100], f"{str(error.get('reason', ''))[:300]}{why}"
    return "", str(error or "")[:300]


def _api_error(error: ApiError) -> ClusterError:
    status = error.meta.status
    kind, text = _error_of(error.body)
    said = f"{kind}: {text}" if text else kind or str(error.body or "")[:200]
    if status == 401:
        reason = f"authentication failed (401): the user, password or API key is wrong or missing ({said})"
    elif status in _AUTHENTICATION and kind != "cluster_block_exception":
        reason = f"it is not allowed ({status}): the user lacks a right ({said})"
    elif 300 <= status < 400:
        target = str(error.meta.headers.get("location", ""))[:200]
        reason = (
            f"it redirects ({status}) to {target!r}, which is not followed; set hosts to the right address"
        )
    elif status == 400 and "media_type" in kind:
        reason = (
            f"it does not speak the language of this client ({said}): install the client of its version, "
            "as elasticsearch<9"
        )
    else:
        reason = f"it answers {status}: {said}"
    return ClusterError(reason, status=status, kind=kind, after_seconds=_retry_after(error))


def _retry_after(error: ApiError) -> float:
    text = str(error.meta.headers.get("retry-after", "")).strip()
    return min(float(text), MAX_RETRY_AFTER_SECONDS) if text.isdigit() and len(text) < 10 else 0.0


def _transport_reason(error: TransportError) -> str:
    if own := budget_error(error):
        return str(own)
    if isinstance(error, ConnectionTimeout):
        return "does not answer in time"
    if isinstance(error, TlsError):
        return f"cannot be spoken to by TLS: {str(error.message)[:300]}"
    if isinstance(error, ConnectionError):
        return f"cannot be reached: {str(error.message)[:300]}"
    return f"cannot be used: {type(error).__name__}: {str(error.message)[:300]}"

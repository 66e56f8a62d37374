"""Elasticsearch as far as a bulk request goes: keeps documents by index and identity, and fails if told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.unit.http_stub import Answer, Request, answer

Item = tuple[int, dict[str, Any] | None]


@dataclass
class Cluster:
    """``fail`` may give an answer instead; ``judge`` a status and an error for a document."""

    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    templates: dict[str, Any] = field(default_factory=dict)
    fail: Callable[[Request], Answer | None] = lambda _: None
    judge: Callable[[dict[str, Any]], Item] = lambda _: (201, None)

    def __call__(self, request: Request) -> Answer:
        failed = self.fail(request)
        if failed is not None:
            return failed
        if request.path.startswith("/_index_template/"):
            self.templates[request.path.rpartition("/")[2]] = json.loads(request.body)
            return ok({"acknowledged": True})
        lines = [json.loads(line) for line in request.body.splitlines()]
        items = [
            self._take(action["create"], body) for action, body in zip(lines[::2], lines[1::2], strict=True)
        ]
        return ok({"errors": any("error" in item["create"] for item in items), "items": items})

    def _take(self, action: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        key = action["_index"], action["_id"]
        status, error = (
            (409, {"type": "version_conflict_engine_exception"})
            if key in self.documents
            else self.judge(body)
        )
        if status == 201:
            self.documents[key] = body
            self.order.append(body["kind"] if "kind" in body else str(body.get("n")))
        return {"create": {"status": status, **({"error": error} if error else {})}}


def ok(body: Any) -> bytes:
    return said(200, body)


def said(status: int, body: Any, **headers: str) -> bytes:
    return answer(status, json.dumps(body).encode(), X_Elastic_Product="Elasticsearch", **headers)


def error(status: int, kind: str, reason: str = "because", **headers: str) -> bytes:
    return said(status, {"error": {"type": kind, "reason": reason}, "status": status}, **headers)

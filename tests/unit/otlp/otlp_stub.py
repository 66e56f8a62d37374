"""A collector that decodes what it gets."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from tests.unit.http_stub import Answer, Request, answer

PROTOBUF = "application/x-protobuf"


@dataclass
class Collector:
    """``rejected`` points are refused of each request; ``traces`` are bodies that came to ``/v1/traces``."""

    exports: list[ExportMetricsServiceRequest] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    traces: list[bytes] = field(default_factory=list)
    rejected: int = 0

    def __call__(self, request: Request) -> Answer:
        body = request.body
        encoding = request.headers.get("content-encoding", "")
        if encoding:
            body = gzip.decompress(body) if encoding == "gzip" else zlib.decompress(body)
        if request.path.endswith("/v1/traces"):
            self.traces.append(body)
            return answer(200, b"", PROTOBUF)
        told = ExportMetricsServiceRequest()
        told.ParseFromString(body)
        self.requests.append(request)
        self.exports.append(told)
        said = ExportMetricsServiceResponse()
        if self.rejected:
            said.partial_success.rejected_data_points = self.rejected
            said.partial_success.error_message = "no room"
        return answer(200, said.SerializeToString(), PROTOBUF)

    def resource(self) -> dict[str, Any]:
        """Of the last export."""
        return attributes(self.exports[-1].resource_metrics[0].resource.attributes)

    def metrics(self, number: int = -1) -> dict[str, Any]:
        """By name."""
        (scope,) = self.exports[number].resource_metrics[0].scope_metrics
        return {metric.name: metric for metric in scope.metrics}


def attributes(found: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in found}


def points(metric: Any) -> list[Any]:
    return list(getattr(metric, metric.WhichOneof("data")).data_points)


def number(point: Any) -> float:
    return getattr(point, point.WhichOneof("value"))

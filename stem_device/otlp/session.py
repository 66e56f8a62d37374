"""What the exporter of the SDK sends by: bounded, and it remembers what went wrong."""

from __future__ import annotations

from typing import Any

import requests
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from requests.adapters import HTTPAdapter

from stem_device.outlets.bounded_http import ExchangeBudget, bound, budget_error

PROTOBUF = "application/x-protobuf"


class RefusedError(requests.RequestException):
    """The answer is not one of a collector that took the metrics; trying again would not help."""


class BoundedSession(requests.Session):
    """Each request has its time-out as a whole, and a limit of what is read. Redirects are errors: they
    would carry the headers, with their secrets, elsewhere.

    ``problem`` says why the last request failed; empty if it did not.
    """

    def __init__(self, budget: ExchangeBudget) -> None:
        super().__init__()
        self.problem = ""
        self._budget = budget
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(budget))

    def request(self, *arguments: Any, **more: Any) -> requests.Response:
        """As of requests; raises RequestException."""
        timeout = more.get("timeout")
        more["allow_redirects"] = False
        if isinstance(self.verify, str):  # else REQUESTS_CA_BUNDLE would win over OpenTelemetry's variable
            more.setdefault("verify", self.verify)
        try:
            self._budget.begin(timeout if isinstance(timeout, int | float) else None)
            response = super().request(*arguments, **more)
            self.problem = _problem(response)
        except OSError as error:  # as those of requests are
            if self._budget.ended:  # the exporter would try again; why it does is the reason
                self.problem = self.problem or _reason(error)
                raise RefusedError(self.problem) from error
            self.problem = _reason(error)
            if isinstance(error, requests.RequestException):
                raise
            # Of the budget, where urllib3 lets it through.
            raise requests.ConnectionError(self.problem) from error
        if self.problem and response.status_code < 400:  # the exporter takes it for a success
            raise RefusedError(self.problem)
        return response


class _Adapter(HTTPAdapter):
    def __init__(self, budget: ExchangeBudget) -> None:
        self._budget = budget
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *arguments: Any, **more: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*arguments, **more)
        if not hasattr(pool, "stem_bounded"):
            bound(pool, self._budget)
            pool.stem_bounded = True
        return pool


def _problem(response: requests.Response) -> str:
    """Why the metrics were not taken; empty if they were."""
    status = response.status_code
    if 300 <= status < 400:
        where = str(response.headers.get("location", ""))[:200]
        return f"it redirects ({status}) to {where!r}, which is not followed; name that if it is right"
    if status in {401, 403}:
        return f"authentication failed ({status}): see OTEL_EXPORTER_OTLP_HEADERS{_said(response)}"
    if status == 404:
        return f"it answers 404: no collector takes metrics at {response.url}"
    if not response.ok:
        return f"it answers {status} {str(response.reason)[:100]}{_said(response)}"
    return _partial(response)


def _partial(response: requests.Response) -> str:
    """A collector tells in its answer of points that it did not take."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not response.content:
        return ""
    if kind not in {PROTOBUF, "application/json", "application/octet-stream"}:
        return f"it answers {response.status_code}, but not as a collector does ({kind[:50] or 'no type'})"
    if kind != PROTOBUF:
        return ""
    answer = ExportMetricsServiceResponse()
    try:
        answer.ParseFromString(response.content)
    except Exception:  # noqa: BLE001 - protobuf has errors of several kinds
        return f"it answers {response.status_code}, but not as a collector does"
    refused = answer.partial_success.rejected_data_points
    if refused:
        return f"{refused} points were refused: {answer.partial_success.error_message[:300]}"
    return ""


def _said(response: requests.Response) -> str:
    text = response.content[:200].decode(errors="replace").strip()
    return f": {text}" if text and text.isprintable() else ""


def _reason(error: BaseException) -> str:
    if own := budget_error(error):
        return f"it {own}"
    if isinstance(error, requests.Timeout):
        return "it does not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return f"it cannot be spoken to by TLS: {str(error)[:300]}"
    return f"it cannot be reached: {str(error)[:300]}"

"""A consumer of Snapshots that sends the metrics of each to a collector."""

from __future__ import annotations

import logging
import os
import time

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from stem_device.catalogue import Accumulation, PollSeries
from stem_device.errors import OptionError, SendError
from stem_device.model.snapshot import Snapshot
from stem_device.otlp.points import MetricsMaker
from stem_device.otlp.session import BoundedSession
from stem_device.otlp.starts import Starts
from stem_device.otlp.users import left_out
from stem_device.otlp.who import Who
from stem_device.outlets.bounded_http import END_SECONDS, ExchangeBudget

PATH = "/v1/metrics"
DEFAULT_TIMEOUT_SECONDS = 10.0

# They tell every failure of every request, which the outlet does once.
for _name in (
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.common.http",
):
    if logging.getLogger(_name).level == logging.NOTSET:
        logging.getLogger(_name).setLevel(logging.CRITICAL)


class MetricsToOtlp:
    """Belongs behind an outlet, where it costs no poll. A poll that was not taken raises SendError.

    ``endpoint`` None: as the environment says.
    """

    def __init__(self, endpoint: str | None, who: Who, series: PollSeries) -> None:
        self._series = series
        self._accumulation = Accumulation()
        self._data = MetricsMaker(resource_of(who), Starts(time.time_ns()))
        self._budget = ExchangeBudget(DEFAULT_TIMEOUT_SECONDS)
        self._session = BoundedSession(self._budget)
        self._failing = ""
        """Why the last poll was not taken; empty if it was."""
        try:
            self._exporter = OTLPMetricExporter(
                endpoint=full_endpoint(endpoint) if endpoint else None, session=self._session
            )
        except (ValueError, OSError) as error:
            raise OptionError("OtlpEndpoint", endpoint, f"a variable OTEL_... is wrong: {error}") from error
        self._where = shown_endpoint(str(self._exporter._endpoint))

    def take(self, snapshot: Snapshot) -> None:
        """Send the metrics of one poll. Raises SendError."""
        series = self._accumulation.add(snapshot, self._series(snapshot))
        data = self._data.of(snapshot, series)
        try:
            self._export(data)
        except SendError as error:
            if self._failing and self._budget.ended:  # the end is not why
                raise SendError(self._where, self._failing) from error
            self._failing = error.reason
            raise
        self._failing = ""
        if problem := left_out(snapshot.metrics):
            raise SendError(self._where, problem)

    def _export(self, data: MetricsData) -> None:
        self._session.problem = ""
        try:
            result = self._exporter.export(data)
        except Exception as error:
            reason = self._session.problem or f"{type(error).__name__}: {error}"
            raise SendError(self._where, reason) from error
        if result is not MetricExportResult.SUCCESS:
            raise SendError(self._where, self._session.problem or "the metrics were not taken")

    def ending(self) -> None:
        """Wait for nobody who did not answer last, and for others not long; by any thread."""
        self._budget.end_within(0.0 if self._failing else END_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()
        self._session.close()


def full_endpoint(url: str) -> str:
    """``http://host:4318`` -> ``http://host:4318/v1/metrics``, as OTEL_EXPORTER_OTLP_ENDPOINT has it."""
    bare = url.rstrip("/")
    return bare if bare.endswith(PATH) else bare + PATH


def shown_endpoint(url: str) -> str:
    """Without a user and a query, which may be secret: those of the environment may have them."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def resource_of(who: Who) -> Resource:
    """As cppTango describes the device in its traces; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win."""
    return Resource.create(who.attributes()).merge(OTELResourceDetector().detect())


def is_disabled() -> bool:
    """Whether the environment switches OpenTelemetry off, or its metrics."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return disabled or os.environ.get("OTEL_METRICS_EXPORTER", "").strip().lower() == "none"

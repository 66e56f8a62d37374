"""Options of the outlet to OpenTelemetry."""

from __future__ import annotations

from dataclasses import dataclass

from stem_device.model.options.kinds import UrlOrEnvironment
from stem_device.model.options.option import OptionGroup, option


@dataclass(frozen=True, kw_only=True)
class OtlpOptions(OptionGroup):
    """What :mod:`stem_device.otlp` needs."""

    otlp_endpoint: str | None = option(
        None,
        UrlOrEnvironment(),
        "Where to send the metrics of every poll by OTLP/HTTP: http://host:4318, to which /v1/metrics is "
        "added, or environment: what OTEL_EXPORTER_OTLP_METRICS_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT say. "
        "All other OTEL_... variables hold for it too.",
        help_text="Send metrics by OTLP/HTTP to http://host:4318, or to where the environment says "
        "(environment).",
    )

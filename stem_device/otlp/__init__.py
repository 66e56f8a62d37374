"""The metrics of every poll by OTLP over HTTP, with the OpenTelemetry SDK."""

from stem_device.otlp.metrics import OUTLET, metrics_to_otlp
from stem_device.otlp.who import Who

__all__ = ["OUTLET", "Who", "metrics_to_otlp"]

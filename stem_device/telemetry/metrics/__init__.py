"""Metrics of a user's program, on their way to an EventMonitor: a call never waits. Standard library only."""

from stem_device.telemetry.metrics.client import Telemetry
from stem_device.telemetry.metrics.health import MetricsHealth

__all__ = ["MetricsHealth", "Telemetry"]

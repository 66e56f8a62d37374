"""The engine: polls, counts, records, and hands each Snapshot to whoever asked for it."""

from stem_device.monitor.health import MonitorHealth
from stem_device.monitor.marks import MarkOutcome
from stem_device.monitor.monitor import Monitor

__all__ = ["MarkOutcome", "Monitor", "MonitorHealth"]

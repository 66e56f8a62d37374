"""Metrics of users: what comes from their programs, checked, limited, kept for a while and counted."""

from stem_device.user_metrics.intake import Intake, IntakeCounts
from stem_device.user_metrics.outcome import Outcome, Rejection
from stem_device.user_metrics.parsing import Element, parse_batch

__all__ = ["Element", "Intake", "IntakeCounts", "Outcome", "Rejection", "parse_batch"]

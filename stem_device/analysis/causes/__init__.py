"""Why subscriptions lose events or wait for them: rules over a window of Snapshots, live and recorded."""

from stem_device.analysis.causes.analyst import Analyst, worst_first
from stem_device.analysis.causes.rules import RULES, name_cause

__all__ = ["RULES", "Analyst", "name_cause", "worst_first"]

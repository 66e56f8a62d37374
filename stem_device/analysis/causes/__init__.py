"""Why subscriptions lose events or wait for them: rules over a window of Snapshots, live and recorded."""

from stem_device.analysis.causes.analyst import Analyst, worst_first
from stem_device.analysis.causes.rules import RULES, name_cause
from stem_device.analysis.causes.told import PHRASES, by_advice, cause_of, find, losers, outcome_of

__all__ = [
    "PHRASES",
    "RULES",
    "Analyst",
    "by_advice",
    "cause_of",
    "find",
    "losers",
    "name_cause",
    "outcome_of",
    "worst_first",
]

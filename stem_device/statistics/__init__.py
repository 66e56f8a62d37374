"""Statistics of recordings, and their comparison."""

from stem_device.statistics.comparison import compare
from stem_device.statistics.comparison_results import Change, Comparison, Kind, Verdict
from stem_device.statistics.distribution import Distribution
from stem_device.statistics.results import Statistics
from stem_device.statistics.summary import summarise

__all__ = [
    "Change",
    "Comparison",
    "Distribution",
    "Kind",
    "Statistics",
    "Verdict",
    "compare",
    "summarise",
]

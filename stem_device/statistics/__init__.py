"""Statistics of recordings, and their comparison."""

from stem_device.statistics.distribution import Distribution
from stem_device.statistics.results import Statistics
from stem_device.statistics.summary import summarise

__all__ = ["Distribution", "Statistics", "summarise"]

"""Statistics of recordings, and their comparison.

Polls, Choice and CountedRows say which polls, servers and rows count, for others that add them up.
"""

from stem_device.statistics.comparison import compare
from stem_device.statistics.comparison_results import Change, Comparison, Kind, Verdict
from stem_device.statistics.distribution import Distribution
from stem_device.statistics.polls import Polls
from stem_device.statistics.results import Statistics
from stem_device.statistics.rows import CountedRows
from stem_device.statistics.source_choice import Choice
from stem_device.statistics.summary import summarise

__all__ = [
    "Change",
    "Choice",
    "Comparison",
    "CountedRows",
    "Distribution",
    "Kind",
    "Polls",
    "Statistics",
    "Verdict",
    "compare",
    "summarise",
]

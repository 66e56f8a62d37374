"""Runs and their phases, from the marks of a recording."""

from stem_device.runs.between_marks import Durations, Occurrences, durations, mark_names, occurrences
from stem_device.runs.during import (
    Counts,
    SpanEvents,
    StageEvents,
    events_per_run,
    events_per_stage,
    polls_of,
)
from stem_device.runs.groups import GroupStatistics, Requestor, StageStatistics, group_statistics
from stem_device.runs.losses import Losses, losses
from stem_device.runs.moments import Moments
from stem_device.runs.phases import Stages, stages
from stem_device.runs.source import runs_of
from stem_device.runs.table import QUEUED_MARKS, Run, RunMark, RunState, RunTable

__all__ = [
    "QUEUED_MARKS",
    "Counts",
    "Durations",
    "GroupStatistics",
    "Losses",
    "Moments",
    "Occurrences",
    "Requestor",
    "Run",
    "RunMark",
    "RunState",
    "RunTable",
    "SpanEvents",
    "StageEvents",
    "StageStatistics",
    "Stages",
    "durations",
    "events_per_run",
    "events_per_stage",
    "group_statistics",
    "losses",
    "mark_names",
    "occurrences",
    "polls_of",
    "runs_of",
    "stages",
]

"""What the runs of every device group have come to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.runs.marks import NONE, Integers
from stem_device.runs.moments import Moments, moments, moments_by
from stem_device.runs.pairs import pairs_of
from stem_device.runs.phases import Stages, stages
from stem_device.runs.source import Tables, runs_of
from stem_device.runs.table import RunTable


@dataclass(frozen=True, slots=True)
class Requestor:
    """Who asked for runs. ``requests`` counts different request ids, and every run without one."""

    name: str
    requests: int
    runs: int


@dataclass(frozen=True, slots=True)
class StageStatistics:
    """Durations of one stage in seconds."""

    earlier: str
    later: str
    seconds: Moments


@dataclass(frozen=True, slots=True)
class GroupStatistics:
    """The runs of one device group; None for runs of which nobody told the group.

    ``ended``, ``ongoing`` and ``queued`` add up to ``runs``; ``failed`` are among the ended ones.
    ``requestors`` come by the number of requests, most first; runs without one are not among them.
    ``whole`` are the seconds from begin to end. ``stages`` come in the order in which they usually begin.
    """

    device_group: str | None
    runs: int
    ended: int
    ongoing: int
    queued: int
    failed: int
    never_begun: int
    requestors: tuple[Requestor, ...]
    whole: Moments
    stages: tuple[StageStatistics, ...]

    def share(self, number: int) -> float:
        """Of all runs of the group, 0 to 1."""
        return number / self.runs


def group_statistics(runs: RunTable | Tables) -> tuple[GroupStatistics, ...]:
    """One record a device group, the largest first; of a recording or of its runs."""
    table = runs_of(runs)
    staged = stages(table)
    codes, group = np.unique(table.codes("device_group"), return_inverse=True)
    queued, ended = table.queued, table.ended
    failed, never_begun = table.failed, table.begun_utc_ns == NONE
    found = []
    for number, name in enumerate(table.texts(codes)):
        own = group == number
        found.append(
            GroupStatistics(
                device_group=name,
                runs=int(own.sum()),
                ended=int((own & ended).sum()),
                ongoing=int((own & ~ended & ~queued).sum()),
                queued=int((own & queued).sum()),
                failed=int((own & failed).sum()),
                never_begun=int((own & never_begun).sum()),
                requestors=_requestors(table, np.flatnonzero(own)),
                whole=moments(table.seconds[own & ~np.isnan(table.seconds)]),
                stages=_stage_statistics(table, staged, np.flatnonzero(own[staged.run])),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.runs, one.device_group or "")))


def _requestors(table: RunTable, runs: Integers) -> tuple[Requestor, ...]:
    requestor, request = table.codes("requestor")[runs], table.codes("request_id")[runs]
    known = requestor != NONE
    # A run without a request id is a request of its own.
    request = np.where(request == NONE, -2 - np.arange(len(runs)), request)
    codes, asked = np.unique(requestor[known], return_counts=True)
    requests = np.bincount(np.searchsorted(codes, pairs_of(requestor[known], request[known]).first))
    found = (
        Requestor(str(table.names[code]), int(times), int(of_them))
        for code, times, of_them in zip(codes, requests, asked, strict=True)
    )
    return tuple(sorted(found, key=lambda one: (-one.requests, one.name)))


def _stage_statistics(table: RunTable, stages: Stages, rows: Integers) -> tuple[StageStatistics, ...]:
    kinds = pairs_of(stages.earlier[rows], stages.later[rows])
    since = stages.begin_utc_ns[rows] - table.first_utc_ns[stages.run[rows]]
    usual = np.bincount(kinds.of, weights=since, minlength=len(kinds)) / kinds.count
    measured = moments_by(stages.seconds[rows], kinds.of, len(kinds))
    return tuple(
        StageStatistics(str(table.names[kinds.first[i]]), str(table.names[kinds.second[i]]), measured[i])
        for i in np.argsort(usual, kind="stable")
    )

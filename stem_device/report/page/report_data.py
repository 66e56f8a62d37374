"""The columns of a recording that the report needs, as plain arrays of equal length a table.

Deltas of the first poll of a source precede the recording: they are 0 here. Names are row numbers of
``names``, -1 for none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stem_device.analysis.verdict import Verdict
from stem_device.model.finding import Finding
from stem_device.report.page.bins import Flags, Floats, Integers

Codes = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Names = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class PollRows:
    """One row a poll. ``counted`` is false for the first one of a source; ``usual_seconds`` is the usual
    interval of its source.
    """

    time_utc_ns: Integers
    source: Integers
    counted: Flags
    usual_seconds: Floats


PHASES = ("resolve", "ask", "parse", "account", "record", "publish")
"""The phases of a poll, in their order; see :class:`stem_device.model.poll.PollPhases`."""
TOLD_BY_THE_NEXT = frozenset({"record", "publish"})
"""They come after the Snapshot, so that the row of the next poll has them."""


@dataclass(frozen=True, slots=True)
class PhaseRows:
    """One row a poll, in the order of sources and polls. ``seconds`` are by phase, NaN where it is not known.

    Those TOLD_BY_THE_NEXT are of the poll before.
    """

    time_utc_ns: Integers
    source: Integers
    poll: Integers
    seconds: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class ProcessRows:
    """One row a measurement in a process that has a value. ``duration``: of the program, in seconds."""

    at_utc_ns: Integers
    value: Floats
    label: Codes
    duration: Flags
    pid: Integers


@dataclass(frozen=True, slots=True)
class StreamRows:
    """One row a stream and poll."""

    time_utc_ns: Integers
    server: Codes
    stream: Codes
    published_delta: Integers


@dataclass(frozen=True, slots=True)
class SubscriptionRows:
    """One row a subscription and poll. ``overdue`` is -1 where it is not known, ``lag_seconds`` NaN.

    ``lost_delta`` is missed and unaccounted: lost after ``since_utc_ns``, and noticed by the poll. ``ended``
    rows are of subscriptions that are no more.
    """

    time_utc_ns: Integers
    source: Integers
    server: Codes
    topic: Codes
    stream: Codes
    publisher: Codes
    received_delta: Integers
    missed_delta: Integers
    unaccounted_delta: Integers
    gaps_delta: Integers
    overdue: Integers
    lag_seconds: Floats
    at_least: Flags
    since_utc_ns: Integers
    ended: Flags

    @property
    def lost_delta(self) -> Integers:
        lost: Integers = self.missed_delta + np.maximum(self.unaccounted_delta, 0)
        return lost


@dataclass(frozen=True, slots=True)
class ServerRows:
    """One row a server and poll. ``sampled_events`` are those that happened while samples were taken."""

    time_utc_ns: Integers
    server: Codes
    state: Codes
    reason: Codes
    samples: Integers
    sampled_events: Integers
    drained: Flags


@dataclass(frozen=True, slots=True)
class Samples:
    """One row a sample of one kind of timing; NaN where it is not known."""

    time_utc_ns: Integers
    server: Codes
    micros: Floats


@dataclass(frozen=True, slots=True)
class RunRows:
    """One row a run, in the order of their first marks. ``failed``: its end told an error.

    ``missed`` has every loss whose interval overlaps the run, ``missed_at_least`` those that lie within it.
    """

    run: tuple[str, ...]
    first_utc_ns: Integers
    last_utc_ns: Integers
    ended: Flags
    failed: Flags
    missed: Integers
    missed_at_least: Integers


@dataclass(frozen=True, slots=True)
class StageRows:
    """One row a stage: its run (a row of RunRows), the marks around it, and their times."""

    run: Integers
    earlier: Codes
    later: Codes
    begin_utc_ns: Integers
    end_utc_ns: Integers


@dataclass(frozen=True, slots=True)
class Source:
    """One recording of one monitor."""

    label: str
    host: str
    complete: bool
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything that the page is computed from. ``why`` are the causes of losses, worst first."""

    names: Names
    sources: tuple[Source, ...]
    polls: PollRows
    phases: PhaseRows
    processes: ProcessRows
    streams: StreamRows
    subscriptions: SubscriptionRows
    servers: ServerRows
    latency: Samples
    processing: Samples
    push: Samples
    runs: RunRows
    stages: StageRows
    problems: tuple[str, ...]
    verdict: Verdict
    why: tuple[Finding, ...] = ()

    def name(self, code: int) -> str:
        """The name of one code; empty for none."""
        return str(self.names[code]) if code >= 0 else ""

    def named(self, codes: Codes) -> tuple[str, ...]:
        """The names of several codes."""
        return tuple(self.name(int(code)) for code in codes)

"""Everything that the attributes show at one moment: immutable, made once, read by any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stem_device.analysis.verdict import Verdict
from stem_device.device.digest import Digest
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.snapshot import Snapshot

if TYPE_CHECKING:
    from stem_device.monitor import MonitorHealth
    from stem_device.recording import RecordingStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one poll brought, with what is computed from it once. ``latest`` is the bounded JSON.

    ``verdict`` is that of the last AlarmHoldTime. ``missed_rate`` is events missed per second since the poll
    before, NaN for the first one.
    """

    snapshot: Snapshot
    verdict: Verdict
    digest: Digest
    latest: str
    missed_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """``polled`` is None before the first poll.

    ``event_errors`` counts the events that Tango refused to push, ``unrecorded_marks`` the marks that were
    not recorded.
    """

    polled: Polled | None
    recording: RecordingStatus
    health: MonitorHealth
    outlets: tuple[OutletHealth, ...]
    targets: tuple[str, ...]
    poll_period_seconds: float
    sampling_wanted: bool
    event_errors: int
    unrecorded_marks: int

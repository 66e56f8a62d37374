"""Everything that the attributes show at one moment: immutable, made once, read by any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stem_device.analysis.verdict import Verdict
from stem_device.device.digest import Digest
from stem_device.model.canary import CanaryFigures
from stem_device.model.outlet_health import OutletHealth
from stem_device.model.processes import OwnProcess
from stem_device.model.snapshot import Snapshot
from stem_device.polling.clients import ClientsHealth
from stem_device.user_metrics import IntakeCounts

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


NO_INTAKE = IntakeCounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """``polled`` is None before the first poll.

    ``event_errors`` counts the events that Tango refused to push, ``unrecorded_marks`` the marks that were
    not recorded, ``clients`` the clients that report. ``http_url`` is where the HTTP port is, ``http_error``
    why it is not open; both are empty where none is wanted. ``own`` is this process, None before the first
    poll; ``telemetry_problems`` say why telemetry of others is not complete. ``metrics`` counts points of
    users' metrics, ``extra_errors`` say what is wrong with ExtraAttributes, ``metric_errors`` with
    MetricAttributes.
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
    clients: ClientsHealth
    metrics: IntakeCounts = NO_INTAKE
    extra_errors: tuple[str, ...] = ()
    metric_errors: tuple[str, ...] = ()
    canaries: tuple[CanaryFigures, ...] = ()
    silent_publishers: tuple[str, ...] = ()
    http_url: str = ""
    http_error: str = ""
    own: OwnProcess | None = None
    telemetry_problems: tuple[str, ...] = ()

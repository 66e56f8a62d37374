"""What is known of the monitor besides its Snapshots."""

from __future__ import annotations

from msgspec import Struct

from stem_device.model.canary import CanaryFigures
from stem_device.model.link import LinkFigures
from stem_device.model.mark import Mark
from stem_device.model.processes import OwnProcess, ProcessRuntime


class MonitorState(Struct, frozen=True, kw_only=True):
    """A monitor at one moment, as plain numbers.

    ``lost_recently`` are the events missed or unaccounted within the last ``AlarmHoldTime``, None before
    the first poll. Polls, marks and
    bytes are those of the recording that is running, or of the last one. ``marks`` are the latest of each
    run and name, recorded or not, the oldest first. ``processes`` write telemetry now; ``own`` is the
    monitor's process, None before the first poll. ``links``: the publishers that are listened for.
    """

    poll_period_seconds: float
    targets: int
    sampling_wanted: bool
    lost_recently: int | None
    recording_active: bool
    recording_failed: bool
    recorded_polls: int
    recorded_marks: int
    recorded_bytes: int
    unrecorded_marks: int
    thread_restarts: int
    consumer_errors: int
    clients: int
    client_reports_refused: int
    metric_points: int = 0
    metric_points_rejected: int = 0
    metric_series: int = 0
    canaries: tuple[CanaryFigures, ...] = ()
    links: tuple[LinkFigures, ...] = ()
    marks: tuple[Mark, ...] = ()
    processes: tuple[ProcessRuntime, ...] = ()
    own: OwnProcess | None = None

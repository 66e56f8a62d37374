"""What is shown of one poll."""

from __future__ import annotations

from msgspec import Struct

from stem_device.model.snapshot import Snapshot
from stem_device.report.changes import PollReport
from stem_device.report.overview import Overview


class Shown(Struct, frozen=True):
    """One poll, ready to be shown."""

    report: PollReport
    overview: Overview
    snapshot: Snapshot

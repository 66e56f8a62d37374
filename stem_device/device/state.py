"""State of the device: what the verdict amounts to in Tango's states."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from stem_device.analysis.verdict import Level, Verdict

if TYPE_CHECKING:
    from stem_device.recording import RecordingStatus


class DeviceState(enum.StrEnum):
    """The Tango states that the device can be in."""

    ON = "ON"
    ALARM = "ALARM"
    UNKNOWN = "UNKNOWN"
    FAULT = "FAULT"


def state_of(verdict: Verdict | None, recording: RecordingStatus, http_error: str = "") -> DeviceState:
    """Apply the rules. FAULT is not among them: with a bad property there is no monitor to ask."""
    if verdict is None:
        return DeviceState.UNKNOWN
    if verdict.level >= Level.WAITING:
        return DeviceState.ALARM
    if not verdict.coverage.answering:
        return DeviceState.UNKNOWN
    return DeviceState.ALARM if recording.error or http_error else DeviceState.ON
